#!/usr/bin/env bash
# Temporal on SQLite: STARTS_WITH does not tell capitals from small letters, equality does.
#
# Version: Go module github.com/temporalio/cli v1.5.1, whose development server is Temporal 1.29.1
#   on SQLite.
# Expected: a text that equals a literal starts with it, and one that starts with it and has its
#   length equals it: the two operators compare in one way.
# Behaviour: equality and IN tell Newsletter from newsletter, STARTS_WITH does not. So listing by
#   a prefix of the ids of one tenant (STARTS_WITH "shop-") gives those of Shop- as well, and
#   stopping what the list gives stops theirs.
# Source: tried. It is this store: the reference says nothing of case.
# Output seen:
#   Source = 'newsletter': shop-1
#   Source IN ('newsletter'): shop-1
#   Source STARTS_WITH 'newsletter': Shop-1 shop-1
#   Source STARTS_WITH 'NEWS': Shop-1 shop-1
#   WorkflowId = 'shop-1': shop-1
#   WorkflowId STARTS_WITH 'shop-1': Shop-1 shop-1
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
  --log-level never --search-attribute Source=Keyword >/dev/null 2>&1 &
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

start Shop-1 'Source="Newsletter"'
start shop-1 'Source="newsletter"'
listed 2
look "Source = 'newsletter'" shop-1
look "Source IN ('newsletter')" shop-1
look "Source STARTS_WITH 'newsletter'" 'Shop-1 shop-1'
look "Source STARTS_WITH 'NEWS'" 'Shop-1 shop-1'
look "WorkflowId = 'shop-1'" shop-1
look "WorkflowId STARTS_WITH 'shop-1'" 'Shop-1 shop-1'
exit $status
