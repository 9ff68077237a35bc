/** What orchestrators and Prometheus are told by a real run, while its servers come and go. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { parseEnvFile } from '../../platform/config.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../../shared/ids.ts';
import { eventually } from '../support/eventually.ts';
import { asAdmin, migrate } from '../support/operators/doing.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { ANY_PORTS, sojourn } from '../support/pipeline.ts';

const PROJECT = 'health';
const PATIENCE = { withinMs: 15_000, everyMs: 250 };

describe('health of a process', function () {
  this.timeout(180_000);
  let world: FaultWorld;
  let url = '';
  let failed = false;

  before('start', async () => {
    const settings = { SESSION_IDLE_TIMEOUT: '4s', SESSION_CHECKPOINT: '1s', LATE_GRACE: '1s' };
    world = await startFaultWorld({ seed: 8092, settings });
    const dataDir = join(world.folder, 'up');
    world.run('up', ['up', '--data-dir', dataDir, ...ANY_PORTS]);
    await world.heal();
    url = parseEnvFile(readFileSync(join(dataDir, 'env'), 'utf8'))['HEALTH_URL'] ?? '';
  });

  afterEach(function () {
    failed ||= this.currentTest?.isFailed() ?? false;
  });

  after('stop', () => world.close(failed));

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
      await redis.replicaof('NO', 'ONE');
      await untilReady();
    } finally {
      redis.disconnect();
    }
  });

  it('names the flag where the port is taken', async () => {
    const taken = await sojourn(['ingest', '--health-port', new URL(url).port], world.environment);
    expect(taken.code).to.equal(1);
    expect(taken.stderr).to.contain('--health-port');
  });

  async function untilTrouble(what: RegExp): Promise<void> {
    await eventually(async () => {
      const { code, body } = await ask('/readyz');
      const { troubles } = body as { troubles: string[] };
      expect(code).to.equal(503);
      expect(
        troubles.some((trouble) => what.test(trouble)),
        troubles.join('\n'),
      ).to.equal(true);
    }, PATIENCE);
  }

  async function untilReady(): Promise<void> {
    await eventually(async () => {
      const { code, body } = await ask('/readyz');
      expect(code, JSON.stringify(body)).to.equal(200);
    }, PATIENCE);
  }

  async function ask(path: string): Promise<{ code: number; body: unknown }> {
    const response = await fetch(`${url}${path}`);
    return { code: response.status, body: await response.json() };
  }

  /** Values by name and labels, as they stand in the text. */
  async function scrape(): Promise<ReadonlyMap<string, number>> {
    const response = await fetch(`${url}/metrics`);
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
