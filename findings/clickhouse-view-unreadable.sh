#!/usr/bin/env bash
# ClickHouse: a view that can never be read is created, if its columns are written out.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: CREATE VIEW checks its query: one that cannot be run is refused when the view is made,
#   with a list of columns (for their types and comments) as without one.
# Behaviour: without the list it is refused (184: a sum within a sum, since the alias has the name of
#   the column). With the list it is taken, the view is in the list of tables with its columns, and
#   every read of it fails with that error. A migration that went through proves nothing.
# Source: tried.
# Output seen:
#   made without a list of columns: Code: 184
#   made with a list of columns: made
#   its columns: a,rate
#   read: Code: 184
#   even where one column is asked for: Code: 184
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
ask('CREATE TABLE seen.t (a Int64, b Int64) ENGINE = MergeTree ORDER BY a');
ask('INSERT INTO seen.t VALUES (1, 2)');
// The second `a` is taken for the sum that has its name.
const query = 'SELECT sum(a) AS a, sum(b) / sum(a) AS rate FROM seen.t';

look('made without a list of columns', ask(`CREATE VIEW seen.plain AS ${query}`), 'Code: 184');
const made = ask(`CREATE VIEW seen.listed (a Int64, rate Float64) AS ${query}`);
look('made with a list of columns', made === '' ? 'made' : made, 'made');
const columns = `SELECT arrayStringConcat(groupArray(name), ',') FROM system.columns WHERE database = 'seen' AND table = 'listed'`;
look('its columns', ask(columns), 'a,rate');
look('read', ask('SELECT * FROM seen.listed'), 'Code: 184');
look('even where one column is asked for', ask('SELECT a FROM seen.listed'), 'Code: 184');

session.cleanup?.();
JS
node look.mjs
