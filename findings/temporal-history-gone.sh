#!/usr/bin/env bash
# Temporal's TypeScript client: of a workflow that is not there, the history is refused with another error than all else.
#
# Version: @temporalio/client 1.24.0 with Go module github.com/temporalio/cli v1.5.1 (server 1.29.1).
# Expected: each method of a workflow's handle says alike that there is no such workflow: with a WorkflowNotFoundError, as
#   the reference has it for the handle.
# Behaviour: fetchHistory() rejects with the gRPC error as it came (an Error with code 5). Code that asks
#   `error instanceof WorkflowNotFoundError` takes a history that retention has deleted for a server in trouble, and tries again
#   without an end.
# Source: tried.
# Output seen:
#   describe: WorkflowNotFoundError
#   query: WorkflowNotFoundError
#   result: WorkflowNotFoundError
#   signal: WorkflowNotFoundError
#   terminate: WorkflowNotFoundError
#   fetchHistory: Error 5
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
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
HOME="$tmp" "$tmp/temporal" server start-dev --headless --ip 127.0.0.1 --port "$port" \
  --log-level never >/dev/null 2>&1 &
server=$!
for _ in $(seq 120); do
  if HOME="$tmp" "$tmp/temporal" operator cluster health --address "127.0.0.1:$port" >/dev/null 2>&1; then break; fi
  sleep 0.5
done

cd "$tmp"
npm init -y >/dev/null
npm install --no-fund --no-audit --loglevel=error @temporalio/client@1.24.0 >/dev/null
cat >look.cjs <<'JS'
const { Client, Connection } = require('@temporalio/client');
(async () => {
  const connection = await Connection.connect({ address: `127.0.0.1:${process.argv[2]}` });
  const handle = new Client({ connection }).workflow.getHandle('not-there');
  const asks = {
    describe: () => handle.describe(),
    query: () => handle.query('state'),
    result: () => handle.result(),
    signal: () => handle.signal('hello'),
    terminate: () => handle.terminate(),
    fetchHistory: () => handle.fetchHistory(),
  };
  for (const [name, ask] of Object.entries(asks)) {
    const said = await ask().then(
      () => 'no error',
      ({ name: kind, constructor, code }) =>
        [kind === 'Error' ? constructor.name : kind, ...(code === undefined ? [] : [code])].join(' '),
    );
    console.log(`${name}: ${said}`);
  }
  await connection.close();
})();
JS
node look.cjs "$port" | tee seen
diff - seen >/dev/null <<'SEEN' || { echo 'CHANGED: it used to be as said above'; exit 1; }
describe: WorkflowNotFoundError
query: WorkflowNotFoundError
result: WorkflowNotFoundError
signal: WorkflowNotFoundError
terminate: WorkflowNotFoundError
fetchHistory: Error 5
SEEN
