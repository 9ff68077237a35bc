#!/usr/bin/env bash
# ClickHouse: path() of an address without a slash after the host is found in its query.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: path('https://shop.example?utm_source=news&next=/checkout') is empty or /, as the URL
#   standard has it: the path ends where ? or # begins.
# Behaviour: the first / after the host begins the path, wherever it stands: the answer is
#   /checkout, taken out of a query parameter, and /route out of a fragment. Landing pages of
#   campaigns are linked just so (no slash, a return address in the query), so they are counted as
#   pages that nobody saw. With the slash the answer is right. extractURLParameter likewise reads
#   the fragment as if it were the query.
# Source: tried; RFC 3986, section 3.3, for where a path ends.
# Output seen:
#   slash, then query: /
#   query alone: /checkout
#   fragment alone: /route
#   neither:
#   host of it: shop.example
#   utm_source that stands in the fragment only: inner
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

const path = (address) => `SELECT path('${address}')`;
look('slash, then query', path('https://shop.example/?utm_source=news&next=/checkout'), '/');
look('query alone', path('https://shop.example?utm_source=news&next=/checkout'), '/checkout');
look('fragment alone', path('https://shop.example#/route'), '/route');
look('neither', path('https://shop.example'), '');
look('host of it', "SELECT domain('https://shop.example?next=/checkout')", 'shop.example');
look(
  'utm_source that stands in the fragment only',
  "SELECT extractURLParameter('https://shop.example/#/cart?utm_source=inner', 'utm_source')",
  'inner',
);

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
