"""Makes the database connection, the datasets, a few charts and a dashboard in Superset. Run it again to bring them up to date.

    python3 set_up.py PROJECT

It reads CLICKHOUSE_URL, CLICKHOUSE_BI_USER and CLICKHOUSE_BI_PASSWORD (`. .sojourn/env`), and what superset_api.py says.
"""

import json
import os
import sys
import urllib.parse

from superset_api import Superset

# Dataset: its column of time.
DATASETS = {
    "overview_daily": "day",
    "overview_weekly_monday": "week",
    "overview_weekly_sunday": "week",
    "channels_daily": "day",
    "pages_daily": "day",
    "revenue_daily": "day",
}

# A metric must not have the name of a column, in the same letters: ClickHouse would take the name for the metric, also inside of
# another one. Rates are sums over sums; visitors of several rows are no sum, so MAX shows what one row has.
SUMS = [
    *["sessions", "page_views", "events", "conversions", "converted", "revenue", "new_users", "returning_users"],
    *["entries", "exits", "payments", "bot_sessions", "bot_page_views"],
]
RATES = {
    "Bounce rate": ("bounced", "sessions_by_last_event"),
    "Engagement rate": ("engaged", "sessions_by_last_event"),
    "Conversion rate": ("converted", "sessions"),
    "Average seconds": ("duration_seconds", "sessions_by_last_event"),
}

# Weeks and months as texts, for the x-axis. Superset's time grains are given the name of the column that they are made of, so that
# a time range is compared with the begin of the week and not with the day; and an axis of time is labelled where Superset likes,
# with days that begin no week.
TEXTS = {
    "day": {
        "week_from_monday": "toString(toMonday(day))",
        "week_from_sunday": "toString(toStartOfWeek(day, 0))",
        "month": "toString(toStartOfMonth(day))",
    },
    "week": {"begins": "toString(week)"},
}


def main(project: str) -> None:
    superset = Superset()
    database = superset.put("database", "database_name", database_body())
    datasets = {name: put_dataset(superset, database, name, time) for name, time in DATASETS.items()}
    dashboard = superset.put("dashboard", "slug", {"slug": "sojourn", "dashboard_title": "Sojourn", "published": True})
    charts = [put_chart(superset, datasets, dashboard, *chart) for chart in CHARTS]
    superset.call("PUT", f"dashboard/{dashboard}", layout(charts, datasets, project))
    print(f"{superset.url}/superset/dashboard/sojourn/")


def database_body() -> dict:
    server = urllib.parse.urlsplit(os.environ["CLICKHOUSE_URL"])
    user = urllib.parse.quote(os.environ["CLICKHOUSE_BI_USER"], safe="")
    password = urllib.parse.quote(os.environ["CLICKHOUSE_BI_PASSWORD"], safe="")
    secure = "?secure=true" if server.scheme == "https" else ""
    return {
        "database_name": "Sojourn",
        "sqlalchemy_uri": f"clickhousedb://{user}:{password}@{server.netloc}/sojourn{secure}",
        "expose_in_sqllab": True,
    }


def put_dataset(superset: Superset, database: int, name: str, time: str) -> int:
    found = superset.find("dataset", "table_name", name)
    new = {"database": database, "schema": "sojourn", "table_name": name}
    dataset = superset.call("POST", "dataset/", new)["id"] if found is None else found
    superset.call("PUT", f"dataset/{dataset}/refresh")
    about = superset.call("GET", f"dataset/{dataset}")["result"]
    columns = {column["column_name"] for column in about["columns"]}
    metrics = with_ids(
        [
            {"metric_name": metric, "expression": expression, "d3format": ".1%" if metric.endswith(" rate") else None}
            for metric, expression in metrics_of(columns).items()
        ],
        {metric["metric_name"]: metric["id"] for metric in about["metrics"]},
        "metric_name",
    )
    texts = [
        {"column_name": column, "expression": expression, "type": "STRING", "is_dttm": False, "groupby": True, "filterable": True}
        for column, expression in TEXTS[time].items()
    ]
    kept = ["column_name", "type", "is_dttm", "groupby", "filterable", "description"]
    read = [{name: column[name] for name in kept} for column in about["columns"] if column["column_name"] not in TEXTS[time]]
    ids = {column["column_name"]: column["id"] for column in about["columns"]}
    body = {"main_dttm_col": time, "metrics": metrics, "columns": with_ids([*read, *texts], ids, "column_name")}
    superset.call("PUT", f"dataset/{dataset}", body)
    return dataset


def with_ids(bodies: list, ids: dict, name: str) -> list:
    """Those that are there already keep their ids: without one, Superset would make them twice."""
    return [{**body, **({"id": ids[body[name]]} if body[name] in ids else {})} for body in bodies]


def metrics_of(columns: set) -> dict:
    metrics = {label_of(column): f"SUM({column})" for column in SUMS if column in columns}
    if "visitors" in columns:
        metrics["Visitors"] = "MAX(visitors)"
    for rate, (part, whole) in RATES.items():
        # In views by attribute everything of a session is in the day of its first event.
        whole = whole if whole in columns else "sessions"
        if part in columns and whole in columns:
            metrics[rate] = f"toFloat64(SUM({part})) / nullIf(SUM({whole}), 0)"
    return metrics


def label_of(column: str) -> str:
    """page_views is Page views."""
    return column.replace("_", " ").capitalize()


LINE = "echarts_timeseries_line"
BARS = "echarts_timeseries_bar"

# Name, dataset, kind, and what it shows.
CHARTS = [
    ("Visitors by day", "overview_daily", LINE, {"x_axis": "day", "metrics": ["Visitors", "Sessions"]}),
    ("Weeks from Monday", "overview_weekly_monday", BARS, {"x_axis": "begins", "metrics": ["Visitors", "Sessions"]}),
    ("Weeks from Sunday", "overview_weekly_sunday", BARS, {"x_axis": "begins", "metrics": ["Visitors", "Sessions"]}),
    ("Channels", "channels_daily", "table", {"groupby": ["channel"], "metrics": ["Sessions", "Engagement rate", "Conversion rate"]}),
    ("Pages", "pages_daily", "table", {"groupby": ["path"], "metrics": ["Page views", "Entries", "Exits"]}),
    ("Revenue by week", "revenue_daily", BARS, {"x_axis": "week_from_monday", "metrics": ["Revenue"], "groupby": ["currency"]}),
]


def put_chart(superset: Superset, datasets: dict, dashboard: int, name: str, dataset: str, kind: str, shows: dict) -> int:
    time = DATASETS[dataset]
    params = {
        "datasource": f"{datasets[dataset]}__table",
        "viz_type": kind,
        # No grain: rows are days and weeks already.
        "time_grain_sqla": None,
        "adhoc_filters": [
            {"clause": "WHERE", "expressionType": "SIMPLE", "subject": time, "operator": "TEMPORAL_RANGE", "comparator": "No filter"}
        ],
        "row_limit": 1000,
        **({"query_mode": "aggregate", "order_desc": True} if kind == "table" else {}),
        **({"x_axis_sort": shows["x_axis"], "x_axis_sort_asc": True} if kind == BARS else {}),
        **shows,
    }
    body = {
        "slice_name": name,
        "datasource_id": datasets[dataset],
        "datasource_type": "table",
        "viz_type": kind,
        "params": json.dumps(params),
        "dashboards": [dashboard],
    }
    return superset.put("chart", "slice_name", body)


def layout(charts: list, datasets: dict, project: str) -> dict:
    """Two charts a row, and a filter that shows one project at a time: visitors of several are not to be added up."""
    cells = {
        f"CHART-{chart}": {
            "type": "CHART",
            "id": f"CHART-{chart}",
            "children": [],
            "parents": ["ROOT_ID", "GRID_ID", f"ROW-{place // 2}"],
            "meta": {"chartId": chart, "width": 6, "height": 50},
        }
        for place, chart in enumerate(charts)
    }
    names = list(cells)
    rows = {
        f"ROW-{row}": {
            "type": "ROW",
            "id": f"ROW-{row}",
            "children": names[2 * row : 2 * row + 2],
            "parents": ["ROOT_ID", "GRID_ID"],
            "meta": {"background": "BACKGROUND_TRANSPARENT"},
        }
        for row in range((len(names) + 1) // 2)
    }
    position = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
        "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": list(rows), "parents": ["ROOT_ID"]},
        **rows,
        **cells,
    }
    one_project = {
        "id": "NATIVE_FILTER-project",
        "name": "Project",
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "targets": [{"datasetId": datasets["overview_daily"], "column": {"name": "project"}}],
        "controlValues": {"multiSelect": False, "enableEmptyFilter": True},
        "defaultDataMask": {
            "extraFormData": {"filters": [{"col": "project", "op": "IN", "val": [project]}]},
            "filterState": {"value": [project]},
        },
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
        "cascadeParentIds": [],
    }
    return {
        "position_json": json.dumps(position),
        "json_metadata": json.dumps({"native_filter_configuration": [one_project], "positions": position}),
    }


if __name__ == "__main__":
    main(sys.argv[1])
