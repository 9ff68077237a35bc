#!/usr/bin/env bash
# Umami: the two lines that its Node client's own page begins with fail in an ES module, and a
#   refused event looks like one that was taken.
#
# Versions: npm @umami/node 0.4.0.
# Expected: `import umami from '@umami/node'; umami.init({…})`, as its README has it, works in
#   Node, since the package ships a file for `import` (dist/index.mjs). And `await umami.track(…)`
#   fails, or tells, where the server answers 503.
# Behaviour: the package names that file by `module`, which bundlers read and Node does not, and has
#   no `exports`; so Node imports the CommonJS file, whose namespace comes as the default. `umami.init`
#   is not there: the client is `umami.default`. `track` resolves with whatever the server answers
#   (fetch's response), 503 as well, and sends nothing again.
# Source: tried; the package's package.json and README.
# Output seen:
#   default import: init undefined; its own default: init function
#   require: init undefined; its own default: init function
#   track, answered 503: resolved with status 503, 1 request
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @umami/node@0.4.0 >/dev/null

cat >import.mjs <<'JS'
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import imported from '@umami/node';

const required = createRequire(import.meta.url)('@umami/node');
const say = (how, client) =>
  console.log(`${how}: init ${typeof client.init}; its own default: init ${typeof client.default?.init}`);
say('default import', imported);
say('require', required);

let requests = 0;
const server = createServer((request, response) => {
  requests += 1;
  request.resume().on('end', () => response.writeHead(503).end());
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const client = imported.init ? imported : imported.default;
client.init({ websiteId: 'a-site', hostUrl: `http://127.0.0.1:${server.address().port}` });
const how = await client.track({ url: '/home' }).then(
  ({ status }) => `resolved with status ${status}`,
  (error) => `rejected: ${error.message}`,
);
await new Promise((resolve) => setTimeout(resolve, 2_000));
console.log(`track, answered 503: ${how}, ${requests} request${requests === 1 ? '' : 's'}`);
server.closeAllConnections();
server.close();
JS
node import.mjs | tee seen

cat >expected <<'TEXT'
default import: init undefined; its own default: init function
require: init undefined; its own default: init function
track, answered 503: resolved with status 503, 1 request
TEXT
cmp --silent seen expected || { echo 'CHANGED: see above'; exit 1; }
