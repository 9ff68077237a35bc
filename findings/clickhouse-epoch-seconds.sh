#!/usr/bin/env bash
# ClickHouse: the same epoch seconds are read as 2026 or as 1970, by the way they are written.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: a DateTime64(3) column reads 1772359200 in one way, whether it comes as a number or as
#   text, in JSON, CSV or SQL.
# Behaviour: a bare number in JSON, and in VALUES, counts ticks (milliseconds): 21 January 1970.
#   As text, in CSV and TSV, and as INSERT ... SELECT of the very same literal, it counts seconds:
#   2026. So a producer that puts quotes around its numbers is 56 years ahead of one that does
#   not, and VALUES and SELECT of one literal differ. Milliseconds the other way round: fine in
#   JSON with and without quotes, but by SELECT the number is clamped to the year 9999.
# Source: tried; the page of the type DateTime64 shows an integer in VALUES as scaled to the
#   column, and says nothing of text, CSV or INSERT ... SELECT.
# Output seen:
#   JSON number: 1970-01-21 12:19:19.200
#   JSON text: 2026-03-01 10:00:00.000
#   VALUES: 1970-01-21 12:19:19.200
#   SELECT: 2026-03-01 10:00:00.000
#   CSV: 2026-03-01 10:00:00.000
#   JSON number of milliseconds: 2026-03-01 10:00:00.000
#   SELECT of milliseconds: 9999-12-31 23:59:59.000
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

ask('CREATE DATABASE shop ENGINE = Atomic');
ask("CREATE TABLE shop.t (at DateTime64(3, 'UTC')) ENGINE = Memory");
function stored(how, insert, described) {
  ask(`INSERT INTO shop.t ${insert}`);
  look(how, 'SELECT at FROM shop.t', described);
  ask('TRUNCATE TABLE shop.t');
}
const [early, right] = ['1970-01-21 12:19:19.200', '2026-03-01 10:00:00.000'];
stored('JSON number', 'FORMAT JSONEachRow {"at": 1772359200}', early);
stored('JSON text', 'FORMAT JSONEachRow {"at": "1772359200"}', right);
stored('VALUES', 'VALUES (1772359200)', early);
stored('SELECT', 'SELECT 1772359200', right);
stored('CSV', 'FORMAT CSV 1772359200', right);
stored('JSON number of milliseconds', 'FORMAT JSONEachRow {"at": 1772359200000}', right);
stored('SELECT of milliseconds', 'SELECT 1772359200000', '9999-12-31 23:59:59.000');

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
