#!/usr/bin/env bash
# Snowplow's Python tracker: an event is sent before it was created.
#
# Version: PyPI snowplow-tracker 1.1.0.
# Expected: stm (sent) is not before dtm (created), both in milliseconds of one clock: their
#   difference is how long the event waited, and the pipeline takes it off the collector's time to
#   correct the device's clock.
# Behaviour: dtm has milliseconds, stm is cut to the whole second and written with 000. An event
#   that goes off at once has waited for less than no time, down to a second less, so by the
#   documented formula it happened up to a second after it arrived. A reader that refuses negative
#   differences refuses nearly every event of this tracker, and one that trusts them has events of
#   the future.
# Source: tried; the formula: docs.snowplow.io/docs/events/timestamps
# Output seen:
#   created at .2 of a second, sent at .000: waited -0.2 s
#   created at .5 of a second, sent at .000: waited -0.5 s
#   created at .8 of a second, sent at .000: waited -0.8 s
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check snowplow-tracker==1.1.0

cat >look.py <<'PY'
import http.server, json, logging, sys, threading, time
import snowplow_tracker

logging.disable(logging.CRITICAL)
events = []
arrived = threading.Event()


class Collector(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        events.extend(json.loads(body)["data"])
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"ok")
        arrived.set()

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Collector)
threading.Thread(target=server.serve_forever, daemon=True).start()
emitter = snowplow_tracker.Emitter(
    f"127.0.0.1:{server.server_port}", protocol="http", batch_size=1)
tracker = snowplow_tracker.Tracker("site", emitters=emitter, encode_base64=False)
status = 0
before = 0
for part in (0.2, 0.5, 0.8):
    # Waits until the clock stands at this part of a second.
    time.sleep((part - time.time() % 1) % 1)
    arrived.clear()
    tracker.track(snowplow_tracker.PageView(page_url="https://shop.example/"))
    arrived.wait(5)
    created, sent = int(events[-1]["dtm"]), int(events[-1]["stm"])
    waited = round((sent - created) / 100) / 10
    print(f"created at .{created % 1000 // 100} of a second, sent at .{sent % 1000:03}: waited {waited} s")
    before += sent < created
    if sent % 1000 != 0:
        print("CHANGED: the time of sending used to be a whole second")
        status = 1
if before == 0:
    print("CHANGED: events used to be sent before they were created")
    status = 1
sys.exit(status)
PY
py/bin/python look.py
