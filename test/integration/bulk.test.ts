/** A load in bulk against the live way: the same events, equal rows, whatever is repeated or broken off. */
import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { createBoundValues } from '../../activities/bound-values.ts';
import type { TableWriter } from '../../activities/load-batch.ts';
import type { VisitorStore } from '../../activities/recognize-visitor.ts';
import { createVisitors } from '../../activities/visitors.ts';
import { type Chunk, chunksOf } from '../../bulk/chunks.ts';
import { insertChunk, sumChunk } from '../../bulk/load-chunk.ts';
import { type LoadDeps, runLoad } from '../../bulk/run-load.ts';
import type { WholeSession } from '../../bulk/whole-session.ts';
import { readKnownPeople } from '../../demo/known-people.ts';
import { loadPast } from '../../demo/load-past.ts';
import { takenIn } from '../../demo/past-sessions.ts';
import { messageOf, type PastVisit, pastVisits } from '../../demo/past.ts';
import { PAST_DAYS } from '../../demo/past-days.ts';
import { DEMO_CHANGE, DEMO_PROJECT, demoSettings } from '../../demo/settings.ts';
import { setProject, setUntouchedProject, showProject } from '../../operations/projects.ts';
import { connectClickHouse } from '../../platform/clickhouse.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, type Nats } from '../../platform/nats.ts';
import { connectRedis, createVisitorStore } from '../../platform/redis.ts';
import { createTableWriter } from '../../platform/table-writer.ts';
import { createValueStore } from '../../platform/value-store.ts';
import { loadZones } from '../../platform/zones.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { OTHER_VALUE } from '../../shared/value-bounds.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { randomOf } from '../support/random.ts';
import { useServers } from '../support/servers.ts';

const SETTLED = { withinMs: 120_000 };
const IDLE_TIMEOUT_MS = 30 * 60_000;
const zones = loadZones();

type SessionFields = Readonly<Record<string, unknown>>;
const never = new AbortController().signal;

describe('a load in bulk', function () {
  this.timeout(600_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let nats: Nats;
  let writer: ClickHouseClient;
  let reader: ClickHouseClient;
  let store: VisitorStore;
  let deps: LoadDeps;

  /** What was opened, the last one first. */
  const opened: (() => unknown)[] = [];

  before(async () => {
    const config = requireServers(loadConfig(environmentOf(servers())), [
      'NATS_URL',
      'CLICKHOUSE_URL',
      'REDIS_URL',
    ]);
    const admin = connectClickHouse(config, 'admin');
    opened.unshift(async () => {
      // What is left there is shown by `status`, to other tests too.
      const query = `DELETE FROM sojourn.full_dimensions WHERE project IN ('full-live', 'full-bulk')`;
      await admin.command({ query }).finally(() => admin.close());
    });
    pipeline = await startPipelineProcess(servers());
    opened.unshift(async () => {
      expect(await pipeline.stop()).to.equal(0);
    });
    around = await connectAround(servers());
    opened.unshift(() => around.close());
    nats = await connectNats(config, 'test', silentLog);
    opened.unshift(() => nats.connection.close());
    writer = connectClickHouse(config, 'writer');
    opened.unshift(() => writer.close());
    reader = connectClickHouse(config, 'bi');
    opened.unshift(() => reader.close());
    const redis = connectRedis(config, silentLog);
    opened.unshift(() => {
      redis.disconnect();
    });
    store = createVisitorStore(redis);
    const visitors = createVisitors(store, { now: Date.now, onAway: () => undefined });
    const tables = createTableWriter(writer);
    const values = createValueStore(reader, tables);
    deps = { visitors, tables, reader, values, valuesMax: 10_000, log: silentLog };
  });

  after(async () => {
    for (const undo of opened) await undo();
  });

  /** Rows of a project, but for ids and times of writing. */
  async function rowsOf(
    project: string,
  ): Promise<{ metrics: object[]; sessions: SessionFields[] }> {
    const metrics = await around.select<object>(
      `SELECT metric_type, granularity, toString(bucket) AS at, dimension, dimension_value,
         toString(sum(metrics.value)) AS total, toString(sum(metrics.count)) AS counted
       FROM sojourn.metrics WHERE project = '${project}' GROUP BY ALL
       HAVING total != '0' OR counted != '0' ORDER BY ALL`,
    );
    const sessions = await around.select<SessionFields>(
      `SELECT * EXCEPT (project, first_run_id, updated_at, version) FROM sojourn.sessions_current
       WHERE project = '${project}' ORDER BY session_id`,
    );
    return { metrics, sessions };
  }

  async function expectClean(project: string): Promise<void> {
    const words = ['audit', '--project', project, '--json'];
    const { code, stdout, stderr } = await sojourn(words, environmentOf(servers()));
    expect(code, stdout + stderr).to.equal(0);
    expect(JSON.parse(stdout)).to.deep.include({ differing: 0, putBack: [] });
  }

  const loaded = () => untilLoaded(environmentOf(servers()));

  const sessionsOf = (visits: readonly PastVisit[], project: string): WholeSession[] =>
    visits.map((visit) => takenIn(visit, project, demoSettings(zones)));

  const load = (name: string, sessions: readonly WholeSession[], more: Partial<LoadDeps> = {}) =>
    runLoad(
      { ...deps, ...more },
      {
        name,
        sessions: () => sessions,
        idleTimeoutMs: IDLE_TIMEOUT_MS,
        signal: never,
        chunkMax: { sessionsMax: 20, eventsMax: 1_000 },
      },
    );

  it('gives the rows that the same events give when they are published', async () => {
    const visits = aSample();
    expect(visits.filter(({ person }) => person === undefined).length).to.be.above(3);
    await setProject({ nats, tables: writer }, 'past-live', DEMO_CHANGE);
    await eventually(() => {
      expect(pipeline.log()).to.match(/"project":"past-live".*settings of a project have changed/);
    }, SETTLED);
    for (const wave of wavesOf(visits)) {
      for (const visit of wave) await around.publish('past-live', messageOf(visit));
      await loaded();
    }
    await eventually(async () => {
      const { sessions } = await rowsOf('past-live');
      expect(sessions).to.have.length(visits.length);
      for (const session of sessions) expect(session).to.include({ state: 'ended' });
    }, SETTLED);

    const figures = await load('equal', sessionsOf(visits, 'past-bulk'));

    expect(figures).to.include({ sessions: visits.length, sessionsBefore: 0 });
    const [live, bulk] = [await rowsOf('past-live'), await rowsOf('past-bulk')];
    expect(live.metrics.length).to.be.above(1_000);
    expect(bulk.sessions).to.deep.equal(live.sessions);
    expect(bulk.metrics).to.deep.equal(live.metrics);
    const kinds = (field: string) =>
      new Set(live.sessions.map((session) => JSON.stringify(session[field])));
    for (const field of ['new_user', 'bot', 'end_reason', 'converted', 'dimensions']) {
      expect(kinds(field).size, field).to.be.above(1);
    }
    await expectClean('past-live');
    await expectClean('past-bulk');
  });

  it('gives the same rows where it is broken off again and again, and once more when it is there', async () => {
    const visits = aSample();
    await load('whole', sessionsOf(visits, 'bulk-whole'));
    const random = randomOf(20_261_128);
    const sessions = sessionsOf(visits, 'bulk-broken');
    let broken = 0;
    for (let isDone = false; !isDone;) {
      const killed = new AbortController();
      let left = Math.floor(random() * 6);
      // Somewhere before, in, or after an insert the process is gone.
      const tables: TableWriter = {
        async insert(table, rows, token) {
          killed.signal.throwIfAborted();
          const isLast = left-- === 0;
          const isBefore = isLast && random() < 0.5;
          if (isBefore) killed.abort(new Error('killed'));
          killed.signal.throwIfAborted();
          await deps.tables.insert(table, rows, token);
          if (isLast) killed.abort(new Error('killed'));
          killed.signal.throwIfAborted();
        },
      };
      isDone = await runLoad(
        { ...deps, tables },
        {
          name: 'broken',
          sessions: () => sessions,
          idleTimeoutMs: IDLE_TIMEOUT_MS,
          signal: killed.signal,
          chunkMax: { sessionsMax: 20, eventsMax: 1_000 },
        },
      ).then(
        () => true,
        (error: unknown) => {
          expect(String(error)).to.contain('killed');
          broken += 1;
          return false;
        },
      );
    }

    expect(broken).to.be.above(3);
    expect(await rowsOf('bulk-broken')).to.deep.equal(await rowsOf('bulk-whole'));

    // A chunk that comes again when all is there, held back by whatever; and the whole load.
    const chunks = chunksOf(sessions, { sessionsMax: 20, eventsMax: 1_000 });
    const first = (await chunks.next()).value as Chunk;
    const patiently = <T>(step: () => Promise<T>) => step();
    const options = { load: 'broken', idleTimeoutMs: IDLE_TIMEOUT_MS };
    const sums = await sumChunk({ ...deps, patiently }, first, options);
    const bound = createBoundValues(deps.values, () => undefined);
    const place = { load: 'broken', number: first.number, valuesMax: deps.valuesMax };
    await insertChunk({ tables: deps.tables, bound }, place, sums);
    expect(await load('broken', sessions)).to.include({ chunks: 0 });

    expect(await rowsOf('bulk-broken')).to.deep.equal(await rowsOf('bulk-whole'));
    await expectClean('bulk-broken');
  });

  it('gives the demo a past once, whose users are known when they come again', async () => {
    const until = Date.now();
    await setUntouchedProject({ nats, tables: writer }, DEMO_PROJECT, DEMO_CHANGE);
    const past = { ...deps, store, now: () => until };
    const days: number[] = [];

    const figures = await loadPast(past, {
      days: 2,
      signal: never,
      onProgress: (day) => days.push(day),
    });

    const { settings } = await showProject(nats, DEMO_PROJECT);
    expect(settings).to.deep.include({ timeZone: 'Europe/Berlin', currency: 'EUR' });
    expect(figures?.sessions).to.be.above(600);
    expect(days.at(-1)).to.be.within(1.5, 2);
    await expectClean(DEMO_PROJECT);
    const { sessions, metrics } = await rowsOf(DEMO_PROJECT);
    const later = { ...past, now: () => until + 86_400_000 };
    expect(await loadPast(later, { days: 2, signal: never })).to.equal(undefined);
    expect(await rowsOf(DEMO_PROJECT)).to.deep.equal({ sessions, metrics });

    const known = await readKnownPeople(reader, 200);
    expect(known).to.have.length(200);
    const user = known.findLast(({ userId }) => userId !== undefined)?.userId;
    const visit = (sessionId: string, userId: string | undefined) =>
      around.publish(DEMO_PROJECT, [
        { eventType: 'pageview', timestamp: Date.now(), sessionId, eventId: '1', userId },
        { eventType: 'session_end', timestamp: Date.now(), sessionId, eventId: '2' },
      ]);
    await visit('comes-again', user);
    await visit('comes-first', 'user-nobody-knows');
    await loaded();
    // Whose user is new may be known only with the session's next write.
    await eventually(async () => {
      const live = await around.select(
        `SELECT session_id, new_user FROM sojourn.sessions_current
         WHERE project = '${DEMO_PROJECT}' AND session_id LIKE 'comes-%' ORDER BY session_id`,
      );
      expect(live).to.deep.equal([
        { session_id: 'comes-again', new_user: false },
        { session_id: 'comes-first', new_user: true },
      ]);
    }, SETTLED);
    await expectClean(DEMO_PROJECT);
  });

  it('gives the same rows where dimensions have more values than they may, whatever is broken off', async () => {
    const valuesMax = 2;
    expect(await pipeline.stop()).to.equal(0);
    const settings = { ...QUICK_SETTINGS, DIMENSION_VALUES_MAX: String(valuesMax) };
    pipeline = await startPipelineProcess(servers(), settings);
    const visits = manyCampaigns(12);
    // What has rows of its own is there before the rest comes, so it does not matter in which order that arrives.
    for (const wave of [visits.slice(0, 1), visits.slice(1, 2), visits.slice(2)]) {
      for (const { message } of wave) await around.publish('full-live', message);
      await loaded();
    }
    await eventually(async () => {
      const { sessions } = await rowsOf('full-live');
      expect(sessions).to.have.length(visits.length);
      for (const session of sessions) expect(session).to.include({ state: 'ended' });
    }, SETTLED);

    const sessions = visits.map(({ sessionId, message }): WholeSession => {
      const data = new TextEncoder().encode(message);
      const received = { subject: 'events.full-bulk.past', data, seq: 1, receivedAt: Date.now() };
      const { events } = parseMessage(received, () => DEFAULT_SETTINGS);
      return { project: 'full-bulk', sessionId, events: events.map(({ event }) => event) };
    });
    const options = {
      name: 'full',
      sessions: () => sessions,
      idleTimeoutMs: IDLE_TIMEOUT_MS,
      chunkMax: { sessionsMax: 5, eventsMax: 1_000 },
    };
    // It is noted that a set is full, and the process is gone before the chunk is there.
    const killed = new AbortController();
    const tables: TableWriter = {
      async insert(table, rows, token) {
        killed.signal.throwIfAborted();
        await deps.tables.insert(table, rows, token);
        if (table === 'full_dimensions_inbox') killed.abort(new Error('killed'));
        killed.signal.throwIfAborted();
      },
    };
    const values = createValueStore(reader, tables);
    const broken = runLoad(
      { ...deps, tables, values, valuesMax },
      { ...options, signal: killed.signal },
    );
    await broken.then(
      () => expect.fail('was not broken off'),
      (error: unknown) => {
        expect(String(error)).to.contain('killed');
      },
    );
    await runLoad({ ...deps, valuesMax }, { ...options, signal: never });

    const [live, bulk] = [await rowsOf('full-live'), await rowsOf('full-bulk')];
    expect(bulk.sessions).to.deep.equal(live.sessions);
    expect(bulk.metrics).to.deep.equal(live.metrics);
    const campaigns = await around.select<{ dimension_value: string }>(
      `SELECT DISTINCT dimension_value FROM sojourn.metrics WHERE project = 'full-bulk'
         AND metric_type = 'sessions' AND dimension = 'campaign' ORDER BY dimension_value`,
    );
    expect(campaigns.map(({ dimension_value }) => dimension_value)).to.deep.equal([
      OTHER_VALUE,
      'campaign-0',
      'campaign-1',
    ]);
    await expectClean('full-live');
    await expectClean('full-bulk');
  });

  it('leaves alone what somebody has set for a project', async () => {
    const target = { nats, tables: writer };
    await setProject(target, 'set-before', { timeZone: 'Asia/Kathmandu' });

    expect(await setUntouchedProject(target, 'set-before', DEMO_CHANGE)).to.equal(false);
    expect(await setUntouchedProject(target, 'never-set', DEMO_CHANGE)).to.equal(true);
    expect(await setUntouchedProject(target, 'never-set', DEMO_CHANGE)).to.equal(false);

    const { settings } = await showProject(nats, 'set-before');
    expect(settings).to.deep.include({ timeZone: 'Asia/Kathmandu', ownHosts: [], dimensions: {} });
  });
});

/** Visits of one day, each from a campaign and to a page of its own. */
function manyCampaigns(count: number): { sessionId: string; message: string }[] {
  const day = Date.UTC(2026, 2, 9, 8);
  return Array.from({ length: count }, (_, n) => {
    const sessionId = `visit-${String(n).padStart(2, '0')}`;
    const at = (seconds: number) => day + n * 600_000 + seconds * 1_000;
    const properties = { path: `/page-${n}`, campaign: `campaign-${n}`, country: 'DE' };
    const revenue = { ...properties, revenue: `${n}.5`, currency: 'EUR' };
    const event = (eventType: string, eventId: string, seconds: number, its: object) => {
      return { eventType, eventId, sessionId, timestamp: at(seconds), properties: its };
    };
    const events = [
      event('pageview', '1', 0, { ...properties, ...(n % 4 === 0 && { bot: true }) }),
      event('purchase', '2', 30, revenue),
      event('session_end', '3', 60, {}),
    ];
    return { sessionId, message: JSON.stringify(events) };
  });
}

/** Visits of all two months: of users who come again all, of the rest a few. */
function aSample(): PastVisit[] {
  const plan = { seed: 3, until: Date.UTC(2026, 10, 20, 12), days: PAST_DAYS };
  const visits = [...pastVisits(plan, zones)];
  const byUser = new Map<string, number>();
  for (const { person } of visits) {
    const { userId = '' } = person ?? {};
    if (userId !== '') byUser.set(userId, (byUser.get(userId) ?? 0) + 1);
  }
  const regulars = [...byUser].filter(([, count]) => count >= 2 && count <= 4).slice(0, 20);
  const chosen = new Set(regulars.map(([userId]) => userId));
  return visits.filter(
    ({ person }, index) => chosen.has(person?.userId ?? '') || index % 400 === 0,
  );
}

/** Each user's visits one after the other: live ones decide by their arrival whose user is new. */
function wavesOf(visits: readonly PastVisit[]): PastVisit[][] {
  const waves: PastVisit[][] = [];
  const before = new Map<string, number>();
  for (const visit of visits) {
    const { userId } = visit.person ?? {};
    const wave = userId === undefined ? 0 : (before.get(userId) ?? 0);
    if (userId !== undefined) before.set(userId, wave + 1);
    (waves[wave] ??= []).push(visit);
  }
  return waves;
}
