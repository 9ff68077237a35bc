#!/usr/bin/env bash
# Time zones: what day it is in Vancouver depends on which of our libraries one asks.
#
# Versions: npm chdb 3.4.0 (ClickHouse 26.7.2.1), npm node 20.20.2, npm moment-timezone 0.6.6,
#   PyPI tzdata 2026.6.
# Expected: libraries released in the autumn of 2026 agree about the offset of a large city in the
#   coming winter; at worst a small country's rule is late.
# Behaviour: each brings its own copy of the rules. ClickHouse has those of 2025a, Node 20 those
#   of 2025c; tzdata and moment-timezone have 2026f, by which western Canada and Manitoba no
#   longer go back to winter time, and Morocco's offset changed. At 07:30 UTC on 15 December 2026
#   it is the 15th in Vancouver by two of them, the 14th by the other two; Edmonton, Winnipeg and
#   Casablanca are an hour off. Sums by local day of the same rows differ, though every part is up
#   to date.
# Source: tried; the versions are what each library says of itself.
# Output seen:
#   rules: clickhouse 2025a node 2025c moment 2026f tzdata 2026f
#   America/Vancouver: clickhouse 2026-12-14 23:30, node 2026-12-14 23:30, moment 2026-12-15 00:30, tzdata 2026-12-15 00:30
#   America/Edmonton: clickhouse 2026-12-15 00:30, node 2026-12-15 00:30, moment 2026-12-15 01:30, tzdata 2026-12-15 01:30
#   America/Winnipeg: clickhouse 2026-12-15 01:30, node 2026-12-15 01:30, moment 2026-12-15 02:30, tzdata 2026-12-15 02:30
#   Africa/Casablanca: clickhouse 2026-12-15 08:30, node 2026-12-15 08:30, moment 2026-12-15 07:30, tzdata 2026-12-15 07:30
#   America/New_York: clickhouse 2026-12-15 02:30, node 2026-12-15 02:30, moment 2026-12-15 02:30, tzdata 2026-12-15 02:30
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund chdb@3.4.0 moment-timezone@0.6.6 node@20.20.2 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check tzdata==2026.6

cat >ours.cjs <<'JS'
const zone = process.argv[2];
const at = '2026-12-15T07:30:00Z';
const node = new Date(at).toLocaleString('sv', { timeZone: zone }).slice(0, 16);
const moment = require('moment-timezone').tz(at, zone).format('YYYY-MM-DD HH:mm');
const { query } = require('chdb');
const sql = `SELECT formatDateTime(toDateTime('2026-12-15 07:30:00', 'UTC'), '%F %R', '${zone}')`;
console.log(`clickhouse ${query(sql, 'TSV').trim()}, node ${node}, moment ${moment}`);
JS
cat >theirs.py <<'PY'
import datetime, sys, zoneinfo
at = datetime.datetime(2026, 12, 15, 7, 30, tzinfo=datetime.timezone.utc)
print(at.astimezone(zoneinfo.ZoneInfo(sys.argv[1])).strftime("tzdata %Y-%m-%d %H:%M"))
PY

node=$(find "$tmp/node_modules" -path '*/bin/node' -type f | head -1)
status=0
look() {
  local zone=$1 described=$2 seen
  # An empty search path keeps Python to the package, away from the system's own files.
  seen="$("$node" ours.cjs "$zone"), $(PYTHONTZPATH='' py/bin/python theirs.py "$zone")"
  echo "$zone: $seen"
  if [[ $seen != "$described" ]]; then
    echo "CHANGED: it used to be $described"
    status=1
  fi
}
rules() {
  local clickhouse="SELECT value FROM system.build_options WHERE name = 'TZDATA_VERSION'"
  echo "clickhouse $("$node" -p "require('chdb').query(process.argv[1], 'TSV').trim()" "$clickhouse")"
  echo "node $("$node" -p process.versions.tz)"
  echo "moment $("$node" -p "require('moment-timezone').tz.dataVersion")"
  echo "tzdata $(py/bin/python -c 'import tzdata; print(tzdata.IANA_VERSION)')"
}
echo "rules:" $(rules)
look America/Vancouver \
  'clickhouse 2026-12-14 23:30, node 2026-12-14 23:30, moment 2026-12-15 00:30, tzdata 2026-12-15 00:30'
look America/Edmonton \
  'clickhouse 2026-12-15 00:30, node 2026-12-15 00:30, moment 2026-12-15 01:30, tzdata 2026-12-15 01:30'
look America/Winnipeg \
  'clickhouse 2026-12-15 01:30, node 2026-12-15 01:30, moment 2026-12-15 02:30, tzdata 2026-12-15 02:30'
look Africa/Casablanca \
  'clickhouse 2026-12-15 08:30, node 2026-12-15 08:30, moment 2026-12-15 07:30, tzdata 2026-12-15 07:30'
look America/New_York \
  'clickhouse 2026-12-15 02:30, node 2026-12-15 02:30, moment 2026-12-15 02:30, tzdata 2026-12-15 02:30'
exit $status
