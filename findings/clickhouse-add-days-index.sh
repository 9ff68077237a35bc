#!/usr/bin/env bash
# ClickHouse: a day added by its name reads the whole table, one added by a plus sign does not.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: addDays(d, 1), d + 1 and d + INTERVAL 1 DAY are one thing, so a condition on each of them
#   uses the primary key in the same way.
# Behaviour: with the plus sign the condition is turned into a range of the key; with addDays or
#   addSeconds nothing of the key is used, for a date or a time in UTC, and with nothing added too. The
#   answer is the same, what is read is not: all, for the last three weeks of a year.
# Source: tried, with EXPLAIN indexes = 1.
# Output seen (granules read; each answers 20480):
#   toDate(t) + 1 >= ...: 20/488
#   toDate(t) + INTERVAL 1 DAY >= ...: 20/488
#   addDays(toDate(t), 1) >= ...: 488/488
#   addDays(toDate(t), 0) >= ...: 488/488
#   t + INTERVAL 1 DAY >= ...: 20/488
#   addDays(t, 1) >= ...: 488/488
#   toDate(t + 86400) >= ...: 20/488
#   toDate(addSeconds(t, 86400)) >= ...: 488/488
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

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

ask('CREATE DATABASE seen');
ask(`CREATE TABLE seen.events (t DateTime('UTC')) ENGINE = MergeTree ORDER BY t
  SETTINGS index_granularity = 1024`);
ask("INSERT INTO seen.events SELECT toDateTime('2026-01-01 00:00:00', 'UTC') + number * 60 FROM numbers(500000)");

function granules(expression, least, described) {
  const where = `FROM seen.events WHERE ${expression} >= '${least}'`;
  if (ask(`SELECT count() ${where}`) !== '20480') look(expression, 'another answer', 'the same answer');
  const plan = ask(`EXPLAIN indexes = 1 SELECT count() ${where}`);
  look(`${expression} >= ...`, /Granules: (\d+\/\d+)/.exec(plan)?.[1], described);
}

granules('toDate(t) + 1', '2026-12-01', '20/488');
granules('toDate(t) + INTERVAL 1 DAY', '2026-12-01', '20/488');
granules('addDays(toDate(t), 1)', '2026-12-01', '488/488');
granules('addDays(toDate(t), 0)', '2026-11-30', '488/488');
granules('t + INTERVAL 1 DAY', '2026-12-01 00:00:00', '20/488');
granules('addDays(t, 1)', '2026-12-01 00:00:00', '488/488');
granules('toDate(t + 86400)', '2026-12-01', '20/488');
granules('toDate(addSeconds(t, 86400))', '2026-12-01', '488/488');

session.cleanup?.();
JS
node look.mjs
