/** Sessions that operators have broken: they lose nothing, count nothing twice, and hold up nobody. */
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import type { DeadLetterEntry } from '../../operations/dead-letter-stream.ts';
import { firstOf } from '../../platform/payloads.ts';
import { eventsOf, isBatch } from '../../shared/batch.ts';
import { ROLLUPS_STREAM, rollupSubject, sessionWorkflowId } from '../../shared/ids.ts';
import { FAILING_SESSION_HELD_MAX } from '../../shared/limits.ts';
import { decodeRollup, entryOf } from '../../shared/rollup.ts';
import { inLines } from '../support/builders.ts';
import { GIVEN_UP_MS } from '../../workers/ingest/stuck-sessions.ts';
import { eventually } from '../support/eventually.ts';
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
import { TEST_NAMESPACE, useServers } from '../support/servers.ts';

/** No session ends by itself: tests terminate, delete and ask open ones, however long they take to come to it. */
const SETTINGS = { ...QUICK_SETTINGS, SESSION_IDLE_TIMEOUT: '10m', SESSION_STUCK_AFTER: '2s' };
const WITHIN = { withinMs: 90_000 };
/** CONTRACT: others see their rows within seconds meanwhile. A busy machine takes more, but not the minutes a stuck one is waited for. */
const OTHERS_WITHIN = { withinMs: 60_000 };
/** Many at once are more than a busy machine acknowledges in time. */
const PUBLISHED_AT_ONCE = 200;

describe('a broken session', function () {
  this.timeout(360_000);
  const servers = useServers();
  let around: Around;
  let client: Client;
  let pipeline: PipelineProcess | undefined;
  const ingests: PipelineProcess[] = [];
  let disconnect: () => Promise<void>;

  before(async () => {
    around = await connectAround(servers());
    const temporal = await connectTemporalOf(servers());
    ({ client } = temporal);
    disconnect = () => temporal.connection.close();
    const { code, stderr } = await sojourn(['migrate'], environmentOf(servers()));
    expect(code, stderr).to.equal(0);
  });

  // One that a failed test left would take events from the tests after it.
  afterEach(async () => {
    for (const ingest of ingests.splice(0)) await ingest.stop();
  });

  after(async () => {
    await pipeline?.stop();
    await around.close();
    await disconnect();
  });

  const event = (project: string, n: number, eventType = 'pageview'): ReferenceEvent => ({
    project,
    sessionId: 's',
    eventId: `e${n}`,
    eventType,
    timestamp: Date.UTC(2026, 3, 1, 12, 0, n),
    properties: { path: `/${n}` },
  });
  const publish = async (...events: readonly ReferenceEvent[]) => {
    for (const { project, ...rest } of events) await around.publish(project, rest);
  };
  const handleOf = (project: string) => client.workflow.getHandle(sessionWorkflowId(project, 's'));
  const expectRows = (events: readonly ReferenceEvent[], within = WITHIN) =>
    eventually(async () => {
      const rows = await around.rows(events[0]?.project ?? '');
      expect(inLines(rows)).to.equal(inLines(publishedRows(events)));
    }, within);
  /** Somebody else's event, published now, is in ClickHouse soon. */
  async function expectOthersToGoOn(project: string): Promise<void> {
    const other = event(`${project}-beside`, 1);
    await publish(other);
    await expectRows([other], OTHERS_WITHIN);
  }
  /** Takes events, and has no worker. */
  async function startIngest(): Promise<PipelineProcess> {
    const ingest = await startPipelineProcess(servers(), SETTINGS, ['ingest']);
    ingests.push(ingest);
    return ingest;
  }
  const settled = () => untilLoaded(environmentOf(servers()));

  it('that was terminated before its first task was done goes on from its history', async () => {
    const project = 'terminated-early';
    const events = [1, 2, 3, 4].map((n) => event(project, n, n === 4 ? 'session_end' : undefined));
    // No worker yet, so nobody does its first task.
    const ingest = await startIngest();
    await publish(...events.slice(0, 1));
    await eventually(() => handleOf(project).describe(), WITHIN);
    await publish(...events.slice(1, 2));
    await eventually(async () => {
      const { events: told } = await handleOf(project).fetchHistory();
      expect(told?.some((e) => e.workflowExecutionSignaledEventAttributes)).to.equal(true);
    }, WITHIN);
    await handleOf(project).terminate();
    await ingest.stop();

    pipeline = await startPipelineProcess(servers(), SETTINGS);
    await publish(...events.slice(2));

    await expectRows(events);
  });

  it('that was terminated with events no task of it took goes on with what it had written', async () => {
    const project = 'terminated-behind';
    const events = [1, 2, 3, 4, 5].map((n) =>
      event(project, n, n === 5 ? 'session_end' : undefined),
    );
    await publish(...events.slice(0, 1));
    await expectRows(events.slice(0, 1));
    await publish(...events.slice(1, 2));
    await expectRows(events.slice(0, 2));
    // It is told more, and nobody does the task.
    await pipeline?.stop();
    const ingest = await startIngest();
    await publish(...events.slice(2, 4));
    await eventually(async () => {
      const { events: told } = await handleOf(project).fetchHistory();
      const batches = told?.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) => {
        const batch = firstOf(signal?.input);
        return isBatch(batch) ? eventsOf(batch) : [];
      });
      expect(batches).to.have.length(3);
    }, WITHIN);
    await handleOf(project).terminate();
    await ingest.stop();

    pipeline = await startPipelineProcess(servers(), SETTINGS);
    await publish(...events.slice(4));

    await expectRows(events);
  });

  it('finds another record in the log than it would write, takes it over, and makes up for it', async () => {
    const project = 'written-before';
    const events = [1, 2, 3].map((n) => event(project, n, n === 3 ? 'session_end' : undefined));
    await publish(...events.slice(0, 1));
    await expectRows(events.slice(0, 1));
    const { runId } = await handleOf(project).describe();
    const first = (await around.js.jetstreamManager()).streams;
    const stored = await first.getMessage(ROLLUPS_STREAM, {
      last_by_subj: rollupSubject(0, runId, 1),
    });
    const record = decodeRollup(stored?.string() ?? '');
    // As an attempt at its next task left it that was lost, and knew of no further event.
    const { subject, data } = entryOf({ ...record, writeNo: 2, rows: [] });
    await around.js.publish(subject, data);

    await publish(...events.slice(1));

    await expectRows(events);
    const { events: told } = await handleOf(project).fetchHistory();
    const signals = told?.map((e) => e.workflowExecutionSignaledEventAttributes?.signalName);
    expect(signals).to.include('askLog');
  });

  it('that is told to ask the log, whoever says so, counts right', async () => {
    const project = 'asks';
    const events = [1, 2, 3].map((n) => event(project, n, n === 3 ? 'session_end' : undefined));
    await publish(...events.slice(0, 1));
    await expectRows(events.slice(0, 1));

    for (const question of [null, 'x', {}, { writeNo: 'x' }, { writeNo: 2 }, { writeNo: 1e300 }]) {
      await handleOf(project).signal('askLog', question);
    }
    await publish(...events.slice(1));

    await expectRows(events);
  });

  it('that was signalled with what is no batch ignores it', async () => {
    const project = 'stray-signals';
    await publish(event(project, 1));
    await expectRows([event(project, 1)]);

    for (const oops of [{ oops: 1 }, null, 'x', { events: [{}], ackFloor: 0 }]) {
      await handleOf(project).signal('events', oops);
    }
    await handleOf(project).signal('nobody-knows-this', 1);
    await publish(event(project, 2), event(project, 3, 'session_end'));

    await expectOthersToGoOn(project);
    await expectRows([1, 2].map((n) => event(project, n)).concat(event(project, 3, 'session_end')));
    await eventually(async () => {
      expect((await handleOf(project).describe()).status.name).to.equal('COMPLETED');
    }, WITHIN);
    expect(pipeline?.log()).to.contain('holds no events was ignored');
  });

  it('that takes nothing becomes dead letters, which count once when they are replayed', async () => {
    const project = 'takes-nothing';
    const events = [1, 2, 3].map((n) => event(project, n, n === 3 ? 'session_end' : undefined));
    // Its id belongs to a run that is no session's, and says so to nobody.
    const stranger = await client.workflow.start('stranger', {
      workflowId: sessionWorkflowId(project, 's'),
      taskQueue: 'nowhere',
    });
    await stranger.terminate();

    const [one, two, three] = events.map(({ project: _project, ...rest }) => rest);
    await around.publish(project, one);
    await around.publish(project, `[${JSON.stringify(two)}, ${JSON.stringify(three)}]`);
    await expectOthersToGoOn(project);

    const letters = await lettersOf(project, 3);
    expect(letters.map(({ payload }) => payload)).to.have.members(
      [one, two, three].map((e) => JSON.stringify(e)),
    );
    expect(letters[0]?.reason).to.match(/^the session did not take this event for \d+ s \(.+\)/);

    const execution = { workflowId: stranger.workflowId, runId: stranger.firstExecutionRunId };
    await client.workflowService.deleteWorkflowExecution({
      namespace: TEST_NAMESPACE,
      workflowExecution: execution,
    });
    await eventually(
      () =>
        stranger.describe().then(
          () => expect.fail('still there'),
          () => undefined,
        ),
      WITHIN,
    );
    // For a moment what comes for a session that was given up is put aside at once.
    await new Promise((resolve) => setTimeout(resolve, GIVEN_UP_MS + 500));
    for (let times = 0; times < 2; times += 1) {
      const { code, stderr } = await sojourn(
        ['deadletters', 'replay', '--project', project],
        environmentOf(servers()),
      );
      expect(code, stderr).to.equal(0);
      // The same messages once more, as if a producer had not heard of its acknowledgement.
      await publish(...events);
    }

    await expectRows(events);
    await settled();
    await expectRows(events);
  });

  it('that was deleted begins anew with its next event', async () => {
    const project = 'deleted';
    await publish(event(project, 1));
    await expectRows([event(project, 1)]);
    await client.workflowService.deleteWorkflowExecution({
      namespace: TEST_NAMESPACE,
      workflowExecution: { workflowId: sessionWorkflowId(project, 's') },
    });
    await eventually(
      () =>
        handleOf(project)
          .describe()
          .then(
            () => expect.fail('still there'),
            () => undefined,
          ),
      WITHIN,
    );

    await publish(event(project, 2));
    await expectOthersToGoOn(project);

    await eventually(async () => {
      const [row] = await around.select<{ views: string }>(
        `SELECT toString(sum(count)) AS views FROM sojourn.metrics
         WHERE project = '${project}' AND metric_type = 'page_views' AND dimension = '' AND granularity = 'hour'`,
      );
      expect(row?.views).to.equal('2');
    }, WITHIN);
  });

  it('that takes nothing is overtaken by others, also of its project, however much waits for it', async () => {
    const project = 'much-waits';
    await pipeline?.stop();
    pipeline = await startPipelineProcess(servers(), { ...SETTINGS, SESSION_STUCK_AFTER: '10m' });
    const stranger = await client.workflow.start('stranger', {
      workflowId: sessionWorkflowId(project, 's'),
      taskQueue: 'nowhere',
    });
    await stranger.terminate();
    const many = Array.from({ length: 3 * FAILING_SESSION_HELD_MAX }, (_, n) => event(project, n));
    for (let sent = 0; sent < many.length; sent += PUBLISHED_AT_ONCE) {
      await Promise.all(many.slice(sent, sent + PUBLISHED_AT_ONCE).map((one) => publish(one)));
    }

    await expectOthersToGoOn(project);
    const sibling = { ...event(project, 1), sessionId: 'sibling' };
    await publish(sibling);
    await expectRows([sibling], OTHERS_WITHIN);
    // A bad element waits for its turn, and what is good beside it does not.
    const [mixed, good] = [`${project}-mixed`, event(`${project}-mixed`, 1)];
    const { project: _project, ...payload } = good;
    await around.publish(mixed, [payload, { ...payload, sessionId: 5 }]);
    await expectRows([good], OTHERS_WITHIN);

    await client.workflowService.deleteWorkflowExecution({
      namespace: TEST_NAMESPACE,
      workflowExecution: { workflowId: stranger.workflowId },
    });
    await expectRows([...many, sibling], { withinMs: 180_000 });
    await settled();
    await expectRows([...many, sibling]);
    await expectRows([good]);
    const [letter] = await lettersOf(mixed, 1);
    expect(letter?.reason).to.contain('sessionId');
  });

  type Listed = Omit<DeadLetterEntry, 'data'> & { readonly payload: string };

  function lettersOf(project: string, count: number): Promise<Listed[]> {
    return eventually(async () => {
      const words = ['deadletters', 'list', '--project', project, '--json'];
      const { stdout } = await sojourn(words, environmentOf(servers()));
      const listed = JSON.parse(stdout) as Listed[];
      expect(listed).to.have.length(count);
      return listed;
    }, WITHIN);
  }
});
