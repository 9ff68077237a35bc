"""A client of Sojourn's ClickHouse, from the variables that `. .sojourn/env` sets; and the questions that the examples ask."""

import datetime
import os
import urllib.parse

import clickhouse_connect


def connect():
    server = urllib.parse.urlsplit(os.environ["CLICKHOUSE_URL"])
    return clickhouse_connect.get_client(
        host=server.hostname,
        port=server.port or (8443 if server.scheme == "https" else 8123),
        secure=server.scheme == "https",
        username=os.environ["CLICKHOUSE_BI_USER"],
        password=os.environ["CLICKHOUSE_BI_PASSWORD"],
        database="sojourn",
    )


DAILY = """
    SELECT day, sessions, page_views, visitors, revenue
    FROM overview_daily
    WHERE project = {project: String} AND day BETWEEN {first: Date} AND {last: Date}
    ORDER BY day
"""
# Visitors of a week are no sum of days: who comes twice is one visitor.
WEEKLY_MONDAY = "SELECT visitors FROM overview_weekly_monday WHERE project = {project: String} AND week = {week: Date}"
WEEKLY_SUNDAY = "SELECT visitors FROM overview_weekly_sunday WHERE project = {project: String} AND week = {week: Date}"


def around(day: datetime.date) -> dict:
    """The days of both weeks that a day is in."""
    return {"first": day - datetime.timedelta(days=7), "last": day + datetime.timedelta(days=7)}


def line_of(name: str, begin, sessions, page_views, visitors, revenue) -> str:
    return f"{name} {begin}: sessions {sessions}, page views {page_views}, visitors {visitors}, revenue {revenue:.9f}"
