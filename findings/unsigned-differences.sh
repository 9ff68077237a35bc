#!/usr/bin/env bash
# The difference of two counts without a sign: four tools, four answers, and two of one tool.
#
# Versions: PyPI pandas 3.1.1 (numpy as it installs, 2.x), polars 2.1.0, DuckDB 2.0.1, pyarrow 26.0.1, chdb 4.4.0
#   (ClickHouse 26.9.2.1). A count() of ClickHouse is a UInt64, and comes as such to all of them.
# Expected: 2 - 4 of two counts is -2, or an error, by every way of one tool.
# Behaviour: ClickHouse makes an Int64 of it, -2. pandas and polars wrap to 18446744073709551614
#   without a word. diff() of polars gives the right number where its subtraction does not; that of
#   pandas wraps as well and then rounds to a float, since its first cell is NaN. Less an Int64, the
#   counts become a float in pandas and 128 bits in polars. DuckDB refuses to subtract them, and does
#   so for its own sums of them not: those are signed.
# Source: tried.
# Output seen:
#   ClickHouse, a - b: -2 Int64
#   pandas, a - b: 18446744073709551614 uint64
#   pandas, diff: 1.8446744073709552e+19 float64
#   pandas, a - signed: float64
#   polars, a - b: 18446744073709551614 UInt64
#   polars, diff: -1 Int64
#   polars, a - signed: Int128
#   DuckDB, a - b: OutOfRangeException
#   DuckDB, sum(a) - sum(b): -2
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check chdb==4.4.0 chdb-core==26.9.0 pandas==3.1.1 pyarrow==26.0.1 \
  polars==2.1.0 duckdb==2.0.1 tzdata==2026.6

cat >look.py <<'PY'
import io, sys
import chdb, duckdb, polars
import pyarrow.parquet

status = 0


def look(what, seen, described):
    global status
    print(f"{what}: {seen}")
    if str(seen) != described:
        print(f"CHANGED: it used to be {described}")
        status = 1


# Two rows of counts, as a report has them: a is 2, then 1; b is 4 both times.
counts = """
    SELECT 1 - n AS row, countIf(number < 2 - row) AS a, countIf(number < 4) AS b, toInt64(4) AS signed
    FROM (SELECT number, arrayJoin([1, 0]) AS n FROM numbers(10)) GROUP BY n ORDER BY row
"""
difference = chdb.query(f"SELECT a - b, toTypeName(a - b) FROM ({counts}) WHERE row = 0", "TSV")
look("ClickHouse, a - b", str(difference).strip().replace("\t", " "), "-2 Int64")
counted = pyarrow.parquet.read_table(io.BytesIO(chdb.query(counts, "Parquet").bytes()))

frame = counted.to_pandas()
wrapped = frame.a - frame.b
look("pandas, a - b", f"{wrapped[0]} {wrapped.dtype}", "18446744073709551614 uint64")
steps = frame.a.diff()
look("pandas, diff", f"{steps[1]} {steps.dtype}", "1.8446744073709552e+19 float64")
look("pandas, a - signed", (frame.a - frame.signed).dtype, "float64")

rows = polars.from_arrow(counted)
wrapped = rows["a"] - rows["b"]
look("polars, a - b", f"{wrapped[0]} {wrapped.dtype}", "18446744073709551614 UInt64")
steps = rows["a"].diff()
look("polars, diff", f"{steps[1]} {steps.dtype}", "-1 Int64")
look("polars, a - signed", (rows["a"] - rows["signed"]).dtype, "Int128")

try:
    seen = duckdb.sql("SELECT a - b FROM counted WHERE row = 0").fetchall()
except duckdb.Error as error:
    seen = type(error).__name__
look("DuckDB, a - b", seen, "OutOfRangeException")
((sums,),) = duckdb.sql("SELECT sum(a) - sum(b) FROM counted WHERE row = 0").fetchall()
look("DuckDB, sum(a) - sum(b)", sums, "-2")
sys.exit(status)
PY
py/bin/python look.py
