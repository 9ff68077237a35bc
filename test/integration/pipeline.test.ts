/** The main job on real servers: events in by NATS, exact rows out of ClickHouse. */
import { setTimeout as sleep } from 'node:timers/promises';
import proto from '@temporalio/proto';
import { expect } from 'chai';
import fc from 'fast-check';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { sessionWorkflowId } from '../../shared/ids.ts';
import type { SessionView } from '../../shared/session-view.ts';
import { endUpdate, stateQuery } from '../../workflows/messages.ts';
import {
  ACCESS_LOG,
  accessLogRows,
  expectedAccessLogRows,
  expectSame,
} from '../support/access-log.ts';
import { announcedOnce } from '../support/announced-once.ts';
import { eventually } from '../support/eventually.ts';
import type { History } from '../support/histories.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';

const SETTLED_MS = 60_000;

/** All that is published here: the servers have those of other files, too. */
const PROJECTS = [
  ...['access-log', 'any', 'idle', 'reopened', 'arrays', 'announced'],
  ...['operated', 'cancelled', 'apart'],
];

describe('the way of an event', () => {
  const servers = useServers();
  let around: Around;
  let temporal: { client: Client; close(): Promise<void> };

  before(async () => {
    around = await connectAround(servers());
    const { client, connection } = await connectTemporalOf(servers());
    temporal = { client, close: () => connection.close() };
  });

  after(async () => {
    await around.close();
    await temporal.close();
  });

  /** Call it in a `describe`: one stops before the other starts, since they take from the same consumer. */
  function usePipeline(settings: Readonly<Record<string, string>>): void {
    let pipeline: PipelineProcess | undefined;

    before('start a pipeline', async () => {
      pipeline = await startPipelineProcess(servers(), settings);
    });

    after('stop it', async () => {
      if (pipeline !== undefined) expect(await pipeline.stop()).to.equal(0);
    });
  }

  /** Waits until the project's metrics are those of the reference. */
  const expectRows = (project: string, events: readonly ReferenceEvent[]) =>
    eventually(
      async () => {
        expectSame(await around.rows(project), publishedRows(events));
      },
      { withinMs: SETTLED_MS },
    );

  const publishAll = async (events: readonly ReferenceEvent[]) => {
    for (const event of events) await around.publish(event.project, producerEvent(event));
  };

  describe('of sessions that end by themselves soon', () => {
    usePipeline(QUICK_SETTINGS);

    it('gives the rows of a real access log, and the same ones when it comes again', async function () {
      if (ACCESS_LOG === undefined) {
        process.stdout.write(
          '      (skipped: the data of the founders is not beside this checkout)\n',
        );
        this.skip();
      }
      this.timeout(600_000);
      const file = ACCESS_LOG;
      const environment = environmentOf(servers());
      const publish = async () => {
        const published = await sojourn(['publish', file, '--project', 'access-log'], environment);
        expect(published.code, published.stderr).to.equal(0);
        await untilLoaded(environment);
      };

      await publish();
      expectSame(await accessLogRows(around, 'access-log'), expectedAccessLogRows());

      await publish();
      expectSame(await accessLogRows(around, 'access-log'), expectedAccessLogRows());
    });

    it('gives the rows of the reference for any events, shuffled and doubled', async () => {
      const events = fc.sample(arbitraryEvents('any'), { numRuns: 1, seed: 20_261_124 })[0] ?? [];

      await publishAll(shuffledAndDoubled(events));

      await expectRows('any', events);
    });

    it('ends a session by idleness, and writes exactly the difference when a late event comes', async () => {
      const first = anEvent({
        project: 'idle',
        sessionId: 'late-1',
        eventId: 'e1',
        timestamp: '2026-03-01T10:59:58.000Z',
        properties: { path: '/a', country: 'DE' },
      });
      const late = anEvent({
        project: 'idle',
        sessionId: 'late-1',
        eventId: 'e2',
        timestamp: '2026-03-01T11:00:30.500Z',
        properties: { path: '/b' },
      });
      await publishAll([first]);
      await eventually(
        async () => {
          expect(await endReasonOf(around, 'idle', 'late-1')).to.equal('idle');
        },
        { withinMs: SETTLED_MS },
      );
      const before = await around.rows('idle');
      expectSame(before, publishedRows([first]));

      await publishAll([late]);

      await expectRows('idle', [first, late]);
      await eventually(
        async () => {
          const sessions = await around.select<{ page_views: number; first_runs: number }>(
            "SELECT sum(page_views) AS page_views, uniqExact(first_run_id) AS first_runs FROM sojourn.sessions_current WHERE project = 'idle'",
          );
          expect(sessions[0]).to.deep.equal({ page_views: 2, first_runs: 1 });
        },
        { withinMs: SETTLED_MS },
      );
    });
  });

  describe('of sessions that stay open', () => {
    // Longer than a busy machine takes to come to a session that is to be open.
    usePipeline({ ...QUICK_SETTINGS, SESSION_IDLE_TIMEOUT: '10m' });

    it('reopens an ended session for a late event, once for two of them at the same time', async () => {
      const base = { project: 'reopened', sessionId: 's', timestamp: '2026-03-02T10:00:00Z' };
      const ended = [
        anEvent({ ...base, eventId: 'a', properties: { path: '/' } }),
        anEvent({
          ...base,
          eventId: 'b',
          eventType: 'session_end',
          timestamp: '2026-03-02T10:00:05Z',
        }),
      ];
      const late = [
        anEvent({
          ...base,
          eventId: 'c',
          properties: { path: '/late' },
          timestamp: '2026-03-02T09:59:00Z',
        }),
        anEvent({
          ...base,
          eventId: 'd',
          eventType: 'purchase',
          properties: { revenue: '-3.50', currency: 'EUR' },
        }),
      ];
      await publishAll(ended);
      await expectRows('reopened', ended);

      await Promise.all(late.map((event) => publishAll([event])));

      await expectRows('reopened', [...ended, ...late]);
    });

    it('takes arrays, ids from headers and from the stream, and counts an id once', async () => {
      const at = '2026-03-03T10:00:00Z';
      const view = (path: string) => ({
        eventType: 'page_view',
        sessionId: 'x',
        timestamp: at,
        properties: { path },
      });
      await around.publish('arrays', [view('/1'), view('/2'), { ...view('/3'), eventId: 'three' }]);
      await around.publish('arrays', { ...view('/3'), eventId: 'three' });
      await around.publish('arrays', view('/4'), { 'Nats-Msg-Id': 'four' });
      await around.publish('arrays', { ...view('/4'), eventId: 'four' });

      await eventually(
        async () => {
          const rows = await around.rows('arrays');
          expect(rows.get('page_views|hour|2026-03-03T10:00:00.000Z||')?.count).to.equal(4);
        },
        { withinMs: SETTLED_MS },
      );
    });

    it('announces what was added, after it can be queried', async () => {
      const subscription = around.nc.subscribe('metrics.updated.announced');
      const sums = new Map<string, number>();
      const listening = (async () => {
        for await (const message of announcedOnce(subscription)) {
          const update = message.json<Update>();
          expect(update.type).to.equal('metrics_updated');
          expect(update.project).to.equal('announced');
          for (const {
            metricType,
            granularity,
            bucket,
            dimension,
            dimensionValue,
            value,
          } of update.metrics) {
            expect(granularity).to.equal('hour');
            const key = [metricType, granularity, bucket, dimension, dimensionValue].join('|');
            sums.set(key, (sums.get(key) ?? 0) + value);
          }
        }
      })();
      const events = [
        anEvent({
          project: 'announced',
          sessionId: 'n',
          eventId: '1',
          timestamp: '2026-03-04T08:00:00Z',
          properties: { path: '/p' },
        }),
        anEvent({
          project: 'announced',
          sessionId: 'n',
          eventId: '2',
          eventType: 'purchase',
          timestamp: '2026-03-04T08:00:20Z',
          properties: { revenue: 12.345678901, currency: 'EUR' },
        }),
        anEvent({
          project: 'announced',
          sessionId: 'n',
          eventId: '3',
          eventType: 'session_end',
          timestamp: '2026-03-04T08:01:00Z',
        }),
      ];

      await publishAll(events);

      await expectRows('announced', events);
      const hourly = [...publishedRows(events)].filter(([key]) => key.split('|')[1] === 'hour');
      await eventually(
        () => {
          const want = hourly.map(([key, { value }]) => [key, Number(value) / 1e9] as const);
          const nonZero = [...sums].filter(([, value]) => value !== 0);
          const byKey = (a: readonly [string, number], b: readonly [string, number]) =>
            a[0] < b[0] ? -1 : 1;
          expect(nonZero.sort(byKey)).to.deep.equal(want.filter(([, v]) => v !== 0).sort(byKey));
        },
        { withinMs: SETTLED_MS },
      );
      subscription.unsubscribe();
      await listening;
    });

    it('lets an operator look into a session and end it', async () => {
      await publishAll([
        anEvent({
          project: 'operated',
          sessionId: 'o 1/x',
          eventId: '1',
          userId: 'ada',
          timestamp: '2026-03-05T08:00:00Z',
          properties: {
            path: '/p',
            trafficSource: 'newsletter',
            country: 'NL',
            deviceType: 'mobile',
          },
        }),
      ]);
      const id = sessionWorkflowId('operated', 'o 1/x');
      const handle = temporal.client.workflow.getHandle(id);
      const view = await eventually(() => handle.query(stateQuery), { withinMs: SETTLED_MS });
      expect(view).to.include({ status: 'open', pageViews: 1, engaged: false, bounced: true });

      expect(await detailsOf(handle))
        .to.match(/^\*\*open\*\* · NL · mobile · newsletter · 1 page · not engaged\n/)
        .and.include('| Source | newsletter |');
      // The first query that the UI offers is the one for people.
      const { queryDefinitions } = (await metadataOf(handle)).definition;
      const offered = queryDefinitions
        .map(({ name }) => name)
        .filter((name) => !name.startsWith('__'));
      expect(offered).to.deep.equal(['state']);

      const ended = await handle.executeUpdate<SessionView, []>(endUpdate.name);

      expect(await detailsOf(handle)).to.include('**ended** (operator)');
      expect(ended).to.include({ status: 'ended', endReason: 'operator' });
      const description = await handle.describe();
      expect(description.status.name).to.equal('COMPLETED');
      const found = temporal.client.workflow.list({
        query:
          "SojournProject = 'operated' AND SojournUser = 'ada' AND SojournTrafficSource = 'newsletter' AND SojournCountry = 'NL' AND SojournDevice = 'mobile' AND SojournEngaged = false",
      });
      await eventually(
        async () => {
          const ids: string[] = [];
          for await (const { workflowId } of found) ids.push(workflowId);
          expect(ids).to.deep.equal([id]);
        },
        { withinMs: SETTLED_MS },
      );
      await eventually(
        async () => {
          expect(await endReasonOf(around, 'operated', 'o 1/x')).to.equal('operator');
        },
        { withinMs: SETTLED_MS },
      );
    });

    it('loses nothing when somebody cancels a session in the UI', async () => {
      const events = [1, 2, 3].map((n) =>
        anEvent({
          project: 'cancelled',
          sessionId: 'c',
          eventId: String(n),
          timestamp: `2026-03-06T08:00:0${n}Z`,
        }),
      );
      await publishAll(events);
      const handle = temporal.client.workflow.getHandle(sessionWorkflowId('cancelled', 'c'));
      await eventually(() => handle.query(stateQuery), { withinMs: SETTLED_MS });

      await handle.cancel();

      await expectRows('cancelled', events);
      await eventually(
        async () => {
          expect(await endReasonOf(around, 'cancelled', 'c')).to.equal('operator');
        },
        { withinMs: SETTLED_MS },
      );
    });

    it('asks of the engine one signal and one task for an event that comes by itself, and nothing else', async () => {
      const events = [0, 1, 2, 3, 4].map((n) =>
        anEvent({
          project: 'apart',
          sessionId: 'five',
          eventId: String(n),
          eventType: n === 4 ? 'session_end' : 'pageview',
          timestamp: `2026-03-07T08:00:${n}0Z`,
          properties: { path: `/${n}` },
        }),
      );

      const handle = temporal.client.workflow.getHandle(sessionWorkflowId('apart', 'five'));
      const wakes = async () => wakesOf(await handle.fetchHistory());
      for (const [n, event] of events.entries()) {
        await publishAll([event]);
        // It writes once a second here.
        await sleep(2_000);
        await eventually(
          async () => {
            expect((await wakes()).flat().filter((by) => by !== 'TIMER_FIRED')).to.have.length(
              n + 1,
            );
          },
          { withinMs: SETTLED_MS },
        );
      }

      await expectRows('apart', events);
      await handle.result();
      const by = await wakes();
      const eventsBy = by.map((each) => each.filter((type) => type !== 'TIMER_FIRED').length);
      const fired = by.flat().length - events.length;
      const {
        TIMER_STARTED: started,
        TIMER_FIRED,
        ...counts
      } = countsByType(await handle.fetchHistory());
      // No task but for an event or for the clock of its idleness, which is long here: where it rings, it is set anew.
      expect(Math.min(...by.map((each) => each.length))).to.be.above(0);
      expect(Math.max(...eventsBy)).to.equal(1);
      expect(TIMER_FIRED ?? 0).to.equal(fired);
      // At its end none is set anew.
      expect(started).to.equal(by.at(-1)?.includes('TIMER_FIRED') === true ? fired : fired + 1);
      expect(counts).to.deep.equal({
        WORKFLOW_EXECUTION_STARTED: 1,
        WORKFLOW_EXECUTION_SIGNALED: 4,
        WORKFLOW_TASK_SCHEDULED: by.length,
        WORKFLOW_TASK_STARTED: by.length,
        WORKFLOW_TASK_COMPLETED: by.length,
        UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: 1,
        WORKFLOW_EXECUTION_COMPLETED: 1,
      });
    });

    it('answers every view with its columns described', async () => {
      const views = await around.select<{ name: string; comment: string }>(
        "SELECT name, comment FROM system.tables WHERE database = 'sojourn'",
      );
      expect(views.map(({ name }) => name)).to.include.members([
        'metrics',
        'sessions',
        'sessions_current',
        'bounce_rate',
        'engagement_rate',
        'average_session_duration',
        'pages_per_session',
        'conversion_rate',
        'unique_users',
        'visitors_now',
        'metrics_daily',
        'metrics_weekly',
        'metrics_monthly',
      ]);
      expect(views.filter(({ comment }) => comment === '')).to.deep.equal([]);
      const columns = await around.select<{
        table: string;
        name: string;
        type: string;
        comment: string;
      }>(
        `SELECT table, name, type, comment FROM system.columns
       WHERE database = 'sojourn' AND table IN (SELECT name FROM system.tables WHERE database = 'sojourn' AND engine = 'View')`,
      );
      expect(new Set(columns.map(({ table }) => table)).size).to.be.above(40);
      expect(columns.filter(({ comment }) => comment === '')).to.deep.equal([]);
      // Differences of UInt64 wrap below 0 in pandas and polars, and are an error in DuckDB.
      expect(columns.filter(({ type }) => type.includes('UInt64'))).to.deep.equal([]);
      // Arrow writes a DateTime as a number; a day is a Date. What other views are made of keeps the type of the tables.
      const typesOf = (name: string) => [
        ...new Set(
          columns
            .filter((column) => column.name === name && !MADE_OF.includes(column.table))
            .map(({ type }) => type),
        ),
      ];
      expect(typesOf('hour')).to.deep.equal(["DateTime64(0, 'UTC')"]);
      for (const name of ['day', 'week', 'month']) expect(typesOf(name)).to.deep.equal(['Date']);
      // Comparing with an empty text is what analysts do all day, and what engines optimise wrongly.
      const texts = await around.select<{ table: string; name: string; comment: string }>(
        `SELECT table, name, comment FROM system.columns
       WHERE database = 'sojourn' AND type IN ('String', 'LowCardinality(String)')`,
      );
      expect(texts.filter(({ comment }) => comment === '')).to.deep.equal([]);
      for (const { table, name } of texts) {
        await around.select(`SELECT count() FROM sojourn.${table} WHERE ${name} = ''`);
      }
      const ofOurs = `project IN (${PROJECTS.map((project) => `'${project}'`).join(', ')})`;
      const daily = await around.select<{ same: number }>(
        `SELECT (SELECT sum(value) FROM sojourn.metrics WHERE ${ofOurs} AND metric_type = 'page_views' AND granularity = 'hour' AND dimension = '')
        = (SELECT sum(value) FROM sojourn.metrics_daily WHERE ${ofOurs} AND metric_type = 'page_views' AND dimension = '') AS same`,
      );
      expect(daily[0]?.same).to.equal(1);
    });
  });
});

/** Views that only other views are for (docs/bi.md). */
const MADE_OF: readonly string[] = ['session_hours', 'event_hours', 'overview_hour_parts'];

interface Update {
  readonly type: string;
  readonly project: string;
  readonly metrics: readonly {
    readonly metricType: string;
    readonly granularity: string;
    readonly bucket: string;
    readonly dimension: string;
    readonly dimensionValue: string;
    readonly value: number;
    readonly count: number;
  }[];
}

function anEvent(fields: Partial<ReferenceEvent>): ReferenceEvent {
  return {
    project: 'p',
    sessionId: 's',
    eventId: '1',
    eventType: 'pageview',
    timestamp: '2026-03-01T10:00:00Z',
    ...fields,
  };
}

function producerEvent({ project: _project, ...event }: ReferenceEvent): object {
  return event;
}

function arbitraryEvents(project: string): fc.Arbitrary<ReferenceEvent[]> {
  const optional = (...values: string[]) =>
    fc.option(fc.constantFrom(...values), { nil: null, freq: 3 });
  const event = fc.record({
    project: fc.constant(project),
    sessionId: fc.constantFrom('s1', 's2', 'Ünicode ☃', 's/4'),
    eventId: fc.uuid(),
    eventType: fc.constantFrom(
      'pageview',
      'pageView',
      'page_view',
      'purchase',
      'conversion',
      'click',
      'session_start',
    ),
    timestamp: fc
      .integer({ min: 0, max: 40 * 60_000 })
      .map((ms) => Date.UTC(2026, 1, 28, 23, 40) + ms),
    userId: optional('u1', 'u2'),
    properties: fc.record({
      path: optional('/', '/a', '/b?x=1\t2'),
      trafficSource: optional('google', 'direct'),
      deviceType: optional('mobile', 'desktop'),
      country: optional('DE', 'FR'),
      browser: optional('firefox'),
      os: optional('linux'),
      revenue: optional('0.1', '-0.1', '19.99', '123456789012345678.123456789', '0'),
      currency: optional('EUR', 'USD'),
      conversionType: optional('signup'),
    }),
  });
  return fc.uniqueArray(event, {
    minLength: 80,
    maxLength: 80,
    selector: ({ eventId }) => eventId,
  });
}

function shuffledAndDoubled(events: readonly ReferenceEvent[]): ReferenceEvent[] {
  const all = [...events, ...events.filter((_, index) => index % 2 === 0)];
  return (
    fc.sample(fc.shuffledSubarray(all, { minLength: all.length }), { numRuns: 1, seed: 7 })[0] ?? []
  );
}

async function endReasonOf(around: Around, project: string, sessionId: string): Promise<string> {
  const rows = await around.select<{ end_reason: string }>(
    `SELECT end_reason FROM sojourn.sessions_current WHERE project = '${project}' AND session_id = '${sessionId}'`,
  );
  expect(rows).to.have.length(1);
  return rows[0]?.end_reason ?? '';
}

/** How many events of each type a history has, by the type's name without its common beginning. */
function countsByType(history: History): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const name of typesOf(history)) counts[name] = (counts[name] ?? 0) + 1;
  return counts;
}

/** What each workflow task that is done was there for: a start, signals, and timers that rang. */
function wakesOf(history: History): string[][] {
  const wakes: string[][] = [];
  let waiting: string[] = [];
  for (const name of typesOf(history)) {
    if (WAKING.includes(name)) waiting.push(name);
    if (name !== 'WORKFLOW_TASK_COMPLETED') continue;
    wakes.push(waiting);
    waiting = [];
  }
  return wakes;
}

const WAKING: readonly string[] = [
  'WORKFLOW_EXECUTION_STARTED',
  'WORKFLOW_EXECUTION_SIGNALED',
  'TIMER_FIRED',
];

function typesOf({ events }: History): string[] {
  return (events ?? []).map(
    ({ eventType }) =>
      proto.temporal.api.enums.v1.EventType[eventType ?? 0]?.replace('EVENT_TYPE_', '') ?? '',
  );
}

/** What the Temporal UI shows of a session, open or closed. */
async function detailsOf(handle: WorkflowHandle): Promise<string> {
  return (await metadataOf(handle)).currentDetails;
}

interface WorkflowMetadata {
  readonly currentDetails: string;
  readonly definition: { readonly queryDefinitions: readonly { readonly name: string }[] };
}

function metadataOf(handle: WorkflowHandle): Promise<WorkflowMetadata> {
  return handle.query<WorkflowMetadata>('__temporal_workflow_metadata');
}
