/**
 * The way back to the SDK's own threads for workflow code, `WORKFLOW_SANDBOX=sdk`: the same numbers, exactly once, also
 * while the log is away, and histories that our own sandbox replays.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { endSignal } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { connectAround, connectTemporalOf, startPipelineProcess } from '../support/pipeline.ts';
import type { ReferenceEvent } from '../support/reference.ts';
import { replayAll } from '../support/replay.ts';
import { useServers } from '../support/servers.ts';
import { wrongRows } from '../support/wrong-rows.ts';

const PROJECT = 'sdk-sandbox';
const SESSIONS = ['one', 'two', 'three'];
const WITHIN = { withinMs: 90_000 };
/** Longer than a publish to the log waits. */
const AWAY_MS = 3_000;

describe('workflow code in the threads of the SDK', function () {
  this.timeout(300_000);
  const servers = useServers();

  it('writes each row once, also while the log is away, and replays in our sandbox', async () => {
    const settings = {
      SESSION_IDLE_TIMEOUT: '10m',
      SESSION_CHECKPOINT: '1s',
      WORKFLOW_SANDBOX: 'sdk',
    };
    const pipeline = await startPipelineProcess(servers(), settings);
    const around = await connectAround(servers());
    const { client, connection } = await connectTemporalOf(servers());
    const sent: ReferenceEvent[] = [];
    const send = async (sessionId: string, path: string) => {
      const eventId = `${sessionId}-${sent.length}`;
      const message = {
        eventId,
        sessionId,
        eventType: 'pageview',
        timestamp: Date.now(),
        properties: { path },
      };
      await around.publish(PROJECT, message);
      sent.push({ project: PROJECT, ...message });
    };
    const rightRows = () =>
      eventually(async () => {
        expect(wrongRows(await around.rows(PROJECT), sent)).to.deep.equal([]);
      }, WITHIN);
    const handleOf = (id: string) => client.workflow.getHandle(sessionWorkflowId(PROJECT, id));
    try {
      for (const id of SESSIONS) await send(id, '/first');
      await rightRows();
      expect(pipeline.log()).to.contain('"sandbox":"sdk"');
      for (const id of SESSIONS) await send(id, '/second');
      await sleep(AWAY_MS / 4);
      const { pid } = servers().nats;
      process.kill(pid, 'SIGSTOP');
      try {
        for (const id of SESSIONS) await handleOf(id).signal(endSignal);
        await sleep(AWAY_MS);
      } finally {
        process.kill(pid, 'SIGCONT');
      }
      await Promise.all(SESSIONS.map((id) => handleOf(id).result()));
      await rightRows();
      const histories = new Map(
        await Promise.all(
          SESSIONS.map(async (id) => [id, await handleOf(id).fetchHistory()] as const),
        ),
      );
      for (const [id, { error }] of await replayAll(histories)) {
        expect(error, id).to.equal(undefined);
      }
    } finally {
      await around.close();
      await connection.close();
      await pipeline.stop();
    }
  });
});
