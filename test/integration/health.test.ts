/** What orchestrators and Prometheus are told by a real run, while its servers come and go. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nanos } from '@nats-io/transport-node';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { createLooker } from '../../health/look.ts';
import { troublesOf } from '../../health/readiness.ts';
import { createObserver } from '../../operations/observe.ts';
import { loadConfig, parseEnvFile } from '../../platform/config.ts';
import { ACK_WAIT_MS } from '../../platform/events-consumer.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import { asAdmin, migrate } from '../support/operators/doing.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { ANY_PORTS, sojourn, spawnSojourn } from '../support/pipeline.ts';

const PROJECT = 'health';
const PATIENCE = { withinMs: 60_000, everyMs: 250 };
/** The readiness probe of deploy/helm waits no longer. */
const PROBE_MS_MAX = 8_000;

describe('health of a process', function () {
  // Several times as long as each of the waits in a test may take.
  this.timeout(400_000);
  let world: FaultWorld;
  let url = '';
  let failed = false;
  const doors: ChildProcess[] = [];

  before('start', async () => {
    const settings = { SESSION_IDLE_TIMEOUT: '4s', SESSION_CHECKPOINT: '1s', LATE_GRACE: '1s' };
    world = await startFaultWorld({ seed: 8092, settings });
    const dataDir = join(world.folder, 'up');
    world.run('up', ['up', '--data-dir', dataDir, ...ANY_PORTS]);
    await world.heal();
    // Ingest says each third of this that it still works on a message. With the world's shorter wait a busy machine's
    // messages come again, and are counted again.
    await world.jsm.consumers.update(EVENTS_STREAM, EVENTS_CONSUMER, {
      ack_wait: nanos(ACK_WAIT_MS),
    });
    url = parseEnvFile(readFileSync(join(dataDir, 'env'), 'utf8'))['HEALTH_URL'] ?? '';
  });

  afterEach(async function () {
    if (this.currentTest?.isFailed() !== true) return;
    failed = true;
    // What it has left behind must not fail all that follow.
    for (const proxy of Object.values(world.proxies)) proxy.set('pass');
    await eventually(() => world.jsm.consumers.resume(EVENTS_STREAM, EVENTS_CONSUMER), PATIENCE);
    await masterAgain();
  });

  after('stop', async () => {
    for (const child of doors) child.kill('SIGKILL');
    await world.close(failed);
  });

  it('is well, and ready, once it runs', async () => {
    expect(await ask('/healthz')).to.deep.equal({ code: 200, body: { status: 'ok' } });
    await eventually(async () => {
      const { code, body } = await ask('/readyz');
      expect(code, JSON.stringify(body)).to.equal(200);
    }, PATIENCE);
    expect((await ask('/nothing')).code).to.equal(404);
  });

  it('has each documented metric, and they move', async () => {
    const before = await scrape();
    const at = Date.now();
    const visit = { sessionId: 'a', eventType: 'pageview', timestamp: at };
    await world.publish(PROJECT, visit, 'a-1');
    await world.publish(PROJECT, { ...visit, eventType: 'session_end' }, 'a-2');
    await world.publish(PROJECT, { eventType: 'pageview', timestamp: at }, 'bad');
    await eventually(async () => {
      const now = await scrape();
      const grown = (name: string) => (now.get(name) ?? NaN) - (before.get(name) ?? 0);
      expect(grown('sojourn_ingest_messages_total')).to.equal(3);
      expect(grown('sojourn_ingest_events_total')).to.equal(2);
      expect(grown('sojourn_sessions_started_total')).to.equal(1);
      expect(grown(`sojourn_dead_letters_total{project="${PROJECT}",reason="sessionId"}`)).to.equal(
        1,
      );
      expect(grown('sojourn_delivery_duration_seconds_count{how="started"}')).to.equal(1);
      expect(grown('sojourn_load_records_sum')).to.be.above(0);
      expect(now.get('sojourn_dead_letters_stored')).to.equal(1);
      expect(now.get('sojourn_sessions_open')).to.equal(0);
      expect(now.get('sojourn_oldest_unloaded_event_age_seconds')).to.equal(0);
    }, PATIENCE);
    await world.publish(PROJECT, { ...visit, timestamp: at + 1 }, 'a-3');
    await eventually(async () => {
      expect((await scrape()).get('sojourn_sessions_reopened_total')).to.equal(1);
    }, PATIENCE);
    const text = await (await fetch(`${url}/metrics`)).text();
    const served = Array.from(text.matchAll(/^# TYPE (sojourn_\w+)/gm), ([, name]) => name);
    expect(served).to.have.members(documented());
  });

  it('has the Temporal library’s own figures as well', async () => {
    const metrics = [...(await scrape()).entries()];
    const sum = (name: string) =>
      metrics.reduce((sum, [key, value]) => sum + (key.startsWith(`${name}{`) ? value : 0), 0);
    expect(sum('temporal_workflow_completed')).to.be.above(0);
    expect(sum('temporal_workflow_task_schedule_to_start_latency_count')).to.be.above(0);
    expect(sum('temporal_worker_task_slots_available')).to.be.above(0);
    expect(sum('temporal_request')).to.be.above(0);
  });

  it('says how old the oldest event is that waits', async () => {
    world.proxies.clickhouse.set('cut');
    const visit = { sessionId: 'late', eventType: 'pageview', timestamp: Date.now() };
    await world.publish(PROJECT, visit, 'late-1');
    // Nobody knows how far things are while ClickHouse is away.
    await eventually(async () => {
      expect((await scrape()).get('sojourn_server_up{server="clickhouse"}')).to.equal(0);
    }, PATIENCE);
    world.proxies.clickhouse.set('pass');
    world.proxies.temporal.set('cut');
    await world.publish(PROJECT, { ...visit, sessionId: 'later' }, 'later-1');
    await eventually(async () => {
      const now = await scrape();
      expect(now.get('sojourn_oldest_unloaded_event_age_seconds')).to.be.above(3);
      expect(now.get('sojourn_events_unacknowledged')).to.be.above(0);
      expect(now.get(`sojourn_held_events{project="${PROJECT}"}`)).to.be.above(0);
      expect(now.get('sojourn_delivery_failures_total')).to.be.above(0);
    }, PATIENCE);
    world.proxies.temporal.set('pass');
    await untilReady();
  });

  for (const server of ['nats', 'temporal', 'clickhouse', 'redis'] as const) {
    it(`is not ready while ${server} is away, and again afterwards`, async () => {
      world.proxies[server].set('cut');
      await untilTrouble(new RegExp(`^${server}:`, 'i'));
      world.proxies[server].set('pass');
      await untilReady();
      expect((await ask('/healthz')).code).to.equal(200);
    });
  }

  it('is not ready while the consumer is paused, and again afterwards', async () => {
    const { consumers } = world.jsm;
    await consumers.pause(EVENTS_STREAM, EVENTS_CONSUMER, new Date(Date.now() + 3_600_000));
    await untilTrouble(/paused/);
    await consumers.resume(EVENTS_STREAM, EVENTS_CONSUMER);
    await untilReady();
  });

  it('tells in time of a ClickHouse that takes questions and is silent, and of a paused consumer', async () => {
    const { consumers } = world.jsm;
    await consumers.pause(EVENTS_STREAM, EVENTS_CONSUMER, new Date(Date.now() + 3_600_000));
    world.proxies.clickhouse.set('halfOpen');
    await eventually(async () => {
      const askedAt = performance.now();
      const { troubles } = (await ask('/readyz')).body as { troubles: string[] };
      expect(performance.now() - askedAt).to.be.below(PROBE_MS_MAX);
      expect(troubles.join('\n')).to.match(/^ClickHouse: /m);
      expect(troubles).to.include('the consumer of EVENTS is paused');
    }, PATIENCE);

    world.proxies.clickhouse.set('pass');
    await consumers.resume(EVENTS_STREAM, EVENTS_CONSUMER);
    await untilReady();
  });

  it('answers before Prometheus and the probe give up, where ClickHouse and Temporal are silent', async () => {
    world.proxies.clickhouse.set('halfOpen');
    world.proxies.temporal.set('halfOpen');
    try {
      await eventually(async () => {
        const askedAt = performance.now();
        const now = await scrape();
        expect(performance.now() - askedAt).to.be.below(PROBE_MS_MAX);
        expect(now.get('sojourn_server_up{server="clickhouse"}')).to.equal(0);
        expect(now.get('sojourn_server_up{server="temporal"}')).to.equal(0);
      }, PATIENCE);
    } finally {
      world.proxies.clickhouse.set('pass');
      world.proxies.temporal.set('pass');
    }
    await untilReady();
  });

  it('knows of a paused consumer where an ingest has no address of ClickHouse', async () => {
    const { consumers } = world.jsm;
    const { NATS_URL, TEMPORAL_ADDRESS } = world.environment;
    const observer = createObserver(loadConfig({ NATS_URL, TEMPORAL_ADDRESS }));
    try {
      await consumers.pause(EVENTS_STREAM, EVENTS_CONSUMER, new Date(Date.now() + 3_600_000));
      // NATS or Temporal, held up by a busy machine for 5 s, would be a trouble as well.
      await eventually(async () => {
        const look = await createLooker(observer, Date.now).look();
        expect(troublesOf(look, { ingest: true, worker: false })).to.deep.equal([
          'the consumer of EVENTS is paused',
        ]);
        expect(look.redelivered).to.equal(0);
        expect(look.oldestUnloadedMs).to.equal(null);
        const { clickhouse, redis } = look.status.servers;
        expect([clickhouse, redis].map(({ url }) => url)).to.deep.equal([undefined, undefined]);
      }, PATIENCE);
    } finally {
      await consumers.resume(EVENTS_STREAM, EVENTS_CONSUMER);
      await observer.close();
    }
    await untilReady();
  });

  it('is not ready while the view between inbox and metrics is missing, and again afterwards', async () => {
    await asAdmin({ world }, 'DROP TABLE sojourn.metrics_intake SYNC');
    await untilTrouble(/metrics_intake/);
    await migrate({ world });
    await untilReady();
  });

  it('is not ready while Redis takes no writes, and again afterwards', async () => {
    const redis = new Redis(world.servers.redis.url);
    try {
      await redis.replicaof('127.0.0.1', '1');
      await untilTrouble(/Redis.*replica/);
    } finally {
      redis.disconnect();
    }
    await masterAgain();
    await untilReady();
  });

  it('is told by a collector alone: what it takes, refuses and has under way', async () => {
    const key = 'health-key';
    const set = await sojourn(['project', 'set', PROJECT, '--collect-key', key], world.environment);
    expect(set.code, set.stderr).to.equal(0);
    const collector = await startDoor('collect', 'COLLECT_URL');
    const event = { eventType: 'pageview', sessionId: 'door', timestamp: Date.now() };
    const send = async (path: string, body: object) => {
      const request = { method: 'POST', body: JSON.stringify(body) };
      return (await fetch(`${collector.url}${path}`, request)).status;
    };
    await untilReady(collector.health);
    expect((await ask('/healthz', collector.health)).code).to.equal(200);
    expect(await send(`/events?key=${key}`, [event, { ...event, eventType: 'click' }])).to.equal(
      200,
    );
    expect(await send('/events?key=nobody', event)).to.equal(401);
    expect(await send(`/events?key=${key}`, {})).to.equal(400);
    expect(await send('/api/event', { n: 'x', u: 'https://x.example/', d: 'x.example' })).to.equal(
      202,
    );
    expect(await send('/v1/batch', [])).to.equal(400);
    expect(Object.fromEntries(await scrape(collector.health))).to.include({
      'sojourn_collect_requests_total{tracker="own",status="200"}': 1,
      'sojourn_collect_requests_total{tracker="own",status="401"}': 1,
      'sojourn_collect_requests_total{tracker="plausible",status="202"}': 1,
      'sojourn_collect_request_duration_seconds_count{tracker="own"}': 3,
      'sojourn_collect_events_total{tracker="own"}': 2,
      'sojourn_collect_refused_total{tracker="own",reason="key"}': 1,
      'sojourn_collect_refused_total{tracker="own",reason="malformed"}': 1,
      'sojourn_collect_refused_total{tracker="plausible",reason="key"}': 1,
      'sojourn_collect_refused_total{tracker="segment",reason="malformed"}': 1,
      sojourn_collect_waiting_requests: 0,
      sojourn_collect_nats_connected: 1,
      sojourn_collect_redis_connected: 1,
    });

    world.proxies.nats.set('cut');
    await untilTrouble(/^NATS: /, collector.health);
    const sent: Promise<number>[] = [];
    await eventually(async () => {
      // It waits for 5 s only, which a busy machine may take to ask: each time there is another one.
      sent.push(send(`/events?key=${key}`, event));
      const now = await scrape(collector.health);
      const requests = now.get('sojourn_collect_waiting_requests');
      expect(requests).to.be.within(1, sent.length);
      expect(now.get('sojourn_collect_waiting_events')).to.equal(requests);
      expect(now.get('sojourn_collect_nats_connected')).to.equal(0);
    }, PATIENCE);
    expect(await Promise.all(sent)).to.deep.equal(sent.map(() => 503));
    expect(
      (await scrape(collector.health)).get(
        'sojourn_collect_refused_total{tracker="own",reason="nats"}',
      ),
    ).to.equal(sent.length);
    world.proxies.nats.set('pass');
    await untilReady(collector.health);
    world.proxies.redis.set('cut');
    await untilTrouble(/^Redis: /, collector.health);
    world.proxies.redis.set('pass');
    await untilReady(collector.health);
    await expectDocumented(collector.health, 'sojourn_collect_');
    expect(await collector.stop()).to.equal(0);
  });

  it('is told by a dashboard alone: what it is asked, and whether it can answer', async () => {
    const dashboard = await startDoor('dashboard', 'DASHBOARD_URL');
    await untilReady(dashboard.health);
    for (const path of ['/', '/api/projects', '/nothing']) await fetch(`${dashboard.url}${path}`);
    const stop = new AbortController();
    const live = await fetch(`${dashboard.url}/api/live?project=${PROJECT}`, stop);
    expect(live.status).to.equal(200);
    await eventually(async () => {
      expect(Object.fromEntries(await scrape(dashboard.health))).to.include({
        'sojourn_dashboard_requests_total{route="/api/projects",status="200"}': 1,
        'sojourn_dashboard_request_duration_seconds_count{route="/api/projects"}': 1,
        sojourn_dashboard_watchers: 1,
        sojourn_dashboard_nats_connected: 1,
      });
    }, PATIENCE);
    stop.abort();
    world.proxies.clickhouse.set('cut');
    await untilTrouble(/^ClickHouse: /, dashboard.health);
    world.proxies.clickhouse.set('pass');
    await untilReady(dashboard.health);
    world.proxies.clickhouse.set('halfOpen');
    await untilTrouble(/^ClickHouse: no answer within 5 s/, dashboard.health);
    world.proxies.clickhouse.set('pass');
    await untilReady(dashboard.health);
    await expectDocumented(dashboard.health, 'sojourn_dashboard_');
    expect(await dashboard.stop()).to.equal(0);
  });

  it('names the flag where the port is taken', async () => {
    const taken = await sojourn(['ingest', '--health-port', new URL(url).port], world.environment);
    expect(taken.code).to.equal(1);
    expect(taken.stderr).to.contain('--health-port');
  });

  async function masterAgain(): Promise<void> {
    const redis = new Redis(world.servers.redis.url);
    try {
      await redis.replicaof('NO', 'ONE');
    } finally {
      redis.disconnect();
    }
  }

  async function untilTrouble(what: RegExp, at = url): Promise<void> {
    await eventually(async () => {
      const { code, body } = await ask('/readyz', at);
      const { troubles } = body as { troubles: string[] };
      expect(code).to.equal(503);
      expect(
        troubles.some((trouble) => what.test(trouble)),
        troubles.join('\n'),
      ).to.equal(true);
    }, PATIENCE);
  }

  async function untilReady(at = url): Promise<void> {
    await eventually(async () => {
      const { code, body } = await ask('/readyz', at);
      expect(code, JSON.stringify(body)).to.equal(200);
    }, PATIENCE);
  }

  async function ask(path: string, at = url): Promise<{ code: number; body: unknown }> {
    const response = await fetch(`${at}${path}`);
    return { code: response.status, body: await response.json() };
  }

  /** One of the processes that people and trackers speak to, with its health. */
  async function startDoor(command: string, name: string) {
    const child = spawnSojourn(
      [command, '--port', '0', '--health-port', '0', '--data-dir', join(world.folder, command)],
      world.environment,
    );
    const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
    doors.push(child);
    let said = '';
    child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
    const found = await eventually(
      () => {
        const [at, health] = [name, 'HEALTH_URL'].map(
          (of) => new RegExp(`^${of}=(\\S+)`, 'm').exec(said)?.[1],
        );
        if (at === undefined || health === undefined) throw new Error(`not ready: ${said}`);
        return { url: at, health };
      },
      { withinMs: 150_000 },
    );
    return {
      ...found,
      stop() {
        child.kill('SIGTERM');
        return exited;
      },
    };
  }

  /** Those of a process alone are a part of what `up` has. */
  async function expectDocumented(at: string, prefix: string): Promise<void> {
    const text = await (await fetch(`${at}/metrics`)).text();
    const served = Array.from(text.matchAll(/^# TYPE (sojourn_\w+)/gm), ([, name]) => name);
    expect(served).to.have.members(documented().filter((name) => name.startsWith(prefix)));
  }

  /** Values by name and labels, as they stand in the text. */
  async function scrape(at = url): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`${at}/metrics`);
    expect(response.status).to.equal(200);
    const lines = (await response.text()).split('\n').filter((line) => /^[a-z]/.test(line));
    return new Map(
      lines.map((line) => {
        const at = line.lastIndexOf(' ');
        return [line.slice(0, at), Number(line.slice(at + 1))] as const;
      }),
    );
  }
});

/** Names in the table of docs/health.md. */
function documented(): readonly string[] {
  const text = readFileSync(new URL('../../docs/health.md', import.meta.url), 'utf8');
  return Array.from(text.matchAll(/^\| `(sojourn_\w+)/gm), ([, name]) => name ?? '');
}
