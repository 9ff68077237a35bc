#!/usr/bin/env bash
# ClickHouse: a deduplication token stands for a part of a table, not for an insert.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: an insert with a known insert_deduplication_token is refused as a whole, or taken as a
#   whole, or answered with an error if its rows are others. Once the rows are gone from the
#   table, it is either known or forgotten, whichever way they went.
# Behaviour: the token is compared for each partition by itself. Other rows under a known token
#   are dropped without a word where the partition has seen the token, and stored where it has
#   not: one insert, acknowledged, half of it there. After DELETE the token is still known, so
#   loading the same rows again gives an empty table; after DROP PARTITION or TRUNCATE it is
#   forgotten.
# Source: tried; the reference says that a token alone decides, whatever the rows are.
# Output seen:
#   other rows under the token are answered with: ''
#   month and value that are there: 1  10 | 2  20
#   rows after insert, TRUNCATE, insert again: 1
#   rows after insert, DROP PARTITION, insert again: 1
#   rows after insert, DELETE, insert again: 0
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
ask(`CREATE TABLE shop.t (month UInt8, value Int32) ENGINE = MergeTree PARTITION BY month ORDER BY value
     SETTINGS non_replicated_deduplication_window = 100`);
const insert = (token, rows) =>
  ask(`INSERT INTO shop.t SETTINGS insert_deduplication_token = '${token}' VALUES ${rows}`);
insert('first', '(1, 10)');
console.log(`other rows under the token are answered with: '${insert('first', '(1, 20), (2, 20)')}'`);
look('month and value that are there', 'SELECT month, value FROM shop.t ORDER BY ALL', '1  10 | 2  20');
for (const [how, remove, left] of [
  ['TRUNCATE', 'TRUNCATE TABLE shop.t', '1'],
  ['DROP PARTITION', 'ALTER TABLE shop.t DROP PARTITION 3', '1'],
  ['DELETE', 'DELETE FROM shop.t WHERE month = 3', '0'],
]) {
  ask('TRUNCATE TABLE shop.t');
  insert(how, '(3, 30)');
  ask(remove);
  insert(how, '(3, 30)');
  look(`rows after insert, ${how}, insert again`, 'SELECT count() FROM shop.t', left);
}

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
