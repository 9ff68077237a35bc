#!/usr/bin/env bash
# Temporal on SQLite: a date attribute never equals a literal of a whole second.
#
# Version: Go module github.com/temporalio/cli v1.5.1, whose development server is Temporal 1.29.1
#   on SQLite.
# Expected: a Datetime attribute set to 2026-05-31T22:30:00Z is found by At = that very text, by
#   <= and not by >, as one of 22:30:00.123Z is.
# Behaviour: the attribute is kept as text with three decimals, the literal is written without
#   trailing zeros, and the two are compared as text. With decimals that do not end in 0 all is
#   well. Of a whole second (and of .120 or .500) nothing is equal to it, <= misses it and > finds
#   it: a range up to midnight loses what happened at midnight, and from midnight on, exclusively,
#   has it. StartTime and the other built-in times are kept otherwise and right.
# Source: tried; the generated columns in the schema of the SQLite visibility store show the form
#   in which it is kept.
# Output seen:
#   At = '2026-05-31T22:30:00.123Z': odd
#   At = '2026-05-31T22:30:00Z': none
#   At = '2026-05-31T22:30:00.000Z': none
#   At = '2026-05-31T22:30:00.500Z': none
#   At <= '2026-05-31T22:30:00Z': none
#   At > '2026-05-31T22:30:00Z': half odd whole
#   At <= '2026-05-31T22:30:00.500Z': odd whole
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
  --log-level never --search-attribute At=Datetime >/dev/null 2>&1 &
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

start whole 'At="2026-05-31T22:30:00Z"'
start half 'At="2026-05-31T22:30:00.500Z"'
start odd 'At="2026-05-31T22:30:00.123Z"'
listed 3
look "At = '2026-05-31T22:30:00.123Z'" odd
look "At = '2026-05-31T22:30:00Z'" none
look "At = '2026-05-31T22:30:00.000Z'" none
look "At = '2026-05-31T22:30:00.500Z'" none
look "At <= '2026-05-31T22:30:00Z'" none
look "At > '2026-05-31T22:30:00Z'" 'half odd whole'
look "At <= '2026-05-31T22:30:00.500Z'" 'odd whole'
exit $status
