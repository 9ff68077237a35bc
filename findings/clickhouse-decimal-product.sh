#!/usr/bin/env bash
# ClickHouse: a product of two Decimal(38, s) wraps to another number, with the overflow check on.
#
# Version: npm chdb 3.4.0, which is ClickHouse 26.7.2.1.
# Expected: decimal_check_overflow is 1 by default, so a product that does not fit raises
#   DECIMAL_OVERFLOW (407), as it does for Decimal(18, s), as a sum and a quotient of Decimal(38,
#   s) do.
# Behaviour: a product of two Decimal(38, s) is never checked: the scales add up, what does not
#   fit in 128 bits wraps, and a large negative number comes out. A factor of an amount and a rate
#   of scale 9 is enough at 10^12 times 1.8 * 10^8. multiplyDecimal gives the right one.
# Source: tried; the types' page, clickhouse.com/docs/reference/data-types/decimal.md
# Output seen:
#   the check is on: 1
#   18 digits, product: Code: 407
#   38 digits, sum: Code: 407
#   38 digits, quotient: Code: 407
#   38 digits, product: -160282366920938463463.374607431768211456
#   the right one: 180000000000000000000
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

look('the check is on', "SELECT value FROM system.settings WHERE name = 'decimal_check_overflow'", '1');
const wide = (text, scale = 9) => `CAST('${text}' AS Decimal(38, ${scale}))`;
const narrow = (text) => `CAST('${text}' AS Decimal(18, 9))`;
look('18 digits, product', `SELECT ${narrow('99999999.5')} * ${narrow('99999999.5')}`, 'Code: 407');
const big = wide('99999999999999999999', 18);
look('38 digits, sum', `SELECT ${big} + ${big}`, 'Code: 407');
look(
  '38 digits, quotient',
  "SELECT toDecimal128('10', 20) / toDecimal128('3', 20)",
  'Code: 407',
);
const [a, b] = [wide('1000000000000'), wide('180000000')];
look('38 digits, product', `SELECT ${a} * ${b}`, '-160282366920938463463.374607431768211456');
look('the right one', `SELECT multiplyDecimal(${a}, ${b})`, '180000000000000000000');

session.cleanup?.();
process.exitCode = changed;
JS
node look.mjs
