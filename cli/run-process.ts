/** `sojourn worker` and `sojourn ingest`: one kind of process alone, until a signal, or until something breaks. */
import type { Config } from '../platform/config.ts';
import { createLog } from '../platform/log.ts';
import { createClosers, untilSignal } from '../platform/shutdown.ts';
import { NO_WATCH } from '../platform/watch.ts';
import { type Roles, startPipeline } from '../workers/pipeline.ts';
import { openHealth } from './open-health.ts';

/** @param healthPort nothing is served without one: several processes share a machine */
export async function runProcess(
  config: Config,
  roles: Roles,
  healthPort: number | undefined,
): Promise<void> {
  const log = createLog({ level: config.LOG_LEVEL });
  const signal = untilSignal(log);
  const closers = createClosers(log);
  try {
    const health = await openHealth(config, log, closers, { port: healthPort, roles });
    const pipeline = await startPipeline(config, log, roles, health?.watch ?? NO_WATCH);
    closers.add('pipeline', () => pipeline.stop());
    health?.started(pipeline);
    const stopping = signal.then(() => {
      health?.stopping();
    });
    await Promise.race([stopping, pipeline.finished]);
  } finally {
    await closers.closeAll();
  }
}
