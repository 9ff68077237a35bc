#!/usr/bin/env bash
# ClickHouse: the midnight that a clock change skips is read as 23:00 of the day before.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: where a day begins at 01:00 (Cairo, 24 April 2026: 00:00 to 01:00 do not exist), its
#   midnight as a literal, the day before plus one day, and a filled series of days give 01:00,
#   the first moment of that day, as toStartOfDay does.
# Behaviour: all three give 23:00 of the day before. "From midnight on" then counts an hour of
#   yesterday, and WITH FILL never comes back: each later day of the series stands at 23:00, so
#   none of them meets its rows.
# Source: tried; the rule is that of Africa/Cairo in the time zone database since 2023.
# Output seen:
#   first moment of the 24th: 2026-04-24 01:00:00
#   its midnight as a literal: 2026-04-23 23:00:00
#   the 23rd + 1 day: 2026-04-23 23:00:00
#   a series of days: 2026-04-23 00:00:00 | 2026-04-23 23:00:00 | 2026-04-24 23:00:00 | 2026-04-25 23:00:00 | 2026-04-26 23:00:00
#   rows of the 24th, one each 10 minutes, by its date and by midnights: 138  144
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

const at = (text) => `toDateTime('${text}', 'Africa/Cairo')`;
look('first moment of the 24th', `SELECT toStartOfDay(${at('2026-04-24 12:00:00')})`, '2026-04-24 01:00:00');
look('its midnight as a literal', `SELECT ${at('2026-04-24 00:00:00')}`, '2026-04-23 23:00:00');
look('the 23rd + 1 day', `SELECT ${at('2026-04-23 00:00:00')} + INTERVAL 1 DAY`, '2026-04-23 23:00:00');
look(
  'a series of days',
  `SELECT day FROM (SELECT ${at('2026-04-23 00:00:00')} AS day)
   ORDER BY day WITH FILL TO ${at('2026-04-27 00:00:00')} STEP INTERVAL 1 DAY`,
  '2026-04-23 00:00:00 | 2026-04-23 23:00:00 | 2026-04-24 23:00:00 | 2026-04-25 23:00:00 | 2026-04-26 23:00:00',
);
const rows = `(SELECT ${at('2026-04-23 20:00:00')} + number * 600 AS t FROM numbers(200))`;
look(
  'rows of the 24th, one each 10 minutes, by its date and by midnights',
  `SELECT countIf(toDate(t) = '2026-04-24'),
     countIf(t >= '2026-04-24 00:00:00' AND t < '2026-04-25 00:00:00') FROM ${rows}`,
  '138  144',
);

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
