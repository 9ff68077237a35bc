#!/usr/bin/env bash
# Temporal: the second failure of a workflow task is told to nobody, and costs ten seconds.
#
# Versions: npm @temporalio/worker 1.24.0; Go module github.com/temporalio/cli v1.5.1, whose
#   development server is Temporal 1.29.1.
# Expected: where workflow code throws, the task fails at once and is done again at once, with more
#   time between each two tries.
# Behaviour: so it is for the first try. That a later one failed is not reported: the server waits
#   until the task's time (10 s unless told otherwise) is over. A fault that passes on the third try
#   is over after ten seconds, not after milliseconds, and the history shows the first failure and
#   nothing of the rest. workflowTaskTimeout is what shortens it.
# Source: tried; the engine of the SDK reports a failed activation only where the attempt is the first.
# Output seen:
#   first to second try: at once
#   second to third try: 10 s
#   in the history, of tasks: failed
#   with workflowTaskTimeout 2 s, second to third try: 2 s
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
server=
stop() {
  if [[ -n $server ]]; then kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true; fi
  rm -rf "$tmp"
}
trap stop EXIT
GOBIN="$tmp" nice -n 10 go install github.com/temporalio/cli/cmd/temporal@v1.5.1 2>"$tmp/install" ||
  { cat "$tmp/install"; exit 1; }
cd "$tmp"
echo '{"private": true, "type": "module"}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @temporalio/worker@1.24.0 \
  @temporalio/client@1.24.0 @temporalio/workflow@1.24.0 >/dev/null

port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
# Its settings, if any, are not read.
HOME="$tmp" ./temporal server start-dev --headless --ip 127.0.0.1 --port "$port" --log-level never >/dev/null 2>&1 &
server=$!
for _ in $(seq 120); do
  if HOME="$tmp" ./temporal operator cluster health --address "127.0.0.1:$port" >/dev/null 2>&1; then break; fi
  sleep 0.5
done

cat >workflows.mjs <<'JS'
import { proxySinks } from '@temporalio/workflow';
const { host } = proxySinks();

/** Throws what is no failure of the workflow, as a fault in its code does, until the host has heard of three tries. */
export async function faulty() {
  host.tried();
  throw new TypeError('a fault that passes');
}
JS

cat >look.mjs <<'JS'
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';

const address = `127.0.0.1:${process.argv[2]}`;
const tries = [];
Runtime.install({
  logger: new DefaultLogger('ERROR', () => {}),
  telemetryOptions: { logging: { filter: 'OFF' } },
});
const worker = await Worker.create({
  connection: await NativeConnection.connect({ address }),
  taskQueue: 'faulty',
  workflowsPath: new URL('workflows.mjs', import.meta.url).pathname,
  sinks: { host: { tried: { fn: () => tries.push(Date.now()) } } },
});
const running = worker.run();
const client = new Client({ connection: await Connection.connect({ address }) });

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

/** Starts one, waits for three tries. @returns how long it was between them, in words */
async function between(workflowId, options) {
  tries.length = 0;
  const handle = await client.workflow.start('faulty', { workflowId, taskQueue: 'faulty', ...options });
  while (tries.length < 3) await new Promise((resolve) => setTimeout(resolve, 100));
  const words = tries.slice(1, 3).map((at, n) => {
    const seconds = Math.round((at - tries[n]) / 1_000);
    return seconds === 0 ? 'at once' : `${seconds} s`;
  });
  const { events = [] } = await handle.fetchHistory();
  await handle.terminate();
  const kinds = new Map([[8, 'timed out'], [9, 'failed']]);
  const failures = events.map(({ eventType }) => kinds.get(Number(eventType))).filter(Boolean);
  return { words, failures };
}

const usual = await between('usual', {});
look('first to second try', usual.words[0], 'at once');
look('second to third try', usual.words[1], '10 s');
look('in the history, of tasks', usual.failures.join(', '), 'failed');
const shorter = await between('shorter', { workflowTaskTimeout: '2 s' });
look('with workflowTaskTimeout 2 s, second to third try', shorter.words[1], '2 s');

worker.shutdown();
await running;
process.exit();
JS
node look.mjs "$port"
