/** Sessions that began before an upgrade go by its definitions, on real servers and by the command line. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import type { Client } from '@temporalio/client';
import type { SessionInput } from '../../shared/actor.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import {
  restateWorkflowId,
  ROLLUP_PARTITIONS,
  SESSION_WORKFLOW,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../../shared/ids.ts';
import type { RestateView } from '../../shared/restate-job.ts';
import type { SessionView } from '../../shared/session-view.ts';
import {
  eventsSignal,
  pauseRestateUpdate,
  restateStateQuery,
  resumeRestateUpdate,
  stateQuery,
} from '../../workflows/messages.ts';
import { searchAttributePairs } from '../../workflows/search-attribute-pairs.ts';
import { asReference } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { type ReferenceEvent, referenceRows } from '../support/reference.ts';
import { useServers } from '../support/servers.ts';

const WITHIN = { withinMs: 120_000 };
const SETTINGS = {
  SESSION_IDLE_TIMEOUT: '5m',
  SESSION_CHECKPOINT: '300ms',
  LATE_GRACE: '1s',
};
const FROM = '2026-03-01';

type Outcome = RestateView & {
  readonly dryRun?: true;
  readonly rows: readonly Record<string, unknown>[];
};

describe('sessions that began by older definitions', function () {
  this.timeout(400_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let temporal: Awaited<ReturnType<typeof connectTemporalOf>>;
  let client: Client;

  before(async () => {
    pipeline = await startPipelineProcess(servers(), SETTINGS);
    around = await connectAround(servers());
    temporal = await connectTemporalOf(servers());
    ({ client } = temporal);
  });

  after(async () => {
    await temporal.connection.close();
    await around.close();
    await pipeline.stop();
  });

  /** As ingest has made it of what was published. */
  const event = (
    sessionId: string,
    n: number,
    type: string,
    more: Partial<VisitorEvent> = {},
  ): VisitorEvent => ({
    id: `${sessionId}-${n}`,
    type,
    at: Date.UTC(2026, 2, 3, 10, 14, n),
    seq: n,
    userId: `u-${sessionId}`,
    path: `/${n % 3}`,
    trafficSource: 'google',
    country: 'DE',
    deviceType: 'mobile',
    browser: 'Firefox',
    campaign: 'spring',
    ...more,
  });
  const visit = (sessionId: string): VisitorEvent[] => [
    event(sessionId, 1, 'pageview'),
    event(sessionId, 2, 'heartbeat'),
    event(sessionId, 3, 'purchase', { revenue: '12.5', currency: 'EUR', conversionType: 'shop' }),
    event(sessionId, 4, 'video'),
  ];
  const end = (sessionId: string, n: number) => event(sessionId, n, 'session_end');

  /** A session as an ingest of an earlier version began it. */
  async function begin(
    project: string,
    sessionId: string,
    events: readonly VisitorEvent[],
    catalogue = 1,
  ): Promise<void> {
    const input: SessionInput = {
      version: 2,
      rides: { catalogue },
      partitions: ROLLUP_PARTITIONS,
      ...{ project, sessionId },
      settings: {
        idleTimeoutMs: 300_000,
        checkpointMs: 300,
        lateGraceMs: 1_000,
        showsItsEnd: true,
      },
      batch: { events, ackFloor: 0, sentAt: Date.now() },
      visitorsSince: Date.now() - 3_600_000,
    };
    await client.workflow.start(SESSION_WORKFLOW, {
      workflowId: sessionWorkflowId(project, sessionId),
      taskQueue: TASK_QUEUE,
      args: [input],
      typedSearchAttributes: searchAttributePairs({ SojournProject: project }),
    });
  }

  const inWords = (project: string, sessionId: string, events: readonly VisitorEvent[]) =>
    events.map((one): ReferenceEvent => asReference(project, sessionId, one));

  const expectRows = (project: string, events: readonly ReferenceEvent[]) =>
    eventually(async () => {
      const got = [...(await around.rows(project))].sort();
      const want = [...referenceRows(events)].filter(([, a]) => a.value !== 0n || a.count !== 0);
      expect(got).to.deep.equal(want.sort());
    }, WITHIN);

  interface Row {
    readonly session_id: string;
    readonly catalogue: number;
    readonly state: string;
    readonly events: number;
    readonly page_views: number;
    readonly excluded: boolean;
  }
  const sessionsOf = (project: string) =>
    around.select<Row>(
      `SELECT session_id, catalogue, state, toUInt32(events) AS events, toUInt32(page_views) AS page_views, excluded
       FROM sojourn.sessions FINAL WHERE project = '${project}' ORDER BY session_id`,
    );
  const versionsOf = async (project: string) =>
    Object.fromEntries(
      (await sessionsOf(project)).map(({ session_id, catalogue }) => [session_id, catalogue]),
    );
  const untilVersions = (project: string, want: Readonly<Record<string, number>>) =>
    eventually(async () => {
      expect(await versionsOf(project)).to.deep.equal(want);
    }, WITHIN);
  const byDay = (project: string) =>
    around.select<{ catalogue: number; sessions: number; open_sessions: number }>(
      `SELECT catalogue, toUInt32(sessions) AS sessions, toUInt32(open_sessions) AS open_sessions
       FROM sojourn.definitions_daily WHERE project = '${project}' AND day = '2026-03-03' ORDER BY catalogue`,
    );
  const closed = (project: string, sessionId: string) =>
    eventually(async () => {
      const handle = client.workflow.getHandle(sessionWorkflowId(project, sessionId));
      expect((await handle.describe()).status.name).to.equal('COMPLETED');
    }, WITHIN);

  const run = (words: readonly string[]) => sojourn(words, environmentOf(servers()));
  const restate = async (project: string, ...more: readonly string[]) => {
    const words = ['restate', '--from', FROM, '--project', project, '--json', ...more];
    const { code, stdout, stderr } = await run(words);
    return { code, stderr, outcome: (stdout === '' ? {} : JSON.parse(stdout)) as Outcome };
  };
  const expectCleanAudit = async (project: string) => {
    const { code, stdout } = await run(['audit', '--project', project, '--json']);
    expect(code, stdout).to.equal(0);
  };

  it('go by the new ones once they are restated, open and closed, as if they had begun by them', async () => {
    const project = 'restate-both';
    const open = visit('open');
    const over = [...visit('over'), end('over', 5)];
    const news = [...visit('news'), event('news', 5, 'pageview', { dayTurned: 'true' })];
    await begin(project, 'open', open);
    await begin(project, 'over', over);
    await begin(project, 'news', news, CATALOGUE_VERSION);
    await untilVersions(project, { open: 1, over: 1, news: CATALOGUE_VERSION });
    await closed(project, 'over');
    expect((await sessionsOf(project)).find((row) => row.session_id === 'open')?.events).to.equal(
      4,
    );
    expect(await byDay(project)).to.deep.equal([
      { catalogue: 1, sessions: 2, open_sessions: 1 },
      { catalogue: CATALOGUE_VERSION, sessions: 1, open_sessions: 1 },
    ]);
    const all = [
      ...inWords(project, 'open', open),
      ...inWords(project, 'over', over),
      ...inWords(project, 'news', news),
    ];

    const dry = await restate(project, '--dry-run');
    expect(dry.code, dry.stderr).to.equal(0);
    expect(dry.outcome).to.include({ dryRun: true, restated: 2, already: 0, gone: 0 });
    const heartbeats = dry.outcome.rows.find((row) => row['dimensionValue'] === 'heartbeat');
    expect(heartbeats).to.include({ metricType: 'event_count', value: '-2', count: -2 });
    expect(await versionsOf(project)).to.include({ open: 1, over: 1 });

    const { code, stderr, outcome } = await restate(project);
    expect(code, stderr).to.equal(0);
    expect(outcome).to.include({ phase: 'done', restated: 2, refused: 0, failed: 0, gone: 0 });
    await expectRows(project, all);
    await untilVersions(project, {
      ...{ open: CATALOGUE_VERSION, over: CATALOGUE_VERSION, news: CATALOGUE_VERSION },
    });
    await closed(project, 'over');
    const [, row] = await sessionsOf(project);
    expect(row).to.include({ session_id: 'open', state: 'open', events: 3 });
    expect(await byDay(project)).to.deep.equal([
      { catalogue: CATALOGUE_VERSION, sessions: 3, open_sessions: 2 },
    ]);
    await expectCleanAudit(project);

    const again = await restate(project);
    expect(again.code, again.stderr).to.equal(0);
    expect(again.outcome).to.include({ known: 0, restated: 0, already: 0 });

    // What comes later is filed by the new ones.
    const { project: _, ...late } = {
      project,
      ...{ sessionId: 'open', eventId: 'open-9', eventType: 'heartbeat', timestamp: open[3]?.at },
    };
    await around.publish(project, late);
    await eventually(async () => {
      const view = await client.workflow
        .getHandle<() => Promise<SessionView>>(sessionWorkflowId(project, 'open'))
        .query<SessionView>(stateQuery.name);
      expect(view).to.include({ heartbeats: 2, catalogue: CATALOGUE_VERSION });
    }, WITHIN);
    await expectRows(project, all);
  });

  it('change only the version of one that is excluded, until it is included', async () => {
    const project = 'restate-excluded';
    const stays = visit('stays');
    const goes = visit('goes');
    await begin(project, 'stays', stays, CATALOGUE_VERSION);
    await begin(project, 'goes', goes);
    await untilVersions(project, { goes: 1, stays: CATALOGUE_VERSION });
    const turn = (word: 'exclude' | 'include') =>
      run(['session', word, 'goes', '--project', project, '--json']);
    expect(await turn('exclude')).to.include({ code: 0 });
    await expectRows(project, inWords(project, 'stays', stays));

    const { code, stderr, outcome } = await restate(project);
    expect(code, stderr).to.equal(0);
    expect(outcome).to.include({ restated: 1 });
    await untilVersions(project, { goes: CATALOGUE_VERSION, stays: CATALOGUE_VERSION });
    await expectRows(project, inWords(project, 'stays', stays));
    expect((await sessionsOf(project))[0]).to.include({ excluded: true, events: 3 });

    expect(await turn('include')).to.include({ code: 0 });
    await expectRows(project, [
      ...inWords(project, 'stays', stays),
      ...inWords(project, 'goes', goes),
    ]);
    await expectCleanAudit(project);
  });

  it('stay as they are where a history is gone, and it is told which and why', async () => {
    const project = 'restate-gone';
    const whole = [...visit('whole'), end('whole', 5)];
    const part = [...visit('part'), end('part', 5)];
    const lost = [...visit('lost'), end('lost', 5)];
    for (const [id, events] of Object.entries({ whole, part, lost })) {
      await begin(project, id, events);
      await closed(project, id);
    }
    await untilVersions(project, { lost: 1, part: 1, whole: 1 });
    const firstRun = async (id: string) =>
      (await client.workflow.getHandle(sessionWorkflowId(project, id)).describe()).runId;
    const [ofPart, ofLost] = [await firstRun('part'), await firstRun('lost')];
    const late = { sessionId: 'part', eventId: 'part-9', eventType: 'pageview' };
    await around.publish(project, { ...late, timestamp: Date.UTC(2026, 2, 3, 10, 14, 9) });
    await eventually(async () => {
      expect(await firstRun('part')).to.not.equal(ofPart);
    }, WITHIN);
    await closed(project, 'part');
    for (const [id, runId] of [
      ['part', ofPart],
      ['lost', ofLost],
    ] as const) {
      await client.workflowService.deleteWorkflowExecution({
        namespace: client.options.namespace,
        workflowExecution: { workflowId: sessionWorkflowId(project, id), runId },
      });
      await eventually(async () => {
        const handle = client.workflow.getHandle(sessionWorkflowId(project, id), runId);
        const found = await handle.describe().then(
          () => true,
          () => false,
        );
        expect(found).to.equal(false);
      }, WITHIN);
    }
    const before = await eventually(async () => {
      const row = (await sessionsOf(project)).find(({ session_id }) => session_id === 'part');
      expect(row).to.include({ page_views: 2 });
      return around.rows(project);
    }, WITHIN);

    const dry = await restate(project, '--dry-run');
    expect(dry.code).to.equal(1);
    expect(dry.outcome).to.include({ restated: 1, gone: 1 });
    const { code, stderr, outcome } = await restate(project);

    expect(code, stderr).to.equal(1);
    expect(outcome, JSON.stringify(outcome)).to.include({
      ...{ restated: 1, gone: 1, refused: 1, failed: 0 },
    });
    expect(outcome.troubles.map(({ sessionId }) => sessionId)).to.deep.equal(['part']);
    expect(outcome.troubles[0]?.reason).to.contain('LATE_WINDOW');
    await untilVersions(project, { lost: 1, part: 1, whole: CATALOGUE_VERSION });
    expect(await byDay(project)).to.deep.equal([
      { catalogue: 1, sessions: 2, open_sessions: 0 },
      { catalogue: CATALOGUE_VERSION, sessions: 1, open_sessions: 0 },
    ]);
    const excluded = await run(['session', 'exclude', 'part', '--project', project, '--json']);
    expect(excluded.code).to.equal(1);
    expect(excluded.stderr).to.contain('cannot be told exactly any more');
    await expectCleanAudit(project);
    // Of the two nothing has changed.
    const heartbeats = 'event_count|hour|2026-03-03T10:00:00.000Z|event_type|heartbeat';
    expect(before.get(heartbeats)?.count).to.equal(3);
    await eventually(async () => {
      expect((await around.rows(project)).get(heartbeats)?.count).to.equal(2);
    }, WITHIN);
  });

  it('go on where the worker was killed, many of them, and hold on while they are paused', async () => {
    const project = 'restate-many';
    const ids = Array.from({ length: 24 }, (_, n) => `s-${String(n).padStart(2, '0')}`);
    // One has more rows than a page, and than a record takes.
    const large = Array.from({ length: 1_900 }, (_, n) =>
      event('large', n, 'pageview', { path: `/page-${n}`, dayTurned: 'true' }),
    );
    for (const id of ids) await begin(project, id, visit(id));
    for (let at = 0; at < large.length; at += 475) {
      const batch = large.slice(at, at + 475);
      if (at === 0) await begin(project, 'large', batch);
      else {
        const handle = client.workflow.getHandle(sessionWorkflowId(project, 'large'));
        await handle.signal(eventsSignal, { events: batch, ackFloor: 0, sentAt: Date.now() });
      }
    }
    const versions = (version: number) =>
      Object.fromEntries(['large', ...ids].map((id) => [id, version]));
    await untilVersions(project, versions(1));
    await eventually(async () => {
      const row = (await sessionsOf(project)).find(({ session_id }) => session_id === 'large');
      expect(row).to.include({ page_views: 1_900 });
    }, WITHIN);

    const [by, reason] = ['anna@desk', 'new definitions'];
    const restating = restate(project, '--rate', '2', '--by', by, '--reason', reason);
    const plan = { from: Date.parse(FROM), catalogue: CATALOGUE_VERSION };
    const handle = client.workflow.getHandle(restateWorkflowId(project, plan));
    const until = (what: (view: RestateView) => boolean) =>
      eventually(async () => {
        const view = await handle.query(restateStateQuery);
        expect(what(view), JSON.stringify(view)).to.equal(true);
      }, WITHIN);
    await until(({ known }) => known === 25);
    expect((await handle.describe()).memo).to.deep.equal({ by, reason });
    // In the middle of the first twenty.
    await eventually(async () => {
      const restated = Object.values(await versionsOf(project)).filter((version) => version > 1);
      expect(restated.length).to.be.above(2);
    }, WITHIN);
    await pipeline.kill();
    expect(Object.values(await versionsOf(project))).to.include(1);
    pipeline = await startPipelineProcess(servers(), SETTINGS);
    await handle.executeUpdate(pauseRestateUpdate);
    // What is under way is done first: no more than a chunk.
    await until(({ restated, already }) => restated + already === 20);
    // Long enough for the last five, at two a second.
    await sleep(4_000);
    const { isPaused, phase, restated, already } = await handle.query(restateStateQuery);
    expect({ isPaused, phase }).to.deep.equal({ isPaused: true, phase: 'restating' });
    expect(restated + already).to.equal(20);
    await handle.executeUpdate(resumeRestateUpdate);

    const { code, stderr, outcome } = await restating;
    expect(code, stderr).to.equal(0);
    expect(outcome).to.include({ phase: 'done', refused: 0, failed: 0, gone: 0 });
    expect(outcome.restated + outcome.already).to.equal(25);
    await untilVersions(project, versions(CATALOGUE_VERSION));
    await expectRows(project, [
      ...ids.flatMap((id) => inWords(project, id, visit(id))),
      ...inWords(project, 'large', large),
    ]);
    await expectCleanAudit(project);
  });
});
