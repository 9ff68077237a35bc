#!/usr/bin/env bash
# posthog-js: without a cookie all visitors of a site have one id, and no session.
#
# Versions: npm posthog-js 1.449.2, jsdom 26.1.0.
# Expected: `cookieless_mode: 'always'` keeps nothing on the device and tells visitors apart by an id
#   that lives as long as the page, as `persistence: 'memory'` does; or it leaves the id out.
# Behaviour: each event of everybody has the same text for `distinct_id`, null for `$device_id`, and
#   no `$session_id`. It looks like an id to whoever reads the events (a proxy, an exporter, another
#   collector), and makes one visitor, with one session that never ends, of a whole site; only
#   PostHog's own server knows the text and hashes the address in its place. With
#   `persistence: 'memory'` two visitors are two, with a session each.
# Source: tried; the setting is in PostHog's documentation, the text is not.
# Output seen:
#   memory: 2 visitors, 2 sessions
#   cookieless: 1 visitors, 0 sessions, $posthog_cookieless
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund posthog-js@1.449.2 jsdom@26.1.0 >/dev/null

cat >look.mjs <<'JS'
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { JSDOM } from 'jsdom';

const script = readFileSync('node_modules/posthog-js/dist/array.full.no-external.js', 'utf8');
let events = [];
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  response.setHeader('access-control-allow-origin', '*');
  response.setHeader('access-control-allow-headers', '*');
  response.setHeader('content-type', 'application/json');
  response.end('{"status":1}');
  if (request.method !== 'POST') return;
  const body = JSON.parse(Buffer.concat(chunks).toString());
  events.push(...(Array.isArray(body) ? body : (body.batch ?? [body])));
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${server.address().port}`;

/** Two visitors open a page each, in browsers of their own. */
async function visit(settings) {
  events = [];
  for (const page of ['one', 'two']) {
    const { window } = new JSDOM('<!doctype html><title>shop</title>', {
      url: `${url}/${page}`,
      runScripts: 'outside-only',
      pretendToBeVisual: true,
    });
    window.eval(script);
    window.posthog.init('phc_key', {
      api_host: url,
      request_batching: false,
      disable_compression: true,
      advanced_disable_flags: true,
      capture_pageleave: false,
      autocapture: false,
      disable_session_recording: true,
      opt_out_useragent_filter: true,
      ...settings,
    });
    const before = events.length;
    for (let tries = 0; events.length === before && tries < 100; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    window.close();
  }
  const properties = events.map((event) => event.properties);
  const distinct = (name) => new Set(properties.map((p) => p[name]).filter((value) => value != null));
  return { visitors: distinct('distinct_id'), sessions: distinct('$session_id') };
}

function look(line, described) {
  console.log(line);
  if (line === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const memory = await visit({ persistence: 'memory' });
look(
  `memory: ${memory.visitors.size} visitors, ${memory.sessions.size} sessions`,
  'memory: 2 visitors, 2 sessions',
);
const cookieless = await visit({ cookieless_mode: 'always' });
look(
  `cookieless: ${cookieless.visitors.size} visitors, ${cookieless.sessions.size} sessions, ${[...cookieless.visitors]}`,
  'cookieless: 1 visitors, 0 sessions, $posthog_cookieless',
);
process.exit();
JS
node look.mjs
