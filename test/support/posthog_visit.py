"""Sends events as posthog-python does. Arguments: address, key, and the events as JSON."""

import json
import sys
from datetime import datetime, timezone

from posthog import Posthog

url, key, events = sys.argv[1], sys.argv[2], json.loads(sys.argv[3])
client = Posthog(key, host=url, flush_at=len(events), flush_interval=0.5, max_retries=5)
for event in events:
    if event["name"] == "$set":
        client.set(distinct_id="u-1", properties=event["properties"])
        continue
    at = datetime.fromtimestamp(event["at"] / 1000, timezone.utc)
    client.capture(
        event["name"], distinct_id="u-1", timestamp=at, properties=event["properties"]
    )
client.shutdown()
