#!/usr/bin/env bash
# Temporal on SQLite: whether "not equal" finds what has no value depends on the type of the
# attribute.
#
# Version: Go module github.com/temporalio/cli v1.5.1, whose development server is Temporal 1.29.1
#   on SQLite.
# Expected: Attribute != value treats a workflow without the attribute in one way: it is found for
#   every type, or for none.
# Behaviour: for Keyword, Int, Double, Bool and Datetime it is left out (as SQL does with NULL),
#   for Text and KeywordList it is found. Changing an attribute from Keyword to KeywordList, or
#   the other way, silently changes who is in a list of "all but".
# Source: tried. The reference lists the operators of each type, and does not say what they do
#   without a value.
# Output seen:
#   Source != 'x': other
#   Source NOT IN ('x'): other
#   Visits != 1: other
#   Paid != 1.5: other
#   Engaged != true: other
#   Tags != 'x': other without
#   Tags NOT IN ('x'): other without
#   Note != 'x': other without
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
# Its settings, if any, are not read.
temporal() { HOME="$tmp" "$tmp/temporal" "$@"; }
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=(--address "127.0.0.1:$port")
HOME="$tmp" "$tmp/temporal" server start-dev --headless --ip 127.0.0.1 --port "$port" \
  --log-level never --search-attribute Source=Keyword --search-attribute Visits=Int \
  --search-attribute Paid=Double --search-attribute Engaged=Bool \
  --search-attribute Tags=KeywordList --search-attribute Note=Text >/dev/null 2>&1 &
server=$!
for _ in $(seq 120); do
  if temporal operator cluster health "${address[@]}" >/dev/null 2>&1; then break; fi
  sleep 0.5
done

# start ID ATTRIBUTE=JSON...: a workflow that nobody works on, so that it stays in the lists.
start() {
  local id=$1 attribute arguments=()
  shift
  for attribute in "$@"; do arguments+=(--search-attribute "$attribute"); done
  temporal workflow start "${address[@]}" --type visit --task-queue nobody --workflow-id "$id" \
    "${arguments[@]}" >/dev/null
}
# ids FILTER: the workflows that the list gives for it, sorted.
ids() {
  temporal workflow list "${address[@]}" --query "$1" --output json 2>/dev/null |
    python3 -c 'import json, sys; print(*sorted(w["execution"]["workflowId"] for w in json.load(sys.stdin)))'
}
# listed COUNT: waits until so many workflows are in the lists.
listed() {
  for _ in $(seq 60); do
    if [[ $(ids "WorkflowType = 'visit'" | wc -w) -eq $1 ]]; then return; fi
    sleep 0.5
  done
  echo "the lists do not show $1 workflows"
  exit 1
}
status=0
# look FILTER DESCRIBED: prints what the filter gives, and notes if it is no longer as described.
look() {
  local seen
  seen=$(ids "$1") || seen="an error"
  echo "$1: ${seen:-none}"
  if [[ ${seen:-none} != "$2" ]]; then
    echo "CHANGED: it used to be $2"
    status=1
  fi
}

start same 'Source="x"' 'Visits=1' 'Paid=1.5' 'Engaged=true' 'Tags=["x"]' 'Note="x"'
start other 'Source="y"' 'Visits=2' 'Paid=2.5' 'Engaged=false' 'Tags=["y"]' 'Note="y"'
start without
listed 3
look "Source != 'x'" other
look "Source NOT IN ('x')" other
look "Visits != 1" other
look "Paid != 1.5" other
look "Engaged != true" other
look "Tags != 'x'" 'other without'
look "Tags NOT IN ('x')" 'other without'
look "Note != 'x'" 'other without'
exit $status
