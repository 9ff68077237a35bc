#!/usr/bin/env bash
# Snowplow's Node tracker: what it says it will retry waits until the next event, or for ever.
#
# Versions: npm @snowplow/node-tracker 4.8.0.
# Expected: onRequestFailure with willRetry true means that the tracker tries again by itself,
#   after a pause, as the trackers of the other vendors do.
# Behaviour: nothing happens until another event is tracked, however long that takes: then the old
#   one goes along with it. A job that tracks its last event while the collector answers 503 for a
#   moment loses it, though it stays alive for as long as one likes and is told that the event
#   will be retried. (With another event it arrives with the same eid, so that it can be told as
#   the same.)
# Source: tried.
# Output seen:
#   told: 503, will retry: true
#   requests within 20 s: 1
#   requests once there is another event: 2
#   events in the second: 2
#   the first of them has its old id: true
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @snowplow/node-tracker@4.8.0 >/dev/null

cat >look.mjs <<'JS'
import { buildPageView, newTracker } from '@snowplow/node-tracker';
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** Prints what was seen, and notes if it is no longer what is described above. */
function look(what, seen, described) {
  console.log(`${what}: ${seen}`);
  if (seen === described) return;
  process.exitCode = 1;
  console.log(`CHANGED: it used to be ${described}`);
}

const requests = [];
const server = createServer(async (request, response) => {
  const chunks = [];
  for await (const chunk of request) chunks.push(chunk);
  requests.push(JSON.parse(Buffer.concat(chunks)).data);
  response.writeHead(requests.length === 1 ? 503 : 200).end('ok');
});
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const words = [];
const tracker = newTracker({ namespace: 'site', appId: 'shop' }, {
  endpoint: `http://127.0.0.1:${server.address().port}`,
  bufferSize: 1,
  onRequestFailure: ({ status, willRetry }) => words.push(`${status}, will retry: ${willRetry}`),
});
tracker.track(buildPageView({ pageUrl: 'https://shop.example/thanks' }));
await sleep(20_000);
look('told', words.join(), '503, will retry: true');
look('requests within 20 s', String(requests.length), '1');
tracker.track(buildPageView({ pageUrl: 'https://shop.example/' }));
await sleep(1_000);
look('requests once there is another event', String(requests.length), '2');
look('events in the second', String(requests[1]?.length), '2');
look('the first of them has its old id', String(requests[1]?.[0].eid === requests[0][0].eid), 'true');
server.closeAllConnections();
server.close();
process.exit();
JS
node look.mjs
