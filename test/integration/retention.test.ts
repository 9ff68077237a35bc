/** Old rows of a project are deleted, on real servers: exactly they, and no number of a kept day changes. */
import type { ClickHouseClient } from '@clickhouse/client';
import { expect } from 'chai';
import { metricTableRows, sessionTableRow } from '../../activities/load-batch.ts';
import { listProjects, setProject } from '../../operations/projects.ts';
import { type Purged, purgeProjects, type PurgeStep } from '../../operations/purge-projects.ts';
import { connectClickHouse, select } from '../../platform/clickhouse.ts';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, type Nats } from '../../platform/nats.ts';
import { loadZones } from '../../platform/zones.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import { addAll, type Contributions } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { DEADLETTERS_STREAM, deadLetterSubject } from '../../shared/ids.ts';
import { retentionLimit } from '../../shared/retention.ts';
import { applyEvents, emptySession, factsOf, sessionRows } from '../../shared/session.ts';
import { aRollup } from '../support/builders.ts';
import { environmentOf, sojourn } from '../support/pipeline.ts';
import { intBetween, pick, type Random, randomOf } from '../support/random.ts';
import { useServers } from '../support/servers.ts';

const DAYS = 400;
const HOUR_MS = 3_600_000;
const VISITS = 120;
const ZONES = [
  ...['UTC', 'Europe/Berlin', 'America/New_York', 'Asia/Kolkata', 'Asia/Kathmandu'],
  ...['America/St_Johns', 'Pacific/Chatham'],
];
/** Noon of UTC is not midnight anywhere that is here. */
const NOW = Date.UTC(2027, 2, 1, 12);

/** 400 days before it is the day that it is there: on Chatham the day after. */
const firstDayOf = (zone: string) => (zone === 'Pacific/Chatham' ? '2026-01-26' : '2026-01-25');

const zones = loadZones();

describe('the retention of a project', function () {
  this.timeout(240_000);
  const servers = useServers();
  let nats: Nats;
  let admin: ClickHouseClient;
  let writer: ClickHouseClient;

  before(async () => {
    const environment = environmentOf(servers());
    const { code, stderr } = await sojourn(['migrate'], environment);
    expect(code, stderr).to.equal(0);
    const config = requireServers(loadConfig(environment), ['NATS_URL', 'CLICKHOUSE_URL']);
    nats = await connectNats(config, 'retention test', silentLog);
    admin = connectClickHouse(config, 'admin');
    writer = connectClickHouse(config, 'writer');
    // What is purged here is purged of every project, at a time to come: those of other files stay out of it.
    for (const { project, settings } of await listProjects(nats)) {
      if (settings.retentionDays !== undefined) await set(project, { retention: false });
    }
  });

  after(async () => {
    for (const zone of ZONES) await set(projectOf(zone), { retention: false });
    await Promise.all([admin.close(), writer.close(), nats.connection.close()]);
  });

  const projectOf = (zone: string) => `kept-${zone.toLowerCase().replace('/', '-')}`;
  const set = (project: string, change: Parameters<typeof setProject>[2]) =>
    setProject({ nats, tables: writer }, project, change);
  const limitOf = (zone: string, now = NOW) =>
    retentionLimit(DAYS, now, (at) => zones.startOfLocal(zone, 'day', at));
  const dayOf = (zone: string, at: number) =>
    new Date(at + zones.offsetAt(zone, at) * 1_000).toISOString().slice(0, 10);

  const insert = (table: string, values: readonly object[]) =>
    admin.insert({ table: `sojourn.${table}`, values, format: 'JSONEachRow' });

  interface Visit {
    readonly first: number;
    readonly last: number;
  }

  /** Visits around the limit, some of them across it, as the loader writes them. */
  async function visited(project: string, limit: number, random: Random): Promise<Visit[]> {
    const sums: Contributions = new Map();
    const rows: object[] = [];
    const visits = Array.from({ length: VISITS }, (_, n): Visit => {
      const state = emptySession();
      addAll(sums, applyEvents(state, eventsOf(random, limit, n)));
      const facts = factsOf(state, undefined);
      if (facts === undefined) throw new Error('a session has events');
      addAll(sums, sessionRows(facts));
      const session = { ...facts, status: 'ended', updatedAt: facts.lastEventAt } as const;
      const identity = `${facts.firstEventAt.toString(16).padStart(12, '0')}-${n}`;
      const record = aRollup({ project, sessionId: `s-${n}`, identity, session });
      rows.push({ ...sessionTableRow(record), catalogue: CATALOGUE_VERSION });
      return { first: facts.firstEventAt, last: facts.lastEventAt };
    });
    await insert('sessions', rows);
    await insert('metrics', metricTableRows(project, sums));
    return visits;
  }

  const text = async (query: string): Promise<string> => {
    const result = await admin.query({ query, format: 'JSONCompactEachRow' });
    return await result.text();
  };

  const VIEWS = [
    ...['overview_daily', 'channels_daily', 'devices_daily', 'entry_pages_daily', 'pages_daily'],
    ...['events_daily', 'revenue_daily'],
  ];

  /** All that is said of days from a day on, and of what ended in them. */
  async function keptNumbers(project: string, day: string, limit: number): Promise<string[]> {
    const where = (condition: string) =>
      `WHERE project = '${project}' AND ${condition} ORDER BY ALL`;
    const at = `toDateTime(${limit / 1_000})`;
    return Promise.all([
      ...VIEWS.map((view) => text(`SELECT * FROM sojourn.${view} ${where(`day >= '${day}'`)}`)),
      text(`SELECT * FROM sojourn.overview_hourly ${where(`hour >= ${at}`)}`),
      text(`SELECT * FROM sojourn.visits ${where(`last_day >= '${day}'`)}`),
      text(`SELECT * FROM sojourn.bounce_rate ${where(`hour >= ${at}`)}`),
    ]);
  }

  const drift = (project: string) =>
    text(`SELECT * FROM sojourn.drift WHERE project = '${project}'`);
  const compared = async (project: string) =>
    Number(
      (await text(`SELECT toInt32(count()) FROM sojourn.audit WHERE project = '${project}'`)).slice(
        1,
        -2,
      ),
    );

  async function purge(now = NOW): Promise<ReadonlyMap<string, Purged>> {
    const purged = await purgeProjects({ nats, admin }, now);
    return new Map(purged.map((one) => [one.project, one]));
  }

  it('takes what lies before a local day, and changes no number of the days from it on', async () => {
    const random = randomOf(20_270_301);
    const before = new Map<string, string[]>();
    const visits = new Map<string, Visit[]>();
    for (const zone of ZONES) {
      const project = projectOf(zone);
      await set(project, { timeZone: zone, retention: `${DAYS}d` });
      visits.set(zone, await visited(project, limitOf(zone), random));
      before.set(zone, await keptNumbers(project, dayOf(zone, limitOf(zone)), limitOf(zone)));
      expect(await drift(project), zone).to.equal('');
    }
    const forEver = 'kept-for-ever';
    await set(forEver, { timeZone: 'Asia/Kolkata' });
    await visited(forEver, limitOf('UTC'), random);
    const rowsForEver = await text(rowsOf(forEver));

    const purged = await purge();

    for (const zone of ZONES) {
      const project = projectOf(zone);
      const limit = limitOf(zone);
      const all = visits.get(zone) ?? [];
      const gone = all.filter(({ last }) => last < limit);
      const across = all.filter(({ first, last }) => first < limit && last >= limit);
      expect(across.length, 'visits across the limit').to.be.above(2);
      expect(dayOf(zone, limit), zone).to.equal(firstDayOf(zone));
      expect(purged.get(project), zone).to.include({
        keptFrom: new Date(limit).toISOString(),
        sessions: gone.length,
      });
      const left = await text(
        `SELECT toInt32(count()), toInt32(countIf(last_event_at < toDateTime(${limit / 1_000}))) FROM sojourn.sessions FINAL WHERE project = '${project}'`,
      );
      expect(left, zone).to.equal(`[${VISITS - gone.length}, 0]\n`);
      const oldest = await text(
        `SELECT toInt32(countIf(bucket + INTERVAL 1 HOUR <= toDateTime(${limit / 1_000}))) FROM sojourn.metrics WHERE project = '${project}' AND granularity IN ('hour', 'quarter_hour')`,
      );
      expect(oldest, zone).to.equal('[0]\n');
      const now = await keptNumbers(project, dayOf(zone, limit), limit);
      expect(now, zone).to.deep.equal(before.get(zone));
      expect(now[0], zone).not.to.equal('');
      expect(await drift(project), zone).to.equal('');
      expect(await compared(project), zone).to.be.above(20);
    }
    expect(await text(rowsOf(forEver))).to.equal(rowsForEver);
    expect(purged.has(forEver)).to.equal(false);
  });

  it('shows of the day before what belongs to visits that ended later, and nothing else', async () => {
    for (const zone of ZONES) {
      const limit = limitOf(zone);
      const old = await text(
        `SELECT toInt32(sum(sessions) - (SELECT count() FROM sojourn.sessions FINAL WHERE project = '${projectOf(zone)}' AND started_at < toDateTime(${limit / 1_000}))),
           toInt32(sum(sessions_by_last_event))
         FROM sojourn.overview_daily WHERE project = '${projectOf(zone)}' AND day < '${dayOf(zone, limit)}'`,
      );
      expect(old, zone).to.equal('[0, 0]\n');
    }
  });

  it('has nothing left to do when it is done again', async () => {
    for (const one of (await purge()).values()) {
      if (!one.project.startsWith('kept-')) continue;
      expect(one).to.include({ sessions: 0, metrics: 0 });
    }
  });

  it('never goes back, and keeps the audit silent where it was broken off after its first step', async () => {
    const zone = 'Asia/Kolkata';
    const project = projectOf(zone);
    // A day later; only the limit is noted.
    const later = limitOf(zone, NOW + 24 * HOUR_MS);
    await insert('kept_from', [{ project, kept_from: later / 1_000 }]);
    expect(await drift(project)).to.equal('');
    // Half of it: sessions are gone, metrics are there.
    await admin.command({
      query: `DELETE FROM sojourn.sessions WHERE project = '${project}' AND last_event_at < toDateTime(${later / 1_000})`,
    });
    expect(await drift(project)).to.equal('');

    const purged = (await purge()).get(project);
    expect(purged).to.include({ keptFrom: new Date(later).toISOString(), sessions: 0 });
    expect(purged?.metrics).to.be.above(0);
    expect(await drift(project)).to.equal('');
  });

  it('takes what comes in late for a time that is gone with the next run, and no audit minds it', async () => {
    const project = projectOf('UTC');
    const limit = limitOf('UTC');
    const kept = await keptNumbers(project, dayOf('UTC', limit), limit);
    const old = { project, bucket: limit / 1_000 - 48 * 3_600, dimension: '', dimension_value: '' };
    const hour = { ...old, metric_type: 'sessions', granularity: 'hour' };
    await insert('metrics', [{ ...hour, value: '-1', count: -1 }]);
    expect(await drift(project)).to.equal('');
    expect(await keptNumbers(project, dayOf('UTC', limit), limit)).to.deep.equal(kept);

    expect((await purge()).get(project)).to.include({ metrics: 1 });
    expect(await keptNumbers(project, dayOf('UTC', limit), limit)).to.deep.equal(kept);
  });

  /** All that is kept of a project, but for its name. */
  const allRowsOf = (project: string) =>
    Promise.all([
      text(
        `SELECT * EXCEPT (project, updated_at) FROM sojourn.sessions FINAL WHERE project = '${project}' ORDER BY ALL`,
      ),
      text(
        `SELECT metric_type, granularity, bucket, dimension, dimension_value, sum(metrics.value), sum(metrics.count) FROM sojourn.metrics WHERE project = '${project}' GROUP BY ALL ORDER BY ALL`,
      ),
      text(
        `SELECT day, dimension, kept_values FROM sojourn.full_dimensions FINAL WHERE project = '${project}' ORDER BY ALL`,
      ),
    ]);

  /** The same visits and notes for whatever project. */
  async function fill(project: string): Promise<void> {
    const limit = limitOf('Asia/Kathmandu');
    await set(project, { timeZone: 'Asia/Kathmandu' });
    await visited(project, limit, randomOf(36));
    await insert(
      'full_dimensions',
      [-2, 2].map((days) => ({
        project,
        day: new Date(limit + days * 24 * HOUR_MS).toISOString().slice(0, 10),
        ...{ dimension: 'campaign', values_max: 1, kept_values: ['one'] },
      })),
    );
  }

  it('leaves the same rows wherever it was killed and run again, and touches nothing else', async () => {
    await set('kept-whole', { timeZone: 'Asia/Kathmandu', retention: `${DAYS}d` });
    for (const project of ['kept-whole', 'kept-beside']) await fill(project);
    const beside = await allRowsOf('kept-beside');
    await set('kept-whole', { retention: `${DAYS}d` });
    await purge();
    const whole = await allRowsOf('kept-whole');
    expect(whole).not.to.deep.equal(beside);
    await set('kept-whole', { retention: false });

    let isKilled = true;
    for (let step = 1; isKilled; step += 1) {
      const project = `kept-killed-${step}`;
      await fill(project);
      await set(project, { retention: `${DAYS}d` });
      const killed = dyingAfter(admin, project, step);
      isKilled = await purgeProjects({ nats, admin: killed }, NOW).then(
        () => false,
        (error: unknown) => {
          expect(String(error)).to.contain('killed');
          return true;
        },
      );
      await purge();
      expect(await allRowsOf(project), `killed after step ${step}`).to.deep.equal(whole);
      expect(await drift(project)).to.equal('');
      await set(project, { retention: false });
      // Note, three tables, each asked before and after its deletion.
      if (!isKilled) expect(step).to.be.above(10);
    }
    expect(await allRowsOf('kept-beside')).to.deep.equal(beside);
  });

  it('goes by no limit that is still to come, as one with a wrong clock had noted it', async () => {
    const project = 'kept-wrong-clock';
    await set(project, { retention: `${DAYS}d` });
    const first = Date.UTC(2027, 1, 27);
    await visited(project, first, randomOf(9));
    const count = () => text(`SELECT count() FROM sojourn.sessions WHERE project = '${project}'`);
    const before = await count();
    await insert('kept_from', [{ project, kept_from: Date.UTC(2030, 0, 1) / 1_000 }]);
    const others = ['kept-after-wrong-clock', 'kept-before-wrong-clock'];
    for (const other of others) await set(other, { retention: `${DAYS}d` });

    const told: string[] = [];
    const onPurged = (purged: Purged) => told.push(purged.project);
    const failure = await purgeProjects({ nats, admin, onPurged }, NOW).catch(
      (error: unknown) => error,
    );

    for (const each of [project, ...others]) await set(each, { retention: false });
    expect(told).to.include.members(others);
    await admin.command({
      query: `ALTER TABLE sojourn.kept_from DELETE WHERE project = '${project}'`,
      clickhouse_settings: { mutations_sync: '1' },
    });
    expect(String(failure)).to.match(/kept-wrong-clock .* 2030-01-01.* still to come/);
    expect(await count()).to.equal(before);
  });

  it('takes dead letters that were kept before the limit, and those of no other project', async () => {
    const [project, other] = ['kept-letters', 'kept-letters-for-ever'];
    await set(project, { retention: '30d' });
    for (const one of [project, other]) await nats.js.publish(deadLetterSubject(one), '{');
    const letters = async () => {
      const { state } = await nats.jsm.streams.info(DEADLETTERS_STREAM, {
        subjects_filter: deadLetterSubject('>'),
      });
      return [project, other].map((one) => state.subjects?.[deadLetterSubject(one)] ?? 0);
    };

    const soon = await purge(Date.now());
    expect(soon.get(project)).to.include({ deadLetters: 0 });
    expect(await letters()).to.deep.equal([1, 1]);
    const later = await purge(Date.now() + 32 * 24 * HOUR_MS);
    expect(later.get(project)).to.include({ deadLetters: 1 });
    expect(await letters()).to.deep.equal([0, 1]);
    expect((await purge(Date.now() + 32 * 24 * HOUR_MS)).get(project)).to.include({
      deadLetters: 0,
    });

    await set(project, { retention: false });
    await nats.jsm.streams.purge(DEADLETTERS_STREAM, { filter: deadLetterSubject(other) });
  });

  it('says what it looks at, project by project', async () => {
    const projects = ['kept-steps-a', 'kept-steps-b'];
    for (const project of projects) await set(project, { retention: `${DAYS}d` });

    const steps: PurgeStep[] = [];
    await purgeProjects({ nats, admin, onStep: (step) => steps.push(step) }, NOW);

    for (const project of projects) await set(project, { retention: false });
    const own = steps.filter(({ project }) => projects.includes(project));
    expect(own.map(({ project, table }) => `${project} ${table}`)).to.deep.equal(
      projects.flatMap((project) =>
        ['sessions', 'metrics', 'full_dimensions'].map((table) => `${project} ${table}`),
      ),
    );
    const [first, last] = [steps[0], steps.at(-1)];
    expect(first?.nth).to.equal(1);
    expect(last?.nth).to.equal(last?.of);
    expect(steps).to.have.length(3 * (last?.of ?? 0));
  });

  it('is set, shown and done by the command line', async () => {
    const environment = environmentOf(servers());
    const run = async (...words: string[]) => {
      const { code, stdout, stderr } = await sojourn(['project', ...words, '--json'], environment);
      expect(code, stderr).to.equal(0);
      return JSON.parse(stdout) as Record<string, unknown>;
    };
    expect(await run('set', 'kept-cli', '--retention', '90d')).to.include({ retention: '90d' });
    const [row] = await select<{ days: number }>(
      admin,
      `SELECT retention_days AS days FROM sojourn.projects FINAL WHERE project = 'kept-cli'`,
    );
    expect(row?.days).to.equal(90);
    const purged = (await run('purge')) as unknown as Purged[];
    expect(purged.map(({ project }) => project)).to.include('kept-cli');
    expect(await run('set', 'kept-cli', '--no-retention')).to.include({ retention: null });
  });
});

/** A client whose process is gone once it has asked so often about a project: what it asked last is done all the same. */
function dyingAfter(client: ClickHouseClient, project: string, steps: number): ClickHouseClient {
  let left = steps;
  return new Proxy(client, {
    get(target, name) {
      const method: unknown = Reflect.get(target, name);
      if (typeof method !== 'function') return method;
      return async (...words: unknown[]): Promise<unknown> => {
        if (left === 0) throw new Error('killed');
        if (JSON.stringify(words).includes(`"${project}"`)) left -= 1;
        const done: unknown = await (method as (...all: unknown[]) => unknown).apply(target, words);
        if (left === 0) throw new Error('killed');
        return done;
      };
    },
  });
}

const rowsOf = (project: string) =>
  `SELECT toInt32(count()), toString(sum(value)), (SELECT toInt32(count()) FROM sojourn.sessions FINAL WHERE project = '${project}') FROM sojourn.metrics WHERE project = '${project}'`;

/** Within three days of the limit; every fourth visit goes on for hours. */
function eventsOf(random: Random, limit: number, n: number): VisitorEvent[] {
  const spread = n % 4 === 0 ? 2 * HOUR_MS : 72 * HOUR_MS;
  let at = limit + intBetween(random, -spread, spread);
  const step = n % 4 === 0 ? HOUR_MS : 60_000;
  return Array.from({ length: intBetween(random, 1, 6) }, (_, index): VisitorEvent => {
    if (index > 0) at += intBetween(random, 0, step);
    const type = pick(random, ['pageview', 'pageview', 'signup', 'purchase']);
    return {
      ...{ id: `e-${index}`, type, at, seq: index + 1, visitorId: `v-${n % 30}`, channel: 'Email' },
      deviceType: pick(random, ['mobile', 'desktop']),
      ...(type === 'pageview' && { path: pick(random, ['/', '/a']) }),
      ...(type === 'purchase' && { revenue: '19.99', currency: 'EUR' }),
    };
  });
}
