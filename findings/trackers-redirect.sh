#!/usr/bin/env bash
# Trackers: behind a redirect every SDK reports events as delivered that nobody got.
#
# Versions: npm @segment/analytics-node 3.1.0, posthog-node 5.70.0, @rudderstack/rudder-sdk-node
#   3.0.13, @snowplow/node-tracker 4.8.0; PyPI segment-analytics-python 2.4.0, posthog 7.91.1,
#   rudder-sdk-python 2.1.9, snowplow-tracker 1.1.0.
# Expected: a collector that moved (http to https, a new host) answers 301, and the SDK either
#   posts the batch to the new address or reports that it could not deliver.
# Behaviour: all eight SDKs tried, over three HTTP clients, follow it as browsers follow a form:
#   the POST becomes a GET without a body, the new address answers 200, and the batch counts as
#   delivered: no error, no retry, no event. With 308 the batch is kept (the last two lines).
# Source: tried; the Fetch standard has it so for 301 and 302 to a POST.
# Output seen:
#   node posthog: POST 4 events 301, GET 0 events 200; told of no loss
#   node segment: POST 4 events 301, GET 0 events 200; told of no loss
#   node snowplow: POST 4 events 301, GET 0 events 200; told of no loss
#   python posthog: POST 4 events 301, GET 0 events 200; told of no loss
#   python segment: POST 4 events 301, GET 0 events 200; told of no loss
#   python rudder: POST 4 events 301, GET 0 events 200; told of no loss
#   python snowplow: POST 4 events 301, GET 0 events 200; told of no loss
#   node rudder: POST 1 events 301, GET 0 events 200, POST 3 events 301, GET 0 events 200; told of no loss
#   node segment: POST 4 events 308, POST 4 events 200; told of no loss
#   python segment: POST 4 events 308, POST 4 events 200; told of no loss
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @segment/analytics-node@3.1.0 posthog-node@5.70.0 @rudderstack/rudder-sdk-node@3.0.13 @snowplow/node-tracker@4.8.0 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check segment-analytics-python==2.4.0 posthog==7.91.1 rudder-sdk-python==2.1.9 snowplow-tracker==1.1.0

cat >send.py <<'PY'
import logging, sys, warnings

logging.disable(logging.CRITICAL)
warnings.simplefilter("ignore")
sdk, url = sys.argv[1:]
lost = []


def refused(error, items=None):
    lost.append(error)


if sdk == "posthog":
    import posthog

    client = posthog.Posthog("key", host=url, flush_at=4, max_retries=3, on_error=refused)
    for number in range(4):
        client.capture("viewed", distinct_id="u-1", properties={"number": number})
    client.shutdown()
elif sdk == "snowplow":
    import time
    import snowplow_tracker

    def failed(sent, unsent):
        lost.append(unsent)

    emitter = snowplow_tracker.Emitter(
        url.removeprefix("http://"), protocol="http", batch_size=4, on_failure=failed)
    tracker = snowplow_tracker.Tracker("site", emitters=emitter, encode_base64=False)
    for number in range(4):
        tracker.track(snowplow_tracker.PageView(page_url=f"https://shop.example/{number}"))
    time.sleep(3)
else:
    if sdk == "segment":
        import segment.analytics.client as module
    else:
        import rudderstack.analytics.client as module
    client = module.Client("key", host=url, upload_size=4, max_retries=3, on_error=refused)
    for number in range(4):
        client.track("u-1", "viewed", {"number": number})
    client.shutdown()
print("told of a loss" if lost else "told of no loss")
PY

cat >look.mjs <<'JS'
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';

const require = createRequire(import.meta.url);

/** A collector that answers a request of so many events to a path with the status that `rule` says. */
async function collector(rule) {
  const requests = [];
  const server = createServer(async (request, response) => {
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    let body = Buffer.concat(chunks);
    if (body.length > 0 && request.headers['content-encoding'] === 'gzip') body = gunzipSync(body);
    const parsed = body.length > 0 ? JSON.parse(body) : {};
    const events = (parsed.batch ?? parsed.data ?? []).length;
    const status = rule(events, request.url);
    requests.push({ status, events, method: request.method });
    response.writeHead(status, { location: '/elsewhere' });
    response.end(status === 204 ? undefined : '{}');
  });
  await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
  const url = `http://127.0.0.1:${server.address().port}`;
  const close = () => {
    server.closeAllConnections();
    server.close();
  };
  return { url, requests, close };
}

const numbers = [0, 1, 2, 3];
const event = 'viewed';

/** Each sends four events in one batch, and resolves to what it says of a loss. */
const node = {
  posthog: async (host) => {
    const { PostHog } = require('posthog-node');
    const lost = [];
    const client = new PostHog('key', { host, flushInterval: 100, fetchRetryCount: 3, fetchRetryDelay: 200 });
    client.on('error', (error) => lost.push(error));
    for (const number of numbers) client.capture({ distinctId: 'u-1', event, properties: { number } });
    await client.shutdown(10_000);
    return lost;
  },
  segment: async (host) => {
    const { Analytics } = require('@segment/analytics-node');
    const lost = [];
    const client = new Analytics({ writeKey: 'key', host, flushAt: 4, maxRetries: 3 });
    client.on('error', (error) => lost.push(error));
    for (const number of numbers) client.track({ userId: 'u-1', event, properties: { number } });
    await client.closeAndFlush({ timeout: 10_000 });
    return lost;
  },
  rudder: async (dataPlaneUrl) => {
    const Rudder = require('@rudderstack/rudder-sdk-node');
    const lost = [];
    const errorHandler = (error) => lost.push(error);
    const settings = { dataPlaneUrl, flushAt: 4, flushInterval: 100, logLevel: 'none', gzip: false, errorHandler };
    const client = new (Rudder.default ?? Rudder)('key', settings);
    for (const number of numbers) client.track({ userId: 'u-1', event, properties: { number } });
    await sleep(3_000);
    return lost;
  },
  snowplow: async (endpoint) => {
    const { newTracker, buildPageView } = require('@snowplow/node-tracker');
    const lost = [];
    const onRequestFailure = (failure) => lost.push(failure);
    const tracker = newTracker({ namespace: 'site', appId: 'shop' }, { endpoint, bufferSize: 4, onRequestFailure });
    for (const number of numbers) tracker.track(buildPageView({ pageUrl: `https://shop.example/${number}` }));
    await sleep(3_000);
    return lost;
  },
};

/** The same from Python. */
function python(sdk, url) {
  return new Promise((resolve) => {
    let said = '';
    const child = spawn('py/bin/python', ['send.py', sdk, url], { stdio: ['ignore', 'pipe', 'ignore'] });
    child.stdout.on('data', (chunk) => (said += chunk));
    child.on('close', () => resolve(said.trim().split('\n').at(-1)));
  });
}

/** Prints what came of four events, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

console.error = () => {}; // The SDKs' own words.
console.warn = () => {};

/** Sends by one SDK, `language name`, and looks at the requests and at what it says. */
async function send(client, rule, show, described) {
  const [language, sdk] = client.split(' ');
  const there = await collector(rule);
  const word =
    language === 'node'
      ? (await node[sdk](there.url)).length > 0 ? 'told of a loss' : 'told of no loss'
      : await python(sdk, there.url);
  there.close();
  look(client, `${there.requests.map(show).join(', ')}; ${word}`, described);
}

const show = ({ status, events, method }) => `${method} ${events} events ${status}`;
const gone = 'POST 4 events 301, GET 0 events 200; told of no loss';
const moved = (status) => (_events, path) => (path === '/elsewhere' ? 200 : status);
for (const client of [
  'node posthog', 'node segment', 'node snowplow',
  'python posthog', 'python segment', 'python rudder', 'python snowplow',
]) {
  await send(client, moved(301), show, gone);
}
const twice = 'POST 1 events 301, GET 0 events 200, POST 3 events 301, GET 0 events 200; told of no loss';
await send('node rudder', moved(301), show, twice);
const kept = 'POST 4 events 308, POST 4 events 200; told of no loss';
for (const client of ['node segment', 'python segment']) await send(client, moved(308), show, kept);
process.exit();
JS
node look.mjs
