/**
 * A workflow task that has handed records over and is done once more, while there is no log, or since its end was
 * refused: the session asks the log, and nobody waits for tasks of which the server hears nothing any more.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import proto from '@temporalio/proto';
import { expect } from 'chai';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { endSignal, eventsSignal } from '../../workflows/messages.ts';
import { aBatch, anEvent } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import type { History } from '../support/histories.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { replayAll } from '../support/replay.ts';
import { useServers } from '../support/servers.ts';

const PROJECT = 'again';
/** Nothing but what the test sends ends or writes anything. */
const SETTINGS = { SESSION_IDLE_TIMEOUT: '10m', SESSION_CHECKPOINT: 'off' };
const WITHIN = { withinMs: 60_000 };
/** Less than a publish to the log waits, so that it is taken once NATS goes on. */
const BREATH_MS = 600;
/** Longer than a task waits for the log. */
const AWAY_MS = 10_000;
const { PENDING_WORKFLOW_TASK_STATE_STARTED: STARTED } =
  proto.temporal.api.enums.v1.PendingWorkflowTaskState;

describe('a workflow task that is done again', function () {
  this.timeout(360_000);
  const servers = useServers();
  let around: Around;
  let client: Client;
  let pipeline: PipelineProcess;
  let disconnect: () => Promise<void>;

  before(async () => {
    pipeline = await startPipelineProcess(servers(), SETTINGS);
    around = await connectAround(servers());
    const temporal = await connectTemporalOf(servers());
    ({ client } = temporal);
    disconnect = () => temporal.connection.close();
  });

  after(async () => {
    await pipeline.stop();
    await around.close();
    await disconnect();
  });

  it('since an event came as the session ended, asks the log, which has the end without it', async () => {
    const { handle, runId } = await opened('refused');
    await withoutNats(async () => {
      await handle.signal(endSignal);
      await untilAtIt(handle);
      // Its own kind of delivery, since ingest has no NATS either.
      await handle.signal(eventsSignal, aBatch(anEvent({ path: '/late' })));
      await sleep(BREATH_MS);
    });
    const history = await historyOf('refused', runId);

    expect(await pageViewsOf('/late')).to.equal('1');
    expect(failuresIn(history)).to.include('UnhandledCommand');
    await expectAsked(history);
  });

  it('while there is no log, leaves the write to an activity, which waits for it', async () => {
    const history = await endedWithoutLog(['away', 'away-again', 'away-at-last']);

    expect(failuresIn(history)).to.have.lengthOf(1);
    await expectAsked(history);
  });

  /**
   * A session that ends while there is no log, counted right. Where nobody ran for longer than a task may take, its
   * history is about that: then another one.
   */
  async function endedWithoutLog([sessionId = '', ...others]: readonly string[]): Promise<History> {
    const path = `/${sessionId}`;
    const { handle, runId } = await opened(sessionId);
    await withoutNats(async () => {
      await handle.signal(eventsSignal, aBatch(anEvent({ path })));
      await handle.signal(endSignal);
      await sleep(AWAY_MS);
    });
    const history = await historyOf(sessionId, runId);
    expect(await pageViewsOf(path)).to.equal('1');
    const isAboutThat = timedOutIn(history).length > 0;
    return isAboutThat && others.length > 0 ? endedWithoutLog(others) : history;
  }

  /** A worker does its task: what comes now comes in between. */
  const untilAtIt = (handle: WorkflowHandle) =>
    eventually(
      async () => {
        expect((await handle.describe()).raw.pendingWorkflowTask?.state).to.equal(STARTED);
      },
      { ...WITHIN, everyMs: 20 },
    );

  async function opened(sessionId: string) {
    await around.publish(PROJECT, {
      sessionId,
      eventType: 'pageview',
      timestamp: Date.now(),
      properties: { path: '/first' },
    });
    const handle = client.workflow.getHandle(sessionWorkflowId(PROJECT, sessionId));
    // Its first task is over, and with it its first write.
    await eventually(async () => {
      const { events } = await handle.fetchHistory();
      expect(events?.some((event) => event.workflowTaskCompletedEventAttributes)).to.equal(true);
    }, WITHIN);
    return { handle, runId: (await handle.describe()).runId };
  }

  /** NATS stands still meanwhile, its connections with it. */
  async function withoutNats(work: () => Promise<void>): Promise<void> {
    const { pid } = servers().nats;
    process.kill(pid, 'SIGSTOP');
    try {
      await work();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }

  /** Of that run, once the session has ended. */
  async function historyOf(sessionId: string, runId: string): Promise<History> {
    const id = sessionWorkflowId(PROJECT, sessionId);
    await client.workflow.getHandle(id).result();
    return client.workflow.getHandle(id, runId).fetchHistory();
  }

  async function pageViewsOf(path: string): Promise<string | undefined> {
    let sum: string | undefined;
    await eventually(async () => {
      const [row] = await around.select<{ sum: string }>(
        `SELECT toString(sum(count)) AS sum FROM sojourn.metrics WHERE project = '${PROJECT}' AND metric_type = 'page_views'
           AND granularity = 'hour' AND dimension = 'path' AND dimension_value = '${path}'`,
      );
      sum = row?.sum;
      expect(sum).not.to.equal('0');
    }, WITHIN);
    return sum;
  }

  /** The server was told of each failure, and a replay does the same. */
  async function expectAsked(history: History): Promise<void> {
    expect(timedOutIn(history)).to.deep.equal([]);
    const markers = history.events?.filter((event) => event.markerRecordedEventAttributes);
    expect(markers).not.to.deep.equal([]);
    const [replayed] = [...(await replayAll(new Map([['it', history]]))).values()];
    expect(replayed?.error).to.equal(undefined);
  }
});

/** Workflow tasks that the server gave up, for it heard nothing more of them. */
function timedOutIn({ events }: History) {
  return (events ?? []).filter((event) => event.workflowTaskTimedOutEventAttributes);
}

/** Why workflow tasks failed, as the server words it. */
function failuresIn({ events }: History): string[] {
  return (events ?? []).flatMap(({ workflowTaskFailedEventAttributes: failed }) =>
    failed ? [String(failed.failure?.message)] : [],
  );
}
