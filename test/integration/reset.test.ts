/** An operator resets a session in Temporal, seconds or days after it closed: its records in the log may be purged. */
import { randomUUID } from 'node:crypto';
import { jetstreamManager } from '@nats-io/jetstream';
import type { Client, Connection } from '@temporalio/client';
import { expect } from 'chai';
import { loadConfig, requireServers } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { connectNats, createRollupLog, type Nats } from '../../platform/nats.ts';
import { createSessionHistory } from '../../platform/session-history.ts';
import { ROLLUPS_STREAM, sessionWorkflowId } from '../../shared/ids.ts';
import { stateFromWire } from '../../shared/session-wire.ts';
import { eventually } from '../support/eventually.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  type PipelineProcess,
  startPipelineProcess,
} from '../support/pipeline.ts';
import { publishedRows } from '../support/published.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { TEST_NAMESPACE, useServers } from '../support/servers.ts';

const WITHIN = { withinMs: 90_000 };

describe('a session that an operator resets', function () {
  this.timeout(360_000);
  const servers = useServers();
  let pipeline: PipelineProcess;
  let around: Around;
  let temporal: { client: Client; connection: Connection };
  let nats: Nats;
  const closers: (() => unknown)[] = [];

  before(async () => {
    pipeline = await startPipelineProcess(servers(), {
      SESSION_IDLE_TIMEOUT: '60s',
      SESSION_CHECKPOINT: '1s',
      LATE_GRACE: '300ms',
      LATE_WINDOW: '1h',
    });
    closers.push(() => pipeline.stop());
    around = await connectAround(servers());
    closers.push(() => around.close());
    temporal = await connectTemporalOf(servers());
    closers.push(() => temporal.connection.close());
    const config = requireServers(loadConfig(environmentOf(servers())), ['NATS_URL']);
    nats = await connectNats(config, 'test', silentLog);
    closers.push(() => nats.connection.close());
  });

  // The pipeline first: where it goes on, it takes what is of the files after this one.
  after(async () => {
    for (const close of closers) await close();
  });

  const view = (project: string, n: number): ReferenceEvent => ({
    project,
    sessionId: 's',
    eventId: `e${n}`,
    eventType: 'pageview',
    timestamp: Date.UTC(2026, 3, 1, 12, 0, n),
    properties: { path: `/${n}`, country: 'DE' },
  });
  const end = (project: string, n: number) => ({ ...view(project, n), eventType: 'session_end' });
  const handle = (project: string, runId?: string) =>
    temporal.client.workflow.getHandle(sessionWorkflowId(project, 's'), runId);

  const publish = (...events: readonly ReferenceEvent[]) =>
    around.publish(
      events[0]?.project ?? '',
      events.map(({ project: _project, ...event }) => event),
    );

  async function closed(project: string, but?: string): Promise<string> {
    return eventually(async () => {
      const { status, runId } = await handle(project).describe();
      if (status.name !== 'COMPLETED' || runId === but) throw new Error(`it is ${status.name}`);
      return runId;
    }, WITHIN);
  }

  const expectExact = (project: string, events: readonly ReferenceEvent[]) =>
    eventually(async () => {
      const got = [...(await around.rows(project))].sort();
      const want = [...publishedRows(events)].filter(([, a]) => a.value !== 0n || a.count !== 0);
      expect(got).to.deep.equal(want.sort());
    }, WITHIN);

  /** All is loaded, and purged, as it is ten minutes after a session's end. */
  async function purge(): Promise<void> {
    const jsm = await jetstreamManager(around.nc);
    await jsm.streams.purge(ROLLUPS_STREAM);
  }

  /** Resets a run to one of its workflow tasks. @returns the run that comes of it */
  async function reset(project: string, runId: string, task: number): Promise<string> {
    const { events } = await handle(project, runId).fetchHistory();
    const tasks = (events ?? []).filter((event) => event.workflowTaskCompletedEventAttributes);
    const eventId = tasks.at(task)?.eventId;
    if (eventId === undefined) throw new Error(`${runId} has no task ${task}`);
    const made = await temporal.client.workflowService.resetWorkflowExecution({
      namespace: TEST_NAMESPACE,
      workflowExecution: { workflowId: sessionWorkflowId(project, 's'), runId },
      reason: 'a test',
      requestId: randomUUID(),
      workflowTaskFinishEventId: eventId,
    });
    return made.runId;
  }

  /** A session of several writes that has ended. */
  async function anEndedSession(
    project: string,
  ): Promise<{ events: ReferenceEvent[]; run: string }> {
    const events = [view(project, 1), view(project, 2), view(project, 3), end(project, 20)];
    for (const event of events) {
      await publish(event);
      await new Promise((resolve) => setTimeout(resolve, 1_100));
    }
    const run = await closed(project);
    await expectExact(project, events);
    return { events, run };
  }

  it('counts once where its records are purged, whatever point it goes back to', async () => {
    for (const [project, task] of [
      ['reset-first', 0],
      ['reset-second', 1],
      ['reset-last', -1],
    ] as const) {
      const { events, run } = await anEndedSession(project);
      await purge();
      await reset(project, run, task);
      await closed(project, run);
      await publish(view(project, 30));
      await expectExact(project, [...events, view(project, 30)]);
    }
  });

  it('counts once where it was written with its start', async () => {
    const project = 'reset-opening';
    const events = [view(project, 1), end(project, 2)];
    await publish(...events);
    const run = await closed(project);
    await expectExact(project, events);
    await purge();

    const again = await reset(project, run, 0);
    expect(await closed(project, run)).to.equal(again);
    await publish(view(project, 5));

    await expectExact(project, [...events, view(project, 5)]);
  });

  it('counts once where the run of before a late event is reset, and takes later ones', async () => {
    const project = 'reset-old-run';
    const { events, run } = await anEndedSession(project);
    await publish(view(project, 30));
    const second = await closed(project, run);
    await expectExact(project, [...events, view(project, 30)]);
    await purge();

    await reset(project, run, 0);
    await publish(view(project, 40));
    await closed(project, second);
    await publish(view(project, 50));

    await expectExact(project, [...events, ...[30, 40, 50].map((n) => view(project, n))]);
  });

  it('counts once where it is open', async () => {
    const project = 'reset-open';
    const events = [view(project, 1), view(project, 2), view(project, 3)];
    for (const event of events) {
      await publish(event);
      await expectExact(project, events.slice(0, events.indexOf(event) + 1));
    }
    const { runId } = await handle(project).describe();

    await reset(project, runId, 0);
    await publish(view(project, 4), end(project, 20));
    await closed(project, runId);

    await expectExact(project, [...events, view(project, 4), end(project, 20)]);
  });

  it('is known whole by each of its runs where the one that came of the reset was terminated', async () => {
    const project = 'reset-terminated';
    const events = [1, 2, 3, 4].map((n) => view(project, n));
    await publish(...events.slice(0, 1));
    await expectExact(project, events.slice(0, 1));
    await publish(...events.slice(1, 2));
    await expectExact(project, events.slice(0, 2));
    const { runId } = await handle(project).describe();
    const made = await reset(project, runId, 0);
    await publish(...events.slice(2));
    await expectExact(project, events);
    await handle(project, made).terminate('a test');

    const history = createSessionHistory(temporal.client, createRollupLog(nats));
    for (const run of [runId, made]) {
      const snapshot = await history.snapshotOf(sessionWorkflowId(project, 's'), run);
      const { events: known } = stateFromWire(snapshot.state);
      expect(known + (snapshot.unproven?.length ?? 0), run).to.equal(events.length);
    }
    await publish(view(project, 5));
    await expectExact(project, [...events, view(project, 5)]);
  });
});
