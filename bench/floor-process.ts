/**
 * Runs the yardstick in a process of its own, client and worker on one connection as in ours, and
 * prints how long it took. Arguments: sessions, events a batch, mode.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { loadConfig, processEnvironment, requireServers } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { connectTemporalNative } from '../platform/temporal-native.ts';
import { installTemporalRuntime } from '../workers/session-worker.ts';
import { benchEvent } from './traffic.ts';

const UNDER_WAY = 32;
/** As in ours: beyond that starts find no place in the worker, are not eager, and cost more. */
const LOAD_MAX = 16;
const TASK_QUEUE = 'bench-floor';

const [sessions = 0, events = 1] = process.argv.slice(2, 4).map(Number);
const mode = process.argv[4] ?? 'start';

installTemporalRuntime(silentLog);
const config = requireServers(loadConfig(processEnvironment()), ['TEMPORAL_ADDRESS']);
const { client, connection } = await connectTemporalNative(config);
const worker = await Worker.create({
  connection,
  namespace: config.TEMPORAL_NAMESPACE,
  taskQueue: TASK_QUEUE,
  workflowsPath: fileURLToPath(new URL('floor-workflows.ts', import.meta.url)),
  maxConcurrentWorkflowTaskExecutions: 100,
  nonStickyToStickyPollRatio: 0.5,
});
const running = worker.run();
const run = `${Date.now()}`;
// The same warm-up as ours gets: code is compiled, caches are filled.
await play(`warm-${run}`, 200);
const begin = process.hrtime.bigint();
process.stdout.write('begin\n');
await play(run, sessions);
const ms = Number(process.hrtime.bigint() - begin) / 1e6;
process.stdout.write(`end ${ms}\n`);
// Keeps still until it is stopped, so that its CPU time can be read.
process.once('SIGTERM', () => {
  worker.shutdown();
});
await running;
await connection.close();

async function play(name: string, count: number): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) {
      while (worker.getStatus().numInFlightWorkflowActivations >= LOAD_MAX) await sleep(4);
      await one(`floor/${name}/${n}`, n);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, lane));
}

async function one(workflowId: string, session: number): Promise<void> {
  const batch = Array.from({ length: events }, (_, n) => benchEvent(session, n, events, 1.7e12));
  const handle =
    mode === 'signal'
      ? await client.workflow.signalWithStart('signalled', {
          workflowId,
          taskQueue: TASK_QUEUE,
          signal: 'batch',
          signalArgs: [batch],
        })
      : await client.workflow.start('started', {
          workflowId,
          taskQueue: TASK_QUEUE,
          args: [batch],
          requestEagerStart: true,
        });
  // Started is not closed; the last ones are waited for, which is what the clock is stopped by.
  if (session % UNDER_WAY === 0) await handle.result();
}
