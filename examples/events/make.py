"""Two weeks of a small shop in Nepal, the same at every run: python3 make.py > kathmandu.ndjson

Clocks are 5:45 ahead of UTC, so a local day begins at 18:15 UTC. Much happens close to that, and on the Sunday that is the last
day of one kind of week and the first of the other. Amounts are such that floats would show.
"""

import datetime
import json
import random

BEGIN = datetime.datetime(2026, 2, 26, 18, 15, tzinfo=datetime.timezone.utc)  # the 27th in Kathmandu begins
DAYS = 14
SUNDAY = 9  # 2026-03-08
SESSIONS = 80
PATHS = ["/", "/shoes", "/shoes/himal", "/bags", "/cart", "/about"]
SOURCES = ["google", "facebook", "newsletter", "", ""]
DEVICES = ["mobile", "mobile", "desktop", "tablet"]
COUNTRIES = ["NP", "NP", "NP", "IN", "US"]
AMOUNTS = {"NPR": ["1250.10", "0.1", "0.2", "499.95"], "USD": ["19.99", "0.7", "1234567.89"]}


def main() -> None:
    dice = random.Random(20260308)
    events = []
    for n in range(SESSIONS):
        day = BEGIN + datetime.timedelta(days=SUNDAY if dice.random() < 0.2 else dice.randrange(DAYS))
        # Half of the sessions begin within twenty minutes of a local midnight, and some go on over it.
        within = dice.randrange(-1_200, 1_200) if dice.random() < 0.5 else dice.randrange(86_400)
        at = day + datetime.timedelta(seconds=within)
        visitor = f"v-{dice.randrange(25)}"
        session = {"sessionId": f"s-{n:02}", "visitorId": visitor}
        if dice.random() < 0.4:
            session["userId"] = f"u{visitor[1:]}"
        about = {
            "trafficSource": dice.choice(SOURCES),
            "deviceType": dice.choice(DEVICES),
            "country": dice.choice(COUNTRIES),
            "plan": dice.choice(["free", "free", "pro"]),
        }
        if dice.random() < 0.06:
            about["bot"] = True
        for step in range(dice.choice([1, 1, 2, 3, 4, 5])):
            events.append(event(session, step, at, "pageview", {**about, "path": dice.choice(PATHS)}))
            at += datetime.timedelta(seconds=dice.randrange(5, 400))
            if step > 0 and dice.random() < 0.25:
                currency = dice.choice(["NPR", "NPR", "USD"])
                money = {"revenue": dice.choice(AMOUNTS[currency]), "currency": currency}
                events.append(event(session, f"{step}-bought", at, "purchase", {**about, **money}))
            elif dice.random() < 0.15:
                events.append(event(session, f"{step}-basket", at, "add_to_cart", about))
        events.append(event(session, "end", at, "session_end", {}))
    for line in events:
        print(json.dumps(line, separators=(",", ":")))


def event(session, step, at, kind, properties):
    stamp = at.strftime("%Y-%m-%dT%H:%M:%SZ")
    given = {name: value for name, value in properties.items() if value != ""}
    return {**session, "eventId": str(step), "eventType": kind, "timestamp": stamp, "properties": given}


if __name__ == "__main__":
    main()
