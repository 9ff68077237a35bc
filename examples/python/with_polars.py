"""A day and its weeks in polars: python3 with_polars.py PROJECT DAY"""

import datetime
import sys

import polars as pl

from sojourn_client import DAILY, WEEKLY_MONDAY, WEEKLY_SUNDAY, around, connect, line_of


def main(project: str, text: str) -> None:
    client = connect()
    day = datetime.date.fromisoformat(text)
    daily = pl.from_arrow(client.query_arrow(DAILY, {"project": project, **around(day)}))
    sums = pl.col("sessions", "page_views", "revenue").sum()

    (one,) = daily.filter(pl.col("day") == day).iter_rows(named=True)
    print(line_of("day", day, one["sessions"], one["page_views"], one["visitors"], one["revenue"]))

    # A week of polars begins on Monday; offset moves it.
    for name, offset, question in [
        ("week from monday", "0d", WEEKLY_MONDAY),
        ("week from sunday", "-1d", WEEKLY_SUNDAY),
    ]:
        weeks = daily.group_by_dynamic("day", every="1w", offset=offset).agg(sums)
        (week,) = weeks.filter(pl.col("day") <= day).tail(1).iter_rows(named=True)
        found = pl.from_arrow(client.query_arrow(question, {"project": project, "week": week["day"]}))
        print(line_of(name, week["day"], week["sessions"], week["page_views"], found.item(), week["revenue"]))


if __name__ == "__main__":
    main(*sys.argv[1:])
