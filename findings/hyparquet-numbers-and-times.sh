#!/usr/bin/env bash
# hyparquet: whole numbers keep all their digits and money does not; a time before 1970 is cut upwards.
#
# Versions: npm hyparquet 1.33.0, PyPI pyarrow 26.0.1.
# Expected: a reader that hands out bigints, so that no digit of a whole number is lost, does as much for
#   DECIMAL, which is what exports of warehouses use for money (BigQuery's NUMERIC is DECIMAL(38, 9)); a time of
#   microseconds becomes the millisecond that it lies in.
# Behaviour: INT64 is a bigint. DECIMAL is a float, whatever its precision and with no option to have it otherwise:
#   from sixteen digits on another amount, without a word, and it is no longer known that 1.10 had two places. Times
#   are cut towards 1970: what happened a microsecond before it happened in it, so two moments that are two
#   milliseconds apart, one on each side, are the same Date. With one's own parsers (option `parsers`) times can be had
#   whole; there is none for DECIMAL.
# Source: tried; the division is in src/convert.js.
# Output seen:
#   INT64 1152921504606846976: 1152921504606846976
#   DECIMAL(38, 9) 12345678901234567.123456789: 12345678901234566
#   DECIMAL(18, 2) 9007199254740993.10: 9007199254740994
#   TIMESTAMP of -999 microseconds: 1970-01-01T00:00:00.000Z
#   TIMESTAMP of 999 microseconds: 1970-01-01T00:00:00.000Z
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check pyarrow==26.0.1
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund hyparquet@1.33.0 >/dev/null

cat >write.py <<'PY'
from decimal import Decimal

import pyarrow as pa
import pyarrow.parquet as pq

table = pa.table(
    {
        "whole": pa.array([1152921504606846976, 0], pa.int64()),
        "numeric": pa.array([Decimal("12345678901234567.123456789"), Decimal(0)], pa.decimal128(38, 9)),
        "money": pa.array([Decimal("9007199254740993.10"), Decimal(0)], pa.decimal128(18, 2)),
        "at": pa.array([-999, 999], pa.timestamp("us", tz="UTC")),
    }
)
pq.write_table(table, "look.parquet", compression="snappy")
PY
py/bin/python write.py

cat >look.mjs <<'JS'
import { asyncBufferFromFile, parquetReadObjects } from 'hyparquet';

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (String(seen) === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const [first, second] = await parquetReadObjects({ file: await asyncBufferFromFile('look.parquet') });
look('INT64 1152921504606846976', first.whole, '1152921504606846976');
look('DECIMAL(38, 9) 12345678901234567.123456789', first.numeric, '12345678901234566');
look('DECIMAL(18, 2) 9007199254740993.10', first.money, '9007199254740994');
look('TIMESTAMP of -999 microseconds', first.at.toISOString(), '1970-01-01T00:00:00.000Z');
look('TIMESTAMP of 999 microseconds', second.at.toISOString(), '1970-01-01T00:00:00.000Z');
JS
node look.mjs
