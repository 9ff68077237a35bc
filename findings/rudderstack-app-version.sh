#!/usr/bin/env bash
# RudderStack in a page: the version of the app is that of RudderStack's script.
#
# Versions: npm @rudderstack/analytics-js 3.34.1, @segment/analytics-next 1.84.3, jsdom 26.1.0.
# Expected: as RudderStack's page about common fields has it: `context.app` is about "your app", its
#   name and version, and `context.library` about the SDK. A page's script, which does not know the
#   application, leaves `app` out, as Segment's does.
# Behaviour: the script is in both. A breakdown by `app.version` shows the releases of the SDK, as
#   if the site had been released with each, and mixes them with those of the mobile app. A site
#   that sets its own version and nothing else becomes that version of "RudderLabs JavaScript SDK",
#   since what it gives is merged.
# Source: tried; rudderstack.com/docs/event-spec/standard-events/common-fields.
# Output seen:
#   rudderstack: app RudderLabs JavaScript SDK 3.34.1, library RudderLabs JavaScript SDK 3.34.1
#   rudderstack, version set: app RudderLabs JavaScript SDK 7.8.9, library RudderLabs JavaScript SDK 3.34.1
#   segment: no app, library analytics.js next-1.84.3
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @rudderstack/analytics-js@3.34.1 @segment/analytics-next@1.84.3 jsdom@26.1.0 >/dev/null

cat >look.mjs <<'JS'
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { JSDOM } from 'jsdom';

const bundle = 'node_modules/@rudderstack/analytics-js/dist/npm/modern/bundled/umd/index.js';
const segmentBundle = 'node_modules/@segment/analytics-next/dist/umd/index.js';
const events = [];
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  const { 'access-control-request-headers': asked = '*' } = request.headers;
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-headers', asked);
  response.end('{}');
  if (request.method === 'POST') events.push(JSON.parse(Buffer.concat(chunks).toString()));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

/** A page that has a script. */
function open(script) {
  const { window } = new JSDOM('<!doctype html><title>shop</title>', {
    url: `${url}/`,
    runScripts: 'outside-only',
    pretendToBeVisual: true,
  });
  // Browsers have these, jsdom has not.
  Object.assign(window, { TextEncoder, TextDecoder, fetch, Response, Headers });
  window.eval(readFileSync(script, 'utf8'));
  return window;
}

/** The context of the next event. */
async function nextContext() {
  for (let tries = 0; events.length === 0 && tries < 100; tries += 1) {
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return events.shift()?.context ?? {};
}

function look(what, { app, library }, described) {
  const named = (one) => (one === undefined ? undefined : `${one.name} ${one.version}`);
  const line = `${what}: ${app === undefined ? 'no app' : `app ${named(app)}`}, library ${named(library)}`;
  console.log(line);
  if (line === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const { RudderAnalytics } = open(bundle).rudderanalytics;
const rudder = new RudderAnalytics();
const source = { id: 's', writeKey: 'key', enabled: true, config: {}, destinations: [] };
rudder.load('key', url, {
  getSourceConfig: () => ({ source }),
  polyfillIfRequired: false,
});
await new Promise((resolve) => rudder.ready(resolve));
const library = 'library RudderLabs JavaScript SDK 3.34.1';
rudder.page();
look('rudderstack', await nextContext(), `rudderstack: app RudderLabs JavaScript SDK 3.34.1, ${library}`);
rudder.track('viewed', {}, { context: { app: { version: '7.8.9' } } });
look(
  'rudderstack, version set',
  await nextContext(),
  `rudderstack, version set: app RudderLabs JavaScript SDK 7.8.9, ${library}`,
);

const { AnalyticsBrowser } = open(segmentBundle).AnalyticsNext;
const segment = AnalyticsBrowser.load(
  { writeKey: 'key', cdnSettings: { integrations: { 'Segment.io': { apiKey: 'key' } } } },
  { integrations: { 'Segment.io': { apiHost: url.replace('http://', ''), protocol: 'http' } } },
);
await segment.page();
look('segment', await nextContext(), 'segment: no app, library analytics.js next-1.84.3');
process.exit();
JS
node look.mjs
