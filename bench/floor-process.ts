/**
 * Runs the yardstick in a process of its own, client and worker on one connection as in ours. Each line
 * on standard input is a round, `sessions events mode`; it prints how long that took.
 */
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Worker } from '@temporalio/worker';
import { loadConfig, processEnvironment, requireServers } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { connectTemporalNative } from '../platform/temporal-native.ts';
import { SessionHost } from '../workers/host/session-host.ts';
import { installTemporalRuntime } from '../workers/host/session-worker.ts';
import { searchAttributePairs } from '../workflows/search-attribute-pairs.ts';
import type { FloorMode } from './floor.ts';
import { benchEvent } from './traffic.ts';

const UNDER_WAY = 32;
/** As in ours: beyond that starts find no place in the worker, are not eager, and cost more. */
const LOAD_MAX = 16;
/** What operators find a session by. */
const LABELS = {
  staticSummary: 'bench: session floor',
  typedSearchAttributes: searchAttributePairs({
    SojournProject: 'bench',
    SojournEngaged: true,
    SojournTrafficSource: 'social',
    SojournCountry: 'NL',
    SojournDevice: 'desktop',
  }),
};

installTemporalRuntime(silentLog);
const config = requireServers(loadConfig(processEnvironment()), ['TEMPORAL_ADDRESS']);
const { client, connection } = await connectTemporalNative(config);
const options = {
  connection,
  namespace: config.TEMPORAL_NAMESPACE,
  workflowsPath: fileURLToPath(new URL('floor-workflows.ts', import.meta.url)),
  maxConcurrentWorkflowTaskExecutions: 100,
  nonStickyToStickyPollRatio: 0.5,
};
const plain = await Worker.create({ ...options, taskQueue: 'bench-floor' });
const host = await SessionHost.create({ ...options, taskQueue: 'bench-floor-host' });
const running = Promise.all([plain.run(), host.run()]);
process.once('SIGTERM', () => {
  plain.shutdown();
  host.shutdown();
  process.stdin.destroy();
});
process.stdout.write('ready\n');
let rounds = 0;
for await (const line of createInterface({ input: process.stdin })) {
  const [sessions = 0, events = 1] = line.split(' ').map(Number);
  const mode = modeOf(line);
  const begin = process.hrtime.bigint();
  rounds += 1;
  await play(`${Date.now()}-${rounds}`, sessions, events, mode);
  process.stdout.write(`end ${rounds} ${Number(process.hrtime.bigint() - begin) / 1e6}\n`);
}
await running;
await connection.close();

function modeOf(line: string): FloorMode {
  const modes: readonly FloorMode[] = ['start', 'signal', 'label', 'host'];
  return modes.find((mode) => line.endsWith(mode)) ?? 'start';
}

async function play(name: string, count: number, events: number, mode: FloorMode): Promise<void> {
  const worker = mode === 'host' ? host : plain;
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < count; n = next++) {
      while (worker.getStatus().numInFlightWorkflowActivations >= LOAD_MAX) await sleep(4);
      await one(`floor/${name}/${n}`, n, events, mode);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, lane));
}

async function one(
  workflowId: string,
  session: number,
  events: number,
  mode: FloorMode,
): Promise<void> {
  const { taskQueue } = mode === 'host' ? host.options : plain.options;
  const batch = Array.from({ length: events }, (_, n) => benchEvent(session, n, events, 1.7e12));
  const handle =
    mode === 'signal'
      ? await client.workflow.signalWithStart('signalled', {
          workflowId,
          taskQueue,
          signal: 'batch',
          signalArgs: [batch],
        })
      : await client.workflow.start('started', {
          workflowId,
          taskQueue,
          args: [batch],
          requestEagerStart: true,
          ...(mode === 'label' && LABELS),
        });
  // Started is not closed; the last ones are waited for, which is what the clock is stopped by.
  if (session % UNDER_WAY === 0) await handle.result();
}
