#!/usr/bin/env bash
# ClickHouse: a time zone that comes from a column is taken without a word, and not used.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: with allow_nonconst_timezone_arguments = 1 toTimeZone(t, zone) takes the zone of each
#   row, so that one query tells hours and days of several sites in their own zones; or it raises.
# Behaviour: it is accepted, and the value stays in the zone it had: hour, day, weekday and offset
#   are those of UTC, by every function that reads them, and timezoneOf says UTC. Where the same
#   column is the second argument of toString, it is used; of toDate and toHour, it is refused.
# Source: tried; the setting's description says which functions take it, not that nothing follows.
# Output seen (20:00 UTC, which is 01:45 of the next day in Kathmandu; zone as a text | a column):
#   toHour: 1 | 20
#   toDate: 2026-07-02 | 2026-07-01
#   toStartOfDay: 2026-07-02 00:00:00 | 2026-07-01 00:00:00
#   toDayOfWeek: 4 | 3
#   timezoneOffset: 20700 | 0
#   timezoneOf: Asia/Kathmandu | UTC
#   toString(t, zone): 2026-07-02 01:45:00 | 2026-07-02 01:45:00
#   toDate(t, zone): 2026-07-02 | Code: 44
#   toHour(t, zone): 1 | Code: 44
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund chdb@3.4.0 >/dev/null

cat >look.mjs <<'JS'
import { createRequire } from 'node:module';
const { Session } = createRequire(import.meta.url)('chdb');

const session = new Session('./data');

/** Runs a statement; what it answers, or the code of the error it raises. */
function ask(sql) {
  try {
    return session.query(sql, 'TSV').trim();
  } catch (error) {
    return /Code: \d+/.exec(String(error.message))?.[0] ?? String(error.message);
  }
}

/** Prints what an expression is with the zone as a text and as a column, and notes if that is not as above. */
function look(what, expression, described) {
  const text = ask(`SELECT ${expression("'Asia/Kathmandu'")}`);
  const column = ask(
    `SELECT ${expression('zone')} FROM (SELECT arrayJoin(['Asia/Kathmandu']) AS zone)
     SETTINGS allow_nonconst_timezone_arguments = 1`,
  );
  const seen = `${text} | ${column}`;
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const t = "toDateTime('2026-07-01 20:00:00', 'UTC')";
const read = (name) => (zone) => `${name}(toTimeZone(${t}, ${zone}))`;
const given = (name) => (zone) => `${name}(${t}, ${zone})`;
look('toHour', read('toHour'), '1 | 20');
look('toDate', read('toDate'), '2026-07-02 | 2026-07-01');
look('toStartOfDay', read('toStartOfDay'), '2026-07-02 00:00:00 | 2026-07-01 00:00:00');
look('toDayOfWeek', read('toDayOfWeek'), '4 | 3');
look('timezoneOffset', read('timezoneOffset'), '20700 | 0');
look('timezoneOf', read('timezoneOf'), 'Asia/Kathmandu | UTC');
look('toString(t, zone)', given('toString'), '2026-07-02 01:45:00 | 2026-07-02 01:45:00');
look('toDate(t, zone)', given('toDate'), '2026-07-02 | Code: 44');
look('toHour(t, zone)', given('toHour'), '1 | Code: 44');

session.cleanup?.();
JS
node look.mjs
