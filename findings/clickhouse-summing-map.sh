#!/usr/bin/env bash
# ClickHouse: in a SummingMergeTree a Map loses what it holds, a Nested of the same name is summed
# key by key.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: the engine sums "maps": a column whose name ends in Map is added key by key on a
#   merge. A column of the type Map (revenue by currency) is one, at least if it is named so.
# Behaviour: only a Nested column with such a name is. Of a column of the type Map, whatever its
#   name, a merge (or one insert) keeps the map of one row: three sales become the first, the
#   other currency is gone, and the counter beside it says three. SimpleAggregateFunction(sumMap,
#   ...) is what a Map needs.
# Source: tried; the page of the engine describes the naming under nested structures.
# Output seen:
#   a Map named revenue: {'EUR':1}  3
#   a Map named revenueMap: {'EUR':1}  3
#   a Nested named revenueMap: ['EUR','USD']  [3,10]  3
#   the type with sumMap: {'EUR':3,'USD':10}  3
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
const sales = ["('a', {'EUR': 1}, 1)", "('a', {'EUR': 2, 'USD': 5}, 1)", "('a', {'USD': 5}, 1)"];
function merged(what, column, described, rows = sales) {
  ask('DROP TABLE IF EXISTS shop.t');
  ask(`CREATE TABLE shop.t (key String, ${column}, sales UInt64) ENGINE = SummingMergeTree ORDER BY key`);
  ask('SYSTEM STOP MERGES shop.t');
  for (const row of rows) ask(`INSERT INTO shop.t VALUES ${row}`);
  ask('SYSTEM START MERGES shop.t');
  ask('OPTIMIZE TABLE shop.t FINAL');
  look(what, 'SELECT * EXCEPT key FROM shop.t', described);
}
merged('a Map named revenue', 'revenue Map(String, UInt64)', "{'EUR':1}  3");
merged('a Map named revenueMap', 'revenueMap Map(String, UInt64)', "{'EUR':1}  3");
merged(
  'a Nested named revenueMap',
  'revenueMap Nested(currency String, amount UInt64)',
  "['EUR','USD']  [3,10]  3",
  ["('a', ['EUR'], [1], 1)", "('a', ['EUR', 'USD'], [2, 5], 1)", "('a', ['USD'], [5], 1)"],
);
merged(
  'the type with sumMap',
  'revenue SimpleAggregateFunction(sumMap, Map(String, UInt64))',
  "{'EUR':3,'USD':10}  3",
);

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
