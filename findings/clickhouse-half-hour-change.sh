#!/usr/bin/env bash
# ClickHouse: on the day of a half-hour clock change all later hours begin at half past.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: toStartOfHour gives a time whose minute is 00 in the value's own zone, and agrees with
#   toHour, also on the two days a year on which Australia/Lord_Howe moves its clocks by half an
#   hour.
# Behaviour: after the change and until midnight toStartOfHour, date_trunc and INTERVAL 1 HOUR cut
#   at :30: 20:10 belongs to the hour that began at 19:30, while toHour says 20. On the next day
#   it is right again. Two charts by the hour of the same rows, one by each function, differ for
#   most of that day.
# Source: tried; public report, open: github.com/ClickHouse/ClickHouse/issues/119969
# Output seen:
#   clocks back, 20:10 by toStartOfHour: 2026-04-05 19:30:00
#   clocks back, 20:10 by date_trunc: 2026-04-05 19:30:00
#   clocks back, 20:10 by toHour: 20
#   clocks forward, 20:10 by toStartOfHour: 2026-10-04 19:30:00
#   clocks forward, 20:10 by date_trunc: 2026-10-04 19:30:00
#   clocks forward, 20:10 by toHour: 20
#   a day later, by toStartOfHour: 2026-10-05 20:00:00
#   starts of hours on the 4th of October that are not whole: 22  24
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

const at = (text) => `toDateTime('${text}', 'Australia/Lord_Howe')`;
for (const [day, kind] of [['2026-04-05', 'clocks back'], ['2026-10-04', 'clocks forward']]) {
  const t = at(`${day} 20:10:00`);
  look(`${kind}, 20:10 by toStartOfHour`, `SELECT toStartOfHour(${t})`, `${day} 19:30:00`);
  look(`${kind}, 20:10 by date_trunc`, `SELECT date_trunc('hour', ${t})`, `${day} 19:30:00`);
  look(`${kind}, 20:10 by toHour`, `SELECT toHour(${t})`, '20');
}
look('a day later, by toStartOfHour', `SELECT toStartOfHour(${at('2026-10-05 20:10:00')})`, '2026-10-05 20:00:00');
look(
  'starts of hours on the 4th of October that are not whole',
  `SELECT countIf(toMinute(h) != 0), count() FROM
     (SELECT DISTINCT toStartOfHour(${at('2026-10-04 00:00:00')} + number * 600) AS h FROM numbers(141))`,
  '22  24',
);

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
