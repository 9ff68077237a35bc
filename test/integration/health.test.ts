/** What orchestrators and Prometheus are told by a real run, while its servers come and go. */
import type { ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { nanos } from '@nats-io/transport-node';
import { expect } from 'chai';
import { Redis } from 'ioredis';
import { createLooker } from '../../health/look.ts';
import { troublesOf } from '../../health/readiness.ts';
import { startImport } from '../../imports/host-import.ts';
import { createObserver } from '../../operations/observe.ts';
import { loadConfig, parseEnvFile } from '../../platform/config.ts';
import { ACK_WAIT_MS } from '../../platform/events-consumer.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import {
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  INGEST_STREAM,
  ROLLUPS_STREAM,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../../shared/ids.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { startDoor } from '../support/door-process.ts';
import { eventually } from '../support/eventually.ts';
import { allExpressions, metricsIn } from '../support/promql.ts';
import { toldByServers } from '../support/told-by-servers.ts';
import { type FaultWorld, startFaultWorld } from '../support/fault-world.ts';
import { createHealthProbe, type Trouble } from '../support/health-probe.ts';
import { asAdmin, migrate, withTemporal } from '../support/operators/doing.ts';
import { ANY_PORTS, sojourn } from '../support/pipeline.ts';
import { TEST_NAMESPACE } from '../support/servers.ts';

const PROJECT = 'health';
const PATIENCE = { withinMs: 60_000, everyMs: 250 };
/** The readiness probe of deploy/helm waits no longer. */
const PROBE_MS_MAX = 8_000;

/** Figures that no run can be asked about at the moment in which they move, each with the reason. */
const UNMOVED = {
  sojourn_part_running: '0 only while a process starts or stops: test/unit/health.test.ts has that',
};

describe('health of a process', function () {
  // Several times as long as each of the waits in a test may take.
  this.timeout(400_000);
  let world: FaultWorld;
  let url = '';
  let failed = false;
  const doors: ChildProcess[] = [];
  const probe = createHealthProbe();
  const ask = (path: string, at = url) => probe.ask(path, at);
  const scrape = (at = url) => probe.scrape(at);
  const untilTrouble = (what: RegExp, at = url) => probe.untilTrouble(what, at);
  const untilReady = (at = url) => probe.untilReady(at);

  before('start', async () => {
    const settings = { SESSION_IDLE_TIMEOUT: '4s', SESSION_CHECKPOINT: '1s', LATE_GRACE: '1s' };
    world = await startFaultWorld({ seed: 8092, settings });
    const dataDir = join(world.folder, 'up');
    world.run('up', ['up', '--data-dir', dataDir, ...ANY_PORTS]);
    await world.heal();
    await waitForAcksAsUsual();
    url = parseEnvFile(readFileSync(join(dataDir, 'env'), 'utf8'))['HEALTH_URL'] ?? '';
  });

  afterEach(async function () {
    if (this.currentTest?.isFailed() !== true) return;
    failed = true;
    // What it has left behind must not fail all that follow.
    for (const proxy of Object.values(world.proxies)) proxy.set('pass');
    await eventually(resume, PATIENCE);
    await eventually(waitForAcksAsUsual, PATIENCE);
    await masterAgain();
    await migrate({ world });
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

  it('has each documented metric, and no other', async () => {
    expect(await served(url)).to.have.members(documented());
  });

  it('counts what comes in, begins, ends and comes back, and what is put aside', async () => {
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
      expect(grown('sojourn_sessions_ended_total{reason="session_end"}')).to.equal(1);
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
      const now = await scrape();
      expect(now.get('sojourn_sessions_reopened_total')).to.equal(1);
      expect(now.get('sojourn_sessions_ended_total{reason="session_end"}')).to.equal(2);
    }, PATIENCE);
  });

  it('tells how full EVENTS is, where it has a limit', async () => {
    const limit = (max_bytes: number) => world.jsm.streams.update(EVENTS_STREAM, { max_bytes });
    expect((await scrape()).has('sojourn_events_stored_bytes_max')).to.equal(false);
    for (const bytesMax of [2 ** 30, 2 ** 31]) {
      await limit(bytesMax);
      const view = { sessionId: 'stored', eventType: 'session_end', timestamp: Date.now() };
      await world.publish(PROJECT, view, `stored-${bytesMax}`);
      await eventually(async () => {
        const now = await scrape();
        expect(now.get('sojourn_events_stored_bytes_max')).to.equal(bytesMax);
        expect(now.get('sojourn_events_stored_bytes')).to.be.within(1, 2 ** 20);
      }, PATIENCE);
    }
    await limit(-1);
  });

  it('tells what a project has used of its quota', async () => {
    const project = 'health-quota';
    const { code, stderr } = await sojourn(
      ['project', 'set', project, '--max-messages-per-day', '4'],
      world.environment,
    );
    expect(code, stderr).to.equal(0);
    const ratio = `sojourn_quota_used_ratio{project="${project}"}`;
    const view = { sessionId: 'q', eventType: 'session_end', timestamp: Date.now() };
    for (const [n, part] of [0.25, 0.5, 0.75, 1].entries()) {
      await world.publish(project, view, `q-${n}`);
      await eventually(async () => {
        expect((await scrape()).get(ratio)).to.equal(part);
      }, PATIENCE);
    }
    await world.publish(project, view, 'q-over');
    await eventually(async () => {
      const letters = `sojourn_dead_letters_total{project="${project}",reason="quota"}`;
      expect((await scrape()).get(letters)).to.equal(1);
    }, PATIENCE);
  });

  it('counts sessions while they are open, and those that end by idleness', async () => {
    let views = 0;
    await eventually(async () => {
      views += 1;
      const view = { sessionId: 'open', eventType: 'pageview', timestamp: Date.now() };
      await world.publish(PROJECT, view, `open-${views}`);
      expect((await scrape()).get('sojourn_sessions_open')).to.equal(1);
    }, PATIENCE);
    await eventually(async () => {
      const now = await scrape();
      expect(now.get('sojourn_sessions_open')).to.equal(0);
      expect(now.get('sojourn_sessions_ended_total{reason="idle"}')).to.be.above(0);
    }, PATIENCE);
  });

  it('tells how long a session has failed, while others go on', async () => {
    const project = 'health-stuck';
    const failing = async () => (await scrape()).get('sojourn_longest_failing_session_seconds');
    const started = async () => (await scrape()).get('sojourn_sessions_started_total') ?? NaN;
    expect(await failing()).to.equal(0);
    const startedBefore = await started();
    await withTemporal({ world }, async (client) => {
      // Its id belongs to a run that is no session's, and says so to nobody.
      const workflowId = sessionWorkflowId(project, 's');
      const stranger = await client.workflow.start('stranger', {
        ...{ workflowId, taskQueue: 'nowhere' },
      });
      await stranger.terminate();
      const view = { sessionId: 's', eventType: 'session_end', timestamp: Date.now() };
      await world.publish(project, view, 'stuck-1');
      await world.publish(project, { ...view, sessionId: 'other' }, 'stuck-2');
      await eventually(async () => {
        expect(await failing()).to.be.above(5);
        expect(await started()).to.equal(startedBefore + 1);
      }, PATIENCE);
      await client.workflowService.deleteWorkflowExecution({
        namespace: TEST_NAMESPACE,
        workflowExecution: { workflowId },
      });
    });
    await eventually(async () => {
      expect(await failing()).to.equal(0);
    }, PATIENCE);
  });

  it('counts events of somebody who is forgotten', async () => {
    const project = 'health-forgotten';
    const dataDir = join(world.folder, 'forget');
    const words = ['forget', '--project', project, '--session', 'gone', '--data-dir', dataDir];
    const forgotten = await sojourn(words, world.environment);
    expect(forgotten.code, forgotten.stderr).to.equal(0);
    const before = (await scrape()).get('sojourn_forgotten_events_total') ?? NaN;
    const timestamp = Date.now() - 3_600_000;
    await world.publish(project, { sessionId: 'gone', eventType: 'pageview', timestamp }, 'gone-1');
    await eventually(async () => {
      expect((await scrape()).get('sojourn_forgotten_events_total')).to.equal(before + 1);
    }, PATIENCE);
  });

  it('counts imports that are not done', async () => {
    expect((await scrape()).get('sojourn_imports_running')).to.equal(0);
    await withTemporal({ world }, async (client) => {
      const handle = await startImport({ client }, { plan: ofNobody() });
      await eventually(async () => {
        expect((await scrape()).get('sojourn_imports_running')).to.equal(1);
      }, PATIENCE);
      await handle.terminate();
    });
    await eventually(async () => {
      expect((await scrape()).get('sojourn_imports_running')).to.equal(0);
    }, PATIENCE);
  });

  it('counts events that nobody has taken', async () => {
    await pause();
    const view = { sessionId: 'pending', eventType: 'pageview', timestamp: Date.now() };
    await world.publish(PROJECT, view, 'pending-1');
    await eventually(async () => {
      expect((await scrape()).get('sojourn_events_pending')).to.equal(1);
    }, PATIENCE);
    await resume();
    await eventually(async () => {
      expect((await scrape()).get('sojourn_events_pending')).to.equal(0);
    }, PATIENCE);
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

  it('has them of workflow tasks that fail', async () => {
    const failed = async () => {
      const metrics = [...(await scrape())];
      const own = metrics.filter(([key]) =>
        key.startsWith('temporal_workflow_task_execution_failed'),
      );
      return own.reduce((sum, [, value]) => sum + value, 0);
    };
    const before = await failed();
    await withTemporal({ world }, async (client) => {
      const handle = await client.workflow.start('nobody-knows-it', {
        ...{ workflowId: 'nobody-knows-it', taskQueue: TASK_QUEUE },
      });
      await eventually(async () => {
        expect(await failed()).to.be.above(before);
      }, PATIENCE);
      await handle.terminate();
    });
  });

  it('says how old the oldest event is that waits', async () => {
    world.proxies.clickhouse.set('cut');
    const visit = { sessionId: 'late', eventType: 'pageview', timestamp: Date.now() };
    await world.publish(PROJECT, visit, 'late-1');
    // Nobody knows how far things are while ClickHouse is away.
    await eventually(async () => {
      const now = await scrape();
      expect(now.get('sojourn_server_up{server="clickhouse"}')).to.equal(0);
      expect(now.has('sojourn_oldest_unloaded_event_age_seconds')).to.equal(false);
      // How far it has come the loader knows as well.
      expect(now.get('sojourn_differences_pending')).to.be.above(0);
      expect(now.get('sojourn_load_retries_total')).to.be.above(0);
    }, PATIENCE);
    world.proxies.clickhouse.set('pass');
    world.proxies.temporal.set('cut');
    // What is not acknowledged within this time is offered again.
    await world.jsm.consumers.update(EVENTS_STREAM, EVENTS_CONSUMER, { ack_wait: nanos(1_000) });
    await world.publish(PROJECT, { ...visit, sessionId: 'later' }, 'later-1');
    await eventually(async () => {
      const now = await scrape();
      expect(now.get('sojourn_oldest_unloaded_event_age_seconds')).to.be.above(3);
      expect(now.get('sojourn_events_unacknowledged')).to.be.above(0);
      expect(now.get('sojourn_events_redelivered')).to.be.above(0);
      expect(now.get(`sojourn_held_events{project="${PROJECT}"}`)).to.be.above(0);
      expect(now.get('sojourn_delivery_failures_total')).to.be.above(0);
    }, PATIENCE);
    await waitForAcksAsUsual();
    world.proxies.temporal.set('pass');
    await untilReady();
  });

  const away = (server: keyof FaultWorld['proxies'], how: 'cut' | 'halfOpen' = 'cut'): Trouble => ({
    inflict: () => {
      world.proxies[server].set(how);
    },
    says: new RegExp(`^${server}: `, 'i'),
    mend: () => {
      world.proxies[server].set('pass');
    },
  });
  const TROUBLES: readonly (readonly [where: string, trouble: Trouble])[] = [
    ['NATS is away', away('nats')],
    ['Temporal is away', away('temporal')],
    ['ClickHouse is away', away('clickhouse')],
    ['Redis is away', away('redis')],
    ['ClickHouse takes questions and is silent', away('clickhouse', 'halfOpen')],
    ['the consumer is paused', { inflict: pause, says: /paused/, mend: resume }],
    [
      'the view between inbox and metrics is missing',
      {
        inflict: () => asAdmin({ world }, 'DROP TABLE sojourn.metrics_intake SYNC'),
        says: /metrics_intake/,
        mend: () => migrate({ world }),
      },
    ],
    [
      'the stream INGEST is missing',
      {
        inflict: () => world.jsm.streams.delete(INGEST_STREAM),
        says: /^NATS: a stream .*missing/,
        mend: () => migrate({ world }),
      },
    ],
    [
      'Redis takes no writes',
      { inflict: () => follow('127.0.0.1', '1'), says: /Redis.*replica/, mend: masterAgain },
    ],
  ];
  for (const [where, trouble] of TROUBLES) {
    it(`says within 15 s that it is not ready where ${where}, and again when it is`, async () => {
      await probe.turns(trouble, url);
      expect((await ask('/healthz')).code).to.equal(200);
    });
  }

  it('loads what came while the stream INGEST was missing, once it is there again', async () => {
    const written = async () => (await world.jsm.streams.info(ROLLUPS_STREAM)).state.last_seq;
    const loads = async () => (await scrape()).get('sojourn_load_records_count');
    // A load that ClickHouse has been silent to is given up late.
    await eventually(
      async () => {
        expect((await scrape()).get('sojourn_differences_pending')).to.equal(0);
      },
      { ...PATIENCE, withinMs: 180_000 },
    );
    await world.jsm.streams.delete(INGEST_STREAM);
    const before = { written: await written(), loads: await loads() };
    const visit = { sessionId: 'unledgered', eventType: 'pageview', timestamp: Date.now() };
    await world.publish(PROJECT, visit, 'unledgered-1');
    await eventually(async () => {
      expect((await scrape()).get('sojourn_server_up{server="nats"}')).to.equal(0);
      expect(await written()).to.be.above(before.written);
    }, PATIENCE);
    expect(await loads()).to.equal(before.loads);
    await migrate({ world });
    await eventually(async () => {
      const now = await scrape();
      expect(now.get('sojourn_differences_pending')).to.equal(0);
      expect(now.get('sojourn_oldest_unloaded_event_age_seconds')).to.equal(0);
    }, PATIENCE);
    await untilReady();
  });

  it('tells in time of a ClickHouse that takes questions and is silent, and of a paused consumer', async () => {
    await pause();
    world.proxies.clickhouse.set('halfOpen');
    await eventually(async () => {
      const askedAt = performance.now();
      const { troubles } = (await ask('/readyz')).body as { troubles: string[] };
      expect(performance.now() - askedAt).to.be.below(PROBE_MS_MAX);
      expect(troubles.join('\n')).to.match(/^ClickHouse: /m);
      expect(troubles).to.include('the consumer of EVENTS is paused');
    }, PATIENCE);

    world.proxies.clickhouse.set('pass');
    await resume();
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
    const { NATS_URL, TEMPORAL_ADDRESS } = world.environment;
    const observer = createObserver(loadConfig({ NATS_URL, TEMPORAL_ADDRESS }));
    try {
      await pause();
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
      await resume();
      await observer.close();
    }
    await untilReady();
  });

  it('is told by a collector alone: what it takes, refuses and has under way', async () => {
    const key = 'health-key';
    const set = await sojourn(['project', 'set', PROJECT, '--collect-key', key], world.environment);
    expect(set.code, set.stderr).to.equal(0);
    const collector = await startDoor(world, 'collect', doors);
    const event = { eventType: 'pageview', sessionId: 'door', timestamp: Date.now() };
    const send = async (path: string, body: object) => {
      const request = { method: 'POST', body: JSON.stringify(body) };
      return (await fetch(`${collector.url}${path}`, request)).status;
    };
    await untilReady(collector.health);
    await scrape(collector.health);
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
    await eventually(async () => {
      const now = await scrape(collector.health);
      expect(now.get('sojourn_collect_redis_connected')).to.equal(0);
    }, PATIENCE);
    world.proxies.redis.set('pass');
    await untilReady(collector.health);
    await expectDocumented(collector.health, 'collect');
    expect(await collector.stop()).to.equal(0);
  });

  it('is told by a dashboard alone: what it is asked, and whether it can answer', async () => {
    const dashboard = await startDoor(world, 'dashboard', doors);
    await untilReady(dashboard.health);
    await scrape(dashboard.health);
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
    await expectDocumented(dashboard.health, 'dashboard');
    expect(await dashboard.stop()).to.equal(0);
  });

  it('names the flag where the port is taken', async () => {
    const taken = await sojourn(['ingest', '--health-port', new URL(url).port], world.environment);
    expect(taken.code).to.equal(1);
    expect(taken.stderr).to.contain('--health-port');
  });

  it('has seen each documented metric move in all of that', () => {
    const still = documented().filter((name) => !probe.moved.has(name));
    expect(still).to.deep.equal(Object.keys(UNMOVED));
  });

  it('tells what alerts and the dashboard of operators ask for', () => {
    const told = new Set([...probe.samples, ...toldByServers()]);
    const asked = allExpressions().flatMap(({ where, expr }) =>
      metricsIn(expr).map((name) => ({ where, name })),
    );

    expect(asked.length).to.be.above(40);
    expect(asked.filter(({ name }) => !told.has(name))).to.deep.equal([]);
  });

  function pause() {
    const until = new Date(Date.now() + 3_600_000);
    return world.jsm.consumers.pause(EVENTS_STREAM, EVENTS_CONSUMER, until);
  }

  function resume() {
    return world.jsm.consumers.resume(EVENTS_STREAM, EVENTS_CONSUMER);
  }

  /**
   * Ingest says each third of this that it still works on a message. With the world's shorter wait a busy machine's
   * messages come again, and are counted again.
   */
  function waitForAcksAsUsual() {
    const wait = { ack_wait: nanos(ACK_WAIT_MS) };
    return world.jsm.consumers.update(EVENTS_STREAM, EVENTS_CONSUMER, wait);
  }

  async function follow(host: string, port: string): Promise<void> {
    const redis = new Redis(world.servers.redis.url);
    try {
      await redis.replicaof(host, port);
    } finally {
      redis.disconnect();
    }
  }

  function masterAgain(): Promise<void> {
    return follow('NO', 'ONE');
  }

  /** Those of a process alone are a part of what `up` has. */
  async function expectDocumented(at: string, part: 'collect' | 'dashboard'): Promise<void> {
    expect(await served(at)).to.have.members([
      'sojourn_part_running',
      ...documented().filter((name) => name.startsWith(`sojourn_${part}_`)),
    ]);
    const parts = [...(await scrape(at))].filter(([series]) => /_part_running\b/.test(series));
    expect(parts).to.deep.equal([[`sojourn_part_running{part="${part}"}`, 1]]);
  }

  /** Our own figures that a process has. */
  async function served(at: string): Promise<readonly string[]> {
    return [...(await probe.typesOf(at)).keys()].filter((name) => name.startsWith('sojourn_'));
  }
});

/** An import whose command was stopped: nobody does what it asks for. */
function ofNobody() {
  return {
    ...{ project: PROJECT, id: 'of-nobody', life: 1, format: 'sojourn', files: ['events.ndjson'] },
    ...{ settings: DEFAULT_SETTINGS, catalogue: CATALOGUE_VERSION, valuesMax: 10_000 },
    ...{ beganAt: Date.now(), lateWindowMs: 3_600_000, idleTimeoutMs: 4_000, replace: false },
    ...{ records: 1, badRecords: 0, events: 1, sessions: 1 },
  };
}

/** Names in the table of docs/health.md. */
function documented(): readonly string[] {
  const text = readFileSync(new URL('../../docs/health.md', import.meta.url), 'utf8');
  return Array.from(text.matchAll(/^\| `(sojourn_\w+)/gm), ([, name]) => name ?? '');
}
