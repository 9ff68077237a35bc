#!/usr/bin/env bash
# ClickHouse: a SummingMergeTree column of a narrow type is right until it merges.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: a flag of 0 or 1 as UInt8 (or Bool) and an amount as Decimal(9, 2) can be kept in a
#   SummingMergeTree, as sum() widens UInt8 to UInt64 and Decimal(9) to Decimal(38): the sum
#   before a merge is the sum after it, or the merge raises an error.
# Behaviour: a merge keeps the column's own type and wraps without a word: 300 flags become 44,
#   and three amounts of 9999999.00 a negative one. A Bool is not summed at all, but keeps one of
#   its values. It happens already when one block is inserted (optimize_on_insert), so the same
#   rows give another number if they arrive in one insert than in many.
# Source: tried; the page of the engine says only that numeric columns are summed.
# Output seen:
#   bounced, engaged, paid before the merge: 300  3  29999997
#   bounced, engaged, paid after the merge: 44  1  -12949675.96
#   300 flags in one insert: 44
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
ask(`CREATE TABLE shop.t (key String, bounced UInt8, engaged Bool, paid Decimal(9, 2))
     ENGINE = SummingMergeTree ORDER BY key`);
ask('SYSTEM STOP MERGES shop.t');
for (let part = 0; part < 3; part += 1) ask("INSERT INTO shop.t VALUES ('a', 100, true, 9999999)");
const sums = "SELECT sum(bounced), countIf(engaged), sum(paid) FROM shop.t WHERE key = 'a'";
look('bounced, engaged, paid before the merge', sums, '300  3  29999997');
ask('SYSTEM START MERGES shop.t');
ask('OPTIMIZE TABLE shop.t FINAL');
look('bounced, engaged, paid after the merge', sums, '44  1  -12949675.96');
ask("INSERT INTO shop.t SELECT 'b', 1, true, 0 FROM numbers(300)");
look('300 flags in one insert', "SELECT sum(bounced) FROM shop.t WHERE key = 'b'", '44');

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
