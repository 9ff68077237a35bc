#!/usr/bin/env bash
# Superset on ClickHouse: a time range with a week or month as time grain is compared with the weeks, not with the days.
#
# Versions: PyPI apache-superset 6.1.0 (with Flask-Caching 2.3.1, cachetools 8.0.2 and rich 15.0.0, which it
#   needs and does not pin), clickhouse-connect 1.12.0; its statements run by npm chdb 3.4.0, which is
#   ClickHouse 26.7.2.1.
# Expected: a chart of 4 to 11 March by week sums the rows of these eight days, under two Mondays.
# Behaviour: Superset names the bucket like the column that it is made of, as it does for every
#   database: SELECT toMonday(toDateTime(day)) AS day … WHERE day >= '2026-03-04'. To ClickHouse that
#   day is the Monday. So the first week is missing with all its rows, the last is there with the rows
#   after the range, and by month there is nothing. By day it is right, and without a range. The
#   setting that makes ClickHouse prefer the column (prefer_column_name_to_alias) makes it group by
#   the column too: seven rows of a week under one Monday.
# Source: tried; each half is documented by itself.
# Output seen:
#   Superset writes: SELECT toMonday(toDateTime(`day`)) AS `day`, SUM(sessions) AS `n` FROM `days` WHERE `day` >= toDate('2026-03-04') AND `day` < toDate('2026-03-12') GROUP BY `day` LIMIT 100
#   by day, the rows of the range: 8
#   by week: 2026-03-09 7
#   by month: nothing
#   by week, with a range of all: 2026-02-23 1 | 2026-03-02 7 | 2026-03-09 7
#   by week, with the column preferred, rows: 8
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund chdb@3.4.0 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check apache-superset==6.1.0 Flask-Caching==2.3.1 cachetools==8.0.2 \
  rich==15.0.0 clickhouse-connect==1.12.0

cat >superset_config.py <<'PY'
SECRET_KEY = "of no use to anybody: nothing is stored"
SQLALCHEMY_DATABASE_URI = "sqlite://"
PY

# The statements of charts, as Superset makes them; it connects to nothing for that.
cat >write.py <<'PY'
import json, logging, warnings

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from superset.app import create_app

app = create_app()
with app.app_context(), app.test_request_context():
    from superset.connectors.sqla.models import SqlaTable, SqlMetric, TableColumn
    from superset.models.core import Database

    days = SqlaTable(
        table_name="days",
        database=Database(database_name="d", sqlalchemy_uri="clickhousedb://nobody@127.0.0.1:1/default"),
        columns=[
            TableColumn(column_name="day", type="DATE", is_dttm=True),
            TableColumn(column_name="sessions", type="INT64"),
        ],
        metrics=[SqlMetric(metric_name="n", expression="SUM(sessions)")],
    )

    def statement(grain, time_range):
        axis = {"timeGrain": grain, "columnType": "BASE_AXIS", "sqlExpression": "day", "label": "day", "expressionType": "SQL"}
        query = {
            "columns": [axis],
            "metrics": ["n"],
            "filter": [{"col": "day", "op": "TEMPORAL_RANGE", "val": time_range}],
            "from_dttm": None,
            "to_dttm": None,
            "granularity": None,
            "extras": {"time_grain_sqla": grain},
            "is_timeseries": False,
            "orderby": [],
            "row_limit": 100,
        }
        return " ".join(days.get_query_str_extended(query).sql.split())

    eight = "2026-03-04 : 2026-03-12"
    made = {grain: statement(grain, eight) for grain in ("P1D", "P1W", "P1M")}
    print(json.dumps({**made, "all": statement("P1W", "2026-02-01 : 2026-04-01")}))
PY
SUPERSET_HOME=$tmp SUPERSET_CONFIG_PATH=$tmp/superset_config.py py/bin/python write.py 2>/dev/null | tail -n 1 >statements.json

cat >look.mjs <<'JS'
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
const { Session } = createRequire(import.meta.url)('chdb');

const session = new Session('./data');
let changed = 0;

function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (String(seen) !== described) {
    changed = 1;
    console.log(`CHANGED: it used to be ${described}`);
  }
}

/** The rows of a statement, in order. */
const rowsOf = (sql) =>
  session.query(sql, 'TSV').trim().split('\n').filter((row) => row !== '').map((row) => row.replaceAll('\t', ' ')).sort();

const { P1D, P1W, P1M, all } = JSON.parse(readFileSync('statements.json', 'utf8'));
// A session a day, from Sunday 1 to Sunday 15 March.
session.query('CREATE TABLE days (day Date, sessions Int64) ENGINE = MergeTree ORDER BY day');
session.query("INSERT INTO days SELECT toDate('2026-03-01') + number, 1 FROM numbers(15)");

look(
  'Superset writes',
  P1W,
  "SELECT toMonday(toDateTime(`day`)) AS `day`, SUM(sessions) AS `n` FROM `days` WHERE `day` >= toDate('2026-03-04') AND `day` < toDate('2026-03-12') GROUP BY `day` LIMIT 100",
);
look('by day, the rows of the range', rowsOf(P1D).length, '8');
look('by week', rowsOf(P1W).join(' | '), '2026-03-09 7');
look('by month', rowsOf(P1M).join(' | ') || 'nothing', 'nothing');
look('by week, with a range of all', rowsOf(all).join(' | '), '2026-02-23 1 | 2026-03-02 7 | 2026-03-09 7');
look('by week, with the column preferred, rows', rowsOf(`${P1W} SETTINGS prefer_column_name_to_alias = 1`).length, '8');
session.cleanup();
process.exit(changed);
JS
node look.mjs
