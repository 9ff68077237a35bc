"""Superset for a trial on one machine; see docs/bi/superset.md."""

import os

SECRET_KEY = os.environ["SUPERSET_SECRET_KEY"]
SQLALCHEMY_DATABASE_URI = f"sqlite:///{os.environ['SUPERSET_HOME']}/superset.db"

# For ClickHouse, Superset has weeks from Monday only. With this, charts of a date offer weeks from Sunday as well.
TIME_GRAIN_ADDON_EXPRESSIONS = {"clickhousedb": {"1969-12-28T00:00:00Z/P1W": "toStartOfWeek({col}, 0)"}}
