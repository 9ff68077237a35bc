"""A day and its weeks in pandas: python3 with_pandas.py PROJECT DAY"""

import sys

import pandas as pd

from sojourn_client import DAILY, WEEKLY_MONDAY, WEEKLY_SUNDAY, around, connect, line_of


def main(project: str, text: str) -> None:
    client = connect()
    day = pd.Timestamp(text)
    daily = client.query_df(DAILY, {"project": project, **around(day.date())})
    # Money comes as Python's Decimal in a column of objects: sums are exact, and slower than floats.
    daily = daily.set_index("day")
    sums = ["sessions", "page_views", "revenue"]

    one = daily.loc[day]
    print(line_of("day", day.date(), one.sessions, one.page_views, one.visitors, one.revenue))

    # closed and label: pandas would file a week under its last day, and call one that ends on Sunday W.
    for name, rule, question in [
        ("week from monday", "W-MON", WEEKLY_MONDAY),
        ("week from sunday", "W-SUN", WEEKLY_SUNDAY),
    ]:
        weeks = daily[sums].resample(rule, closed="left", label="left").sum()
        begin = weeks.index[weeks.index <= day].max()
        week = weeks.loc[begin]
        visitors = client.query(question, {"project": project, "week": begin.date()}).first_item["visitors"]
        print(line_of(name, begin.date(), week.sessions, week.page_views, visitors, week.revenue))


if __name__ == "__main__":
    main(*sys.argv[1:])
