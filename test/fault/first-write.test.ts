/**
 * The first write of a session, planned by ingest, goes to the log while its first workflow task runs. A
 * task must not end before the log has it: where NATS is away it fails and is tried again.
 */
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { openActor, type SessionInput } from '../../shared/actor.ts';
import { SESSION_WORKFLOW, sessionWorkflowId, TASK_QUEUE } from '../../shared/ids.ts';
import { createOpener } from '../../workers/ingest/opening.ts';
import { aBatch, anEvent, NOON_ISH, SETTINGS } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';
import { connectAround, connectTemporalOf, startPipelineProcess } from '../support/pipeline.ts';
import { startPrivateServers, type TestServers } from '../support/servers.ts';

const PROJECT = 'first';
const WITHIN = { withinMs: 90_000 };

describe('the first write of a session, while NATS is away', function () {
  this.timeout(300_000);
  let servers: TestServers;
  let client: Client;
  const closers: (() => unknown)[] = [];

  before(async function () {
    this.timeout(20 * 60_000);
    servers = await startPrivateServers();
    closers.unshift(() => servers.stop());
    // `up` makes streams and tables.
    const worker = await startPipelineProcess(servers);
    closers.unshift(() => worker.stop());
    const temporal = await connectTemporalOf(servers);
    client = temporal.client;
    closers.unshift(() => temporal.connection.close());
  });

  after(async () => {
    for (const close of closers) await close();
  });

  it('holds up the session, says why, and is there once when NATS is back', async () => {
    const sessionId = 'first-1';
    const at = Date.now();
    const input: SessionInput = {
      project: PROJECT,
      sessionId,
      settings: SETTINGS,
      batch: { ...aBatch(anEvent(), anEvent({ type: 'session_end' })), sentAt: at },
    };
    const opening = await createOpener(undefined).plan(openActor(input, '', at), at);
    if (opening === undefined) throw new Error('nothing to write at first');
    servers.nats.kill();
    await servers.nats.exited;

    const handle = await client.workflow.start(SESSION_WORKFLOW, {
      workflowId: sessionWorkflowId(PROJECT, sessionId),
      taskQueue: TASK_QUEUE,
      args: [{ ...input, opening }],
    });
    await eventually(async () => {
      const { events } = await handle.fetchHistory();
      const failures = (events ?? []).flatMap(
        ({ workflowTaskFailedEventAttributes: failed }) => failed?.failure?.message ?? [],
      );
      expect(failures).to.have.length.greaterThan(0);
    }, WITHIN);
    expect((await handle.describe()).status.name).to.equal('RUNNING');

    await servers.restart('nats');
    const around = await connectAround(servers);
    closers.unshift(() => around.close());
    await handle.result();
    const metrics = () =>
      around.select<{ value: number; count: number }>(
        `SELECT toInt32(sum(metrics.value)) AS value, toInt32(sum(metrics.count)) AS count
         FROM sojourn.metrics WHERE project = '${PROJECT}' AND metric_type = 'sessions'
           AND granularity = 'hour' AND bucket = toStartOfHour(fromUnixTimestamp(${NOON_ISH / 1_000}))`,
      );
    await eventually(async () => {
      expect(await metrics()).to.deep.equal([{ value: 1, count: 1 }]);
    }, WITHIN);
  });
});
