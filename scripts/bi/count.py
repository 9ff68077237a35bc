"""What the tools have to show of examples/events/kathmandu.ndjson, counted from the events with Python's own time zones.

    python3 scripts/bi/count.py examples/events/kathmandu.ndjson

It asks neither Sojourn nor ClickHouse. One line a bucket; each tool's example prints the same lines.
"""

import datetime
import json
import sys
from decimal import Decimal
from zoneinfo import ZoneInfo

ZONE = ZoneInfo("Asia/Kathmandu")
DAY = datetime.date(2026, 3, 8)  # a Sunday: the last day of one week, the first of the other
WEEK = datetime.timedelta(days=7)
BUCKETS = [
    ("day", DAY, DAY + datetime.timedelta(days=1)),
    ("week from monday", datetime.date(2026, 3, 2), datetime.date(2026, 3, 2) + WEEK),
    ("week from sunday", DAY, DAY + WEEK),
]


def main(path: str) -> None:
    with open(path) as lines:
        events = [json.loads(line) for line in lines]
    for name, begin, end in BUCKETS:
        print(line_of(name, begin, *count(events, begin, end)))


def count(events, begin, end):
    """Sessions and visitors by the first event, page views and revenue by each event."""
    first = {}
    visitor = {}
    page_views = 0
    revenue = Decimal(0)
    for event in events:
        day = datetime.datetime.fromisoformat(event["timestamp"].replace("Z", "+00:00")).astimezone(ZONE).date()
        session = event["sessionId"]
        first[session] = min(first.get(session, day), day)
        visitor[session] = event["visitorId"]
        if begin <= day < end:
            page_views += event["eventType"] == "pageview"
            if event["eventType"] == "purchase":
                revenue += Decimal(event["properties"]["revenue"])
    sessions = [session for session, day in first.items() if begin <= day < end]
    return len(sessions), page_views, len({visitor[session] for session in sessions}), revenue


def line_of(name, begin, sessions, page_views, visitors, revenue) -> str:
    return f"{name} {begin}: sessions {sessions}, page views {page_views}, visitors {visitors}, revenue {revenue:.9f}"


if __name__ == "__main__":
    main(sys.argv[1])
