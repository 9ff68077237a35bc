#!/usr/bin/env bash
# Temporal on SQLite: an id that holds a backslash or a double quote can be listed, but not asked
# for.
#
# Version: Go module github.com/temporalio/cli v1.5.1, whose development server is Temporal 1.29.1
#   on SQLite.
# Expected: a workflow id may be any text, so some way of writing it as a literal finds it:
#   doubled, with a backslash before it, or in the other kind of quotes.
# Behaviour: with an apostrophe all three ways work. With a backslash or a double quote none does:
#   the filter is taken, and answers with nothing. "Is there an open one for this id?" is answered
#   with no, though the list without a filter shows it.
# Source: tried. It is this store: the lists of a server on another database are not part of this.
# Output seen:
#   WorkflowType = 'visit': shop"42 shop'42 shop\42
#   WorkflowId = 'shop''42': shop'42
#   WorkflowId = 'shop\'42': shop'42
#   WorkflowId = "shop'42": shop'42
#   WorkflowId = 'shop\42': none
#   WorkflowId = 'shop\\42': none
#   WorkflowId = 'shop\\\\42': none
#   WorkflowId = "shop\\42": none
#   WorkflowId = 'shop"42': none
#   WorkflowId = "shop\"42": none
#   WorkflowId = "shop""42": none
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
  --log-level never  >/dev/null 2>&1 &
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

start 'shop\42'
start 'shop"42'
start "shop'42"
listed 3
look "WorkflowType = 'visit'" "shop\"42 shop'42 shop\\42"
look "WorkflowId = 'shop''42'" "shop'42"
look "WorkflowId = 'shop\\'42'" "shop'42"
look "WorkflowId = \"shop'42\"" "shop'42"
look "WorkflowId = 'shop\\42'" none
look "WorkflowId = 'shop\\\\42'" none
look "WorkflowId = 'shop\\\\\\\\42'" none
look 'WorkflowId = "shop\\42"' none
look "WorkflowId = 'shop\"42'" none
look 'WorkflowId = "shop\"42"' none
look 'WorkflowId = "shop""42"' none
exit $status
