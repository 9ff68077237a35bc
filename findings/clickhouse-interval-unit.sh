#!/usr/bin/env bash
# ClickHouse: the same length of an interval in another unit is cut on another clock.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: toStartOfInterval(t, INTERVAL 60 MINUTE) is toStartOfInterval(t, INTERVAL 1 HOUR),
#   INTERVAL 86400 SECOND is INTERVAL 1 DAY and INTERVAL 7 DAY is INTERVAL 1 WEEK: chart tools
#   write the bucket as seconds.
# Behaviour: hours and days are cut on the clock of the value's zone, seconds and minutes on that
#   of UTC. In a zone of half hours (Asia/Kolkata) the one-hour bucket begins at :30, and the
#   one-day bucket at 05:30 in the morning. Seven days begin on a Thursday (counted from 1 January
#   1970), a week on a Monday, and toStartOfWeek on a Sunday: three first days for one week in one
#   server.
# Source: tried; public report, open: github.com/ClickHouse/ClickHouse/issues/70311
# Output seen:
#   16:10 in Kolkata, 1 HOUR: 2026-01-01 16:00:00
#   60 MINUTE: 2026-01-01 15:30:00
#   3600 SECOND: 2026-01-01 15:30:00
#   1 DAY: 2026-01-01 00:00:00
#   24 HOUR: 2026-01-01 00:00:00
#   86400 SECOND: 2026-01-01 05:30:00
#   1 WEEK begins on: Monday
#   7 DAY begins on: Thursday
#   toStartOfWeek begins on: Sunday
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
let changed = 0;

/** Runs a statement; what it answers as one line, or the code of the error it raises. */
function ask(sql) {
  try {
    return session.query(sql, 'TSV').trim().replaceAll('\t', '  ').replaceAll('\n', ' | ');
  } catch (error) {
    return /Code: \d+/.exec(String(error.message))?.[0] ?? String(error.message);
  }
}

/** Prints an answer, and notes if it is no longer the one described above. */
function look(what, sql, described) {
  const seen = ask(sql);
  console.log(`${what}: ${seen}`);
  if (seen !== described) {
    changed = 1;
    console.log(`CHANGED: it used to be ${described}`);
  }
}

const t = "toDateTime('2026-01-01 16:10:00', 'Asia/Kolkata')";
const start = (interval) => `SELECT toStartOfInterval(${t}, INTERVAL ${interval})`;
look('16:10 in Kolkata, 1 HOUR', start('1 HOUR'), '2026-01-01 16:00:00');
look('60 MINUTE', start('60 MINUTE'), '2026-01-01 15:30:00');
look('3600 SECOND', start('3600 SECOND'), '2026-01-01 15:30:00');
look('1 DAY', start('1 DAY'), '2026-01-01 00:00:00');
look('24 HOUR', start('24 HOUR'), '2026-01-01 00:00:00');
look('86400 SECOND', start('86400 SECOND'), '2026-01-01 05:30:00');
const day = "toDate('2026-11-25')"; // a Wednesday
const weekday = (start) => `SELECT dateName('weekday', ${start})`;
look('1 WEEK begins on', weekday(`toStartOfInterval(${day}, INTERVAL 1 WEEK)`), 'Monday');
look('7 DAY begins on', weekday(`toStartOfInterval(${day}, INTERVAL 7 DAY)`), 'Thursday');
look('toStartOfWeek begins on', weekday(`toStartOfWeek(${day})`), 'Sunday');

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
