#!/usr/bin/env bash
# ClickHouse and clickhouse-connect: one column of times is a number, a time with a zone or one without, by the way it is fetched.
#
# Versions: PyPI clickhouse-connect 1.12.0 with chdb 4.4.0 (its embedded ClickHouse 26.9.2.1), pyarrow
#   26.0.1, pandas 3.1.1, polars 2.1.0, DuckDB 2.0.1.
# Expected: a DateTime('UTC') is a time of UTC in Arrow and in Parquet alike, which are two forms of
#   one type system; query_df_arrow hands on what query_arrow got.
# Behaviour: a DateTime is an unsigned number of seconds in Arrow, so in polars and DuckDB too, where
#   sums and comparisons with it work and mean nothing, and a time of UTC in Parquet; a DateTime64
#   is a time of UTC in both. query_arrow keeps the zone, query_df_arrow takes it off, so the same
#   column of two calls of one client cannot be joined. A Date is a date everywhere.
# Source: tried; the number is told in ClickHouse's page on the format Arrow.
# Output seen:
#   Arrow, DateTime: uint32
#   Arrow, DateTime64: timestamp[ms, tz=UTC]
#   Arrow, Date: date32[day]
#   Parquet, DateTime: timestamp[ms, tz=UTC]
#   Parquet, DateTime64: timestamp[ms, tz=UTC]
#   query_df_arrow of polars, DateTime64: Datetime(time_unit='ms', time_zone=None)
#   query_arrow into polars, DateTime64: Datetime(time_unit='ms', time_zone='UTC')
#   the two joined: SchemaError
#   DuckDB, average of DateTime by Arrow: 1772573400.0
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check clickhouse-connect==1.12.0 chdb==4.4.0 chdb-core==26.9.0 \
  pandas==3.1.1 pyarrow==26.0.1 polars==2.1.0 duckdb==2.0.1 tzdata==2026.6

cat >look.py <<'PY'
import io, sys
import clickhouse_connect, duckdb, polars
import pyarrow.parquet

status = 0


def look(what, seen, described):
    global status
    print(f"{what}: {seen}")
    if str(seen) != described:
        print(f"CHANGED: it used to be {described}")
        status = 1


client = clickhouse_connect.get_client(interface="chdb")
times = """
    SELECT toDateTime(1772560000 + 26800 * number, 'UTC') AS at, toDateTime64(at, 3, 'UTC') AS exact, toDate(at) AS day
    FROM numbers(2)
"""
arrow = client.query_arrow(times)
look("Arrow, DateTime", arrow.schema.field("at").type, "uint32")
look("Arrow, DateTime64", arrow.schema.field("exact").type, "timestamp[ms, tz=UTC]")
look("Arrow, Date", arrow.schema.field("day").type, "date32[day]")
parquet = pyarrow.parquet.read_table(io.BytesIO(client.raw_query(times, fmt="Parquet")))
look("Parquet, DateTime", parquet.schema.field("at").type, "timestamp[ms, tz=UTC]")
look("Parquet, DateTime64", parquet.schema.field("exact").type, "timestamp[ms, tz=UTC]")

frame = client.query_df_arrow(times, dataframe_library="polars")
other = polars.from_arrow(arrow)
look("query_df_arrow of polars, DateTime64", repr(frame.schema["exact"]), "Datetime(time_unit='ms', time_zone=None)")
look("query_arrow into polars, DateTime64", repr(other.schema["exact"]), "Datetime(time_unit='ms', time_zone='UTC')")
try:
    joined = frame.join(other, on="exact").height
except polars.exceptions.PolarsError as error:
    joined = type(error).__name__
look("the two joined", joined, "SchemaError")
((average,),) = duckdb.sql('SELECT avg("at") FROM arrow').fetchall()
look("DuckDB, average of DateTime by Arrow", average, "1772573400.0")
sys.exit(status)
PY
py/bin/python look.py
