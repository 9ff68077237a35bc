#!/usr/bin/env bash
# clickhouse-connect: one naive datetime is three moments, by the method it is handed to.
#
# Versions: PyPI clickhouse-connect 1.12.0 with chdb 4.4.0 (its embedded ClickHouse 26.9.2.1) and
#   pandas 3.1.1; the program's zone is Asia/Kolkata.
# Expected: a datetime without a zone is taken for one zone (UTC, the local one or the column's)
#   by every method of one client, and what was read can be written back.
# Behaviour: insert takes it for local time, insert_df for UTC: the same ten o'clock is 04:30 and
#   10:00 UTC. Bound as {at:DateTime} it finds the row of insert, bound as %(at)s the row of
#   insert_df; with its zone given (UTC), %(at)s finds neither of the two that are at that moment.
#   Reading gives a zone or none by the column's type and not by its zone: DateTime('UTC') comes
#   back in the local zone, DateTime64(3, 'UTC') naive, in UTC. So a row that is read and written
#   back moves by five and a half hours.
# Source: tried. With the program's zone at UTC none of it shows, as in most containers.
# Output seen:
#   10:00 by insert, in UTC: 2026-03-01 04:30:00, 2026-03-01 04:30:00.000
#   10:00 by insert_df, in UTC: 2026-03-01 10:00:00, 2026-03-01 10:00:00.000
#   10:00 UTC by insert, in UTC: 2026-03-01 10:00:00, 2026-03-01 10:00:00.000
#   found by {at:DateTime}, 10:00: insert
#   found by %(at)s, 10:00: aware, insert_df
#   found by %(at)s, 10:00 UTC: none
#   DateTime read: 2026-03-01 15:30:00+05:30
#   DateTime64 read: 2026-03-01 10:00:00
#   both written back, in UTC: 2026-03-01 10:00:00, 2026-03-01 04:30:00.000
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check clickhouse-connect==1.12.0 chdb==4.4.0 chdb-core==26.9.0 pandas==3.1.1 pyarrow==26.0.1 tzdata==2026.6

cat >look.py <<'PY'
import datetime, sys
import clickhouse_connect, pandas

status = 0


def look(what, seen, described):
    global status
    print(f"{what}: {seen}")
    if str(seen) != described:
        print(f"CHANGED: it used to be {described}")
        status = 1


client = clickhouse_connect.get_client(interface="chdb")
columns = "row String, at DateTime('UTC'), exact DateTime64(3, 'UTC')"
client.command(f"CREATE TABLE t ({columns}) ENGINE = Memory")
naive = datetime.datetime(2026, 3, 1, 10)
aware = naive.replace(tzinfo=datetime.timezone.utc)
client.insert("t", [["insert", naive, naive], ["aware", aware, aware]])
frame = pandas.DataFrame({"row": ["insert_df"], "at": [naive], "exact": [naive]})
client.insert_df("t", frame)


def utc(row):
    texts = client.query(f"SELECT toString(at), toString(exact) FROM t WHERE row = '{row}'")
    return ", ".join(texts.result_rows[0])


def found(literal, at):
    rows = client.query(f"SELECT row FROM t WHERE at = {literal} ORDER BY row", parameters={"at": at})
    return ", ".join(row for (row,) in rows.result_rows) or "none"


look("10:00 by insert, in UTC", utc("insert"), "2026-03-01 04:30:00, 2026-03-01 04:30:00.000")
look("10:00 by insert_df, in UTC", utc("insert_df"), "2026-03-01 10:00:00, 2026-03-01 10:00:00.000")
look("10:00 UTC by insert, in UTC", utc("aware"), "2026-03-01 10:00:00, 2026-03-01 10:00:00.000")
look("found by {at:DateTime}, 10:00", found("{at:DateTime}", naive), "insert")
look("found by %(at)s, 10:00", found("%(at)s", naive), "aware, insert_df")
look("found by %(at)s, 10:00 UTC", found("%(at)s", aware), "none")
((at, exact),) = client.query("SELECT at, exact FROM t WHERE row = 'aware'").result_rows
look("DateTime read", at, "2026-03-01 15:30:00+05:30")
look("DateTime64 read", exact, "2026-03-01 10:00:00")
client.insert("t", [["again", at, exact]])
look("both written back, in UTC", utc("again"), "2026-03-01 10:00:00, 2026-03-01 04:30:00.000")
sys.exit(status)
PY
TZ=Asia/Kolkata py/bin/python look.py
