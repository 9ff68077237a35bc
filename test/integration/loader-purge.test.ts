/** The loader's own code on a real Temporal, with activities that stand in: a purge that takes its time holds up no row. */
import { Client, Connection } from '@temporalio/client';
import { NativeConnection, Worker } from '@temporalio/worker';
import { expect } from 'chai';
import type { PurgeRequest } from '../../activities/purge-loaded.ts';
import type { PlanRequest } from '../../activities/plan-batch.ts';
import { type LogRange, openLoader } from '../../shared/ranges.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';
import { loader } from '../../workflows/index.ts';
import { progressQuery } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { TEST_NAMESPACE, useServers } from '../support/servers.ts';

const TASKS = 'loader-purge';
const LOG = '1000';
const WITHIN = { withinMs: 60_000 };

describe('the loader, while a purge takes its time', function () {
  this.timeout(240_000);
  const servers = useServers();
  let connection: NativeConnection;
  let client: Client;

  before(async () => {
    const { address } = servers().temporal;
    connection = await NativeConnection.connect({ address });
    client = new Client({
      connection: await Connection.connect({ address }),
      namespace: TEST_NAMESPACE,
    });
  });

  after(async () => {
    await client.connection.close();
    await connection.close();
  });

  it('goes on loading, and notes the purge once it is through', async () => {
    const loaded: number[] = [];
    const purges: PurgeRequest[] = [];
    let letGo = () => {};
    const isThrough = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    const next = (after: number): LogRange => ({
      partition: 7,
      log: LOG,
      from: after + 1,
      to: after + 1,
    });
    const worker = await Worker.create({
      connection,
      namespace: TEST_NAMESPACE,
      taskQueue: TASKS,
      workflowBundle: await workflowBundle(),
      activities: {
        planBatch: ({ after }: PlanRequest) => next(after.seq),
        async carryBatch({ to }: LogRange) {
          loaded.push(to);
          await new Promise((resolve) => setTimeout(resolve, 50));
          return next(to);
        },
        async purgeLoaded(request: PurgeRequest) {
          purges.push(request);
          await isThrough;
          return 0;
        },
      },
    });
    await worker.runUntil(async () => {
      const handle = await client.workflow.start(loader, {
        workflowId: 'loader-purge',
        taskQueue: TASKS,
        args: [
          {
            partition: 7,
            rangesMax: 1_000,
            // What was loaded first was so long ago.
            state: {
              ...openLoader(7),
              position: { log: LOG, seq: 5 },
              runningMs: 11 * 60_000,
              marks: [{ seq: 5, at: 0 }],
            },
          },
        ],
      });
      try {
        await eventually(() => {
          expect(purges).to.have.length(1);
          expect(loaded.at(-1)).to.be.above(12);
        }, WITHIN);
        expect(purges[0]).to.deep.include({ partition: 7, log: LOG, upTo: 5 });
        expect((await handle.query(progressQuery)).purged).to.equal(0);

        letGo();

        await eventually(async () => {
          expect((await handle.query(progressQuery)).purged).to.equal(5);
        }, WITHIN);
        expect(loaded).to.deep.equal(loaded.map((_, n) => 6 + n));
      } finally {
        letGo();
        await handle.terminate();
      }
    });
  });
});
