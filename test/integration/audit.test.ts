/** `sojourn audit` on real servers: silent on what the pipeline wrote, exact on what somebody changed. */
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { expect } from 'chai';
import fc from 'fast-check';
import { metricTableRows, sessionTableRow } from '../../activities/load-batch.ts';
import type { Audit } from '../../operations/audit-tables.ts';
import type { DriftRow } from '../../operations/settled-drift.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import { addAll, type Contributions } from '../../shared/contributions.ts';
import { applyEvents, emptySession, factsOf, sessionRows } from '../../shared/session.ts';
import { aRollup } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { sessionEvents } from '../support/generators.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';

const SETTLED_TRIES_MAX = 5;

describe('the audit', function () {
  this.timeout(400_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let admin: ClickHouseClient;

  before(async () => {
    pipeline = await startPipelineProcess(servers());
    around = await connectAround(servers());
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
      log: { level: ClickHouseLogLevel.OFF },
    });
  });

  after(async () => {
    await admin.close();
    await around.close();
    await pipeline.stop();
  });

  const insert = (table: string, values: object[]) =>
    admin.insert({ table: `sojourn.${table}`, values, format: 'JSONEachRow' });

  const audit = async (...words: string[]) => {
    const environment = environmentOf(servers());
    const { code, stdout, stderr } = await sojourn(['audit', ...words, '--json'], environment);
    return { code, stderr, finding: (stdout === '' ? {} : JSON.parse(stdout)) as Audit };
  };

  /** Where each look fell in between two inserts the audit itself says that it is not sure. */
  async function settledAudit(project: string): ReturnType<typeof audit> {
    for (let tries = 1; ; tries += 1) {
      const found = await audit('--project', project);
      if (found.finding.settled || tries === SETTLED_TRIES_MAX) return found;
    }
  }

  /** Visits of all kinds through the pipeline, loaded. */
  async function visited(project: string): Promise<void> {
    const visits = fc.sample(sessionEvents(10), { numRuns: 12, seed: 20_261_124 });
    for (const [n, events] of visits.entries()) {
      for (const {
        id: eventId,
        type: eventType,
        at,
        userId,
        seq: _seq,
        key: _key,
        ...rest
      } of events) {
        const timestamp = at + Date.UTC(2020, 0, 1);
        const event = { eventId, eventType, timestamp, sessionId: `s-${n}`, properties: rest };
        await around.publish(
          project,
          userId === undefined || userId === '' ? event : { ...event, userId },
        );
      }
    }
    await untilLoaded(environmentOf(servers()));
    await eventually(
      async () => {
        const [open] = await around.select<{ open: string }>(
          `SELECT toString(countIf(state = 'open')) AS open FROM sojourn.sessions_current WHERE project = '${project}'`,
        );
        expect(open?.open).to.equal('0');
      },
      { withinMs: 120_000 },
    );
  }

  it('finds nothing in what the pipeline wrote, and names exactly what was changed afterwards', async () => {
    const project = 'audited';
    await visited(project);

    const clean = await audit('--project', project);

    expect(clean.stderr).to.equal('');
    expect(clean.code).to.equal(0);
    expect(clean.finding).to.deep.include({ differing: 0, settled: true, rows: [] });
    expect(clean.finding.compared).to.be.above(20);

    // One row too many in `metrics`, and one session that says another thing than its metrics.
    const tampered = {
      project,
      metric_type: 'sessions',
      granularity: 'day',
      bucket: '2021-05-05 00:00:00',
      dimension: 'country',
      dimension_value: 'XX',
      value: '3',
      count: 3,
    };
    await insert('metrics', [tampered]);
    const [session] = await around.select<Record<string, string | number>>(
      `SELECT * FROM sojourn.sessions_current WHERE project = '${project}' AND page_views > 0 AND country != ''
       ORDER BY session_id LIMIT 1`,
    );
    if (session === undefined) throw new Error('no such session');
    const country = String(session['country']);
    const pages = Number(session['page_views']);
    await insert('sessions', [
      { ...session, page_views: pages + 2, version: Number(session['version']) + 1 },
    ]);

    const found = await audit('--project', project);

    expect(found.code).to.equal(1);
    expect(found.stderr).to.match(/^error: \d+ of \d+ rows differ between sessions and metrics\n$/);
    expect(found.finding.settled).to.equal(true);
    const lastHour = `${String(session['last_event_at']).slice(0, 13).replace(' ', 'T')}:00:00Z`;
    const splits = ['traffic_source', 'device_type', 'country', 'browser', 'os'].filter(
      (name) => session[name] !== '',
    );
    const inBrief = (row: DriftRow) =>
      [
        row.project,
        row.metricType,
        row.granularity,
        row.bucket,
        row.dimension,
        row.dimensionValue,
      ].join(' ');
    expect(found.finding.rows.map(inBrief)).to.have.members([
      `${project} sessions day 2021-05-05T00:00:00Z country XX`,
      `${project} pages_per_session hour ${lastHour}  `,
      ...(String(session['bot']) === 'true'
        ? [`${project} pages_per_session hour ${lastHour} audience bot`]
        : []),
      `${project} page_views total 1970-01-01T00:00:00Z  `,
      ...splits.map(
        (name) => `${project} page_views total 1970-01-01T00:00:00Z ${name} ${session[name]}`,
      ),
    ]);
    expect(found.finding.rows.find(({ dimensionValue }) => dimensionValue === 'XX')).to.include({
      inSessions: '0',
      inMetrics: '3',
      countInSessions: '0',
      countInMetrics: '3',
    });
    for (const row of found.finding.rows.filter(
      ({ dimensionValue }) => dimensionValue === country,
    )) {
      expect(Number(row.inSessions) - Number(row.inMetrics)).to.equal(2);
    }
    const table = await sojourn(['audit', '--project', project], environmentOf(servers()));
    expect(table.code).to.equal(1);
    expect(table.stdout).to.match(
      /^PROJECT +METRIC +GRANULARITY +BUCKET +SPLIT BY +VALUE +IN SESSIONS +IN METRICS$/m,
    );
    expect(table.stdout).to.match(/^audited +sessions +day +2021-05-05 00:00 +country +XX +0 +3$/m);

    // As docs/operating.md mends it: the opposite row, and the session as it was, newer.
    await insert('metrics', [{ ...tampered, value: '-3', count: -3 }]);
    await insert('sessions', [{ ...session, version: Number(session['version']) + 2 }]);

    expect(await audit('--project', project)).to.deep.include({ code: 0 });
  });

  it('is silent while sessions are being loaded, however often one asks', async function () {
    // Where nothing else is to be done it takes half a minute.
    this.timeout(600_000);
    const project = 'audited-live';
    const seconds = (n: number) => new Date(Date.UTC(2026, 4, 1) + n * 1_000).toISOString();
    const stop = new AbortController();
    const traffic = (async () => {
      for (let n = 0; !stop.signal.aborted; n += 1) {
        const event = {
          sessionId: `s-${n % 40}`,
          eventType: 'pageview',
          timestamp: seconds(n * 7),
        };
        await around.publish(project, {
          ...event,
          eventId: `e-${n}`,
          properties: { country: 'DE' },
        });
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    })();
    try {
      await eventually(
        async () => {
          expect((await audit('--project', project)).finding.compared).to.be.above(0);
        },
        { withinMs: 120_000 },
      );
      for (let round = 0; round < 4; round += 1) {
        const { code, finding } = await settledAudit(project);
        expect(finding.settled).to.equal(true);
        expect(finding.rows).to.deep.equal([]);
        expect(code).to.equal(0);
      }
    } finally {
      stop.abort();
      await traffic;
    }
  });

  it('says that there is nothing of a project that nobody has heard of', async () => {
    const { code, stderr, finding } = await audit('--project', 'nobody');

    expect({ code, compared: finding.compared }).to.deep.equal({ code: 1, compared: 0 });
    expect(stderr).to.equal('error: there is nothing of project nobody in ClickHouse\n');
  });

  it('works sessions out as the catalogue does, whatever they are, and leaves out no row', async () => {
    const project = 'audit-exact';
    const rows: Contributions = new Map();
    const visits = fc.sample(sessionEvents(10), { numRuns: 300, seed: 4 });
    const records = visits.map((events, n) => {
      const state = emptySession();
      addAll(rows, applyEvents(state, events));
      const newUser = n % 3 === 0 ? undefined : n % 3 === 1;
      const facts = factsOf(state, newUser);
      if (facts === undefined) throw new Error('no events');
      addAll(rows, sessionRows(facts));
      const session = {
        ...facts,
        status: 'ended',
        catalogue: CATALOGUE_VERSION,
        updatedAt: facts.lastEventAt,
      } as const;
      const ids = { project, sessionId: `s-${n}`, identity: `run-${n}` };
      return sessionTableRow(aRollup({ ...ids, writeNo: 2, session }));
    });
    // An older version of each that must not count.
    await insert(
      'sessions',
      records.map((row) => ({ ...row, version: 1, page_views: 77, country: 'ZZ' })),
    );
    await insert('sessions', records);
    await insert('metrics', metricTableRows(project, rows));

    const { code, finding } = await audit('--project', project);

    expect(finding.rows).to.deep.equal([]);
    expect(code).to.equal(0);
    expect(finding.compared).to.be.above(100);

    const [sums] = await around.select<Record<string, string>>(
      `SELECT toString(uniqExact(metric_type, granularity, dimension)) AS lines FROM sojourn.audit WHERE project = '${project}'`,
    );
    expect(sums).to.deep.equal({ lines: '46' });
    // Once more what is in metrics: every row but those of no value differs.
    await admin.command({
      query: `INSERT INTO sojourn.metrics SELECT * FROM sojourn.metrics WHERE project = '${project}'`,
    });

    const doubled = await audit('--project', project);

    expect(doubled.code).to.equal(1);
    const { differing, compared } = doubled.finding;
    expect(differing).to.equal(compared - (await rowsOfNothing(around, project)));
  });

  it('tells when NATS was put back to an older copy', async () => {
    const range = { partition: 99, range_from: 31, range_to: 32, records: 2 };
    await insert('loaded_ranges', [
      { ...range, log: '1700000000000' },
      { ...range, log: '1700000000000-1764325800123' },
    ]);
    try {
      const { finding } = await audit();

      expect(finding.putBack.filter(({ partition }) => partition === 99)).to.deep.equal([
        { partition: 99, writtenAnewSince: '2025-11-28T10:30:00.123Z' },
      ]);
    } finally {
      await admin.command({
        query: 'DELETE FROM sojourn.loaded_ranges WHERE partition = 99',
      });
    }
  });
});

/** Totals whose parts cancel out, such as revenue that was all given back. */
async function rowsOfNothing(around: Around, project: string): Promise<number> {
  const [row] = await around.select<{ rows: string }>(
    `SELECT toString(count()) AS rows FROM sojourn.audit
     WHERE project = '${project}' AND in_metrics = 0 AND count_in_metrics = 0`,
  );
  return Number(row?.rows);
}
