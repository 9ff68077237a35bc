"""Prints what charts of Superset show of a day and of its week: python3 numbers.py PROJECT DAY (after set_up.py)."""

import datetime
import sys

from superset_api import Superset

METRICS = ["Sessions", "Page views", "Visitors", "Revenue"]


def main(project: str, day: datetime.date) -> None:
    superset = Superset()
    monday = day - datetime.timedelta(days=day.weekday())
    sunday = day - datetime.timedelta(days=day.isoweekday() % 7)
    for name, view, column, begin, length in [
        ("day", "overview_daily", "day", day, 1),
        ("week from monday", "overview_weekly_monday", "week", monday, 7),
        ("week from sunday", "overview_weekly_sunday", "week", sunday, 7),
    ]:
        dataset = superset.find("dataset", "table_name", view)
        end = begin + datetime.timedelta(days=length)
        (row,) = superset.data(dataset, query_of(project, column, begin, end))
        # Superset hands dates on as epoch milliseconds, and money as a float.
        label = datetime.datetime.fromtimestamp(row[column] / 1_000, datetime.timezone.utc).date()
        sessions, page_views, visitors, revenue = (row[metric] for metric in METRICS)
        print(
            f"{name} {label}: sessions {sessions:.0f}, page views {page_views:.0f}, "
            f"visitors {visitors:.0f}, revenue {revenue:.9f}"
        )


def query_of(project: str, column: str, begin: datetime.date, end: datetime.date) -> dict:
    return {
        "columns": [column],
        "metrics": METRICS,
        "filters": [
            {"col": "project", "op": "==", "val": project},
            {"col": column, "op": "TEMPORAL_RANGE", "val": f"{begin} : {end}"},
        ],
        "row_limit": 10,
    }


if __name__ == "__main__":
    main(sys.argv[1], datetime.date.fromisoformat(sys.argv[2]))
