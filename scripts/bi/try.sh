#!/usr/bin/env bash
# Does what the pages of docs/bi say, and compares what each tool prints with a count of the events themselves.
#
#     scripts/bi/try.sh                    all of them: minutes, and 2 GB of downloads in all
#     scripts/bi/try.sh pandas dbt         these
#     KEEP=folder scripts/bi/try.sh …      in this folder, which stays: tools need not be installed again
#
# Wants Node, python3 with venv, and a package registry in reach; jdbc wants java 17 and mvn as well. It starts a Sojourn of its
# own on free ports and stops it at the end. Programs run in the zone America/New_York: what is right there is right elsewhere.
set -euo pipefail

root=$(cd "$(dirname "$0")/../.." && pwd)
tools=("$@")
[ ${#tools[@]} -gt 0 ] || tools=(pandas polars duckdb jdbc dbt superset)

folder=${KEEP:-$(mktemp -d)}
mkdir -p "$folder"
cd "$folder"
up=
finish() {
  [ -z "${group:-}" ] || kill -TERM -- "-$group" 2>/dev/null || true
  [ -z "$up" ] || { kill -TERM "$up" 2>/dev/null || true; wait "$up" || true; }
  [ -n "${KEEP:-}" ] || rm -rf "$folder"
}
trap finish EXIT

# Sessions are told apart for LATE_WINDOW only, so the data of an earlier try would be counted as well.
rm -rf examples .sojourn
cp -r "$root/examples" examples
sojourn() { node "$root/bin/sojourn.mjs" "$@"; }
# Free ports: whatever else runs here goes on.
node "$root/bin/sojourn.mjs" up --for 1h --nats-port 0 --temporal-port 0 --temporal-ui-port 0 --clickhouse-port 0 --redis-port 0 \
  >up.log 2>&1 &
up=$!
until grep -q 'ingest started' up.log; do
  kill -0 "$up" 2>/dev/null || { echo 'sojourn up has ended:' && tail -n 5 up.log; exit 1; }
  sleep 0.5
done
sojourn project set kathmandu --time-zone Asia/Kathmandu --currency NPR --dimension plan=properties.plan >/dev/null
sojourn publish examples/events/kathmandu.ndjson --project kathmandu >/dev/null
sojourn status --wait >/dev/null
python3 "$root/scripts/bi/count.py" examples/events/kathmandu.ndjson >expected.txt
cat expected.txt

failed=()
for tool in "${tools[@]}"; do
  # The page's shell blocks, as they are printed, in one shell and a group of processes of its own: what it left in the background
  # ends with it.
  awk '/^```sh$/ { inside = 1; next } /^```$/ { inside = 0 } inside' "$root/docs/bi/$tool.md" >"$tool.sh"
  code=0
  set -m
  TZ=America/New_York bash -euo pipefail "$tool.sh" >"$tool.out" 2>"$tool.err" </dev/null &
  group=$!
  set +m
  wait "$group" || code=$?
  kill -TERM -- "-$group" 2>/dev/null || true
  # Maven begins what it prints with a change of colour.
  if [ "$code" = 0 ] && [ "$(sed 's/\x1b\[[0-9;]*m//g' "$tool.out" | grep -cxFf expected.txt)" = 3 ]; then
    echo "$tool: the same"
  else
    echo "$tool: NOT the same (exit code $code); see below"
    tail -n 20 "$tool.out" "$tool.err"
    failed+=("$tool")
  fi
done
[ ${#failed[@]} -eq 0 ] || { echo "not the same: ${failed[*]}"; exit 1; }
