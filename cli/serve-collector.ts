/** Runs the collector until a signal. */
import { runCollector } from '../collect/run.ts';
import { loadConfig, processEnvironment } from '../platform/config.ts';
import { createLog } from '../platform/log.ts';
import { createClosers, untilSignal } from '../platform/shutdown.ts';
import { commandConfig } from './command-config.ts';
import { openHealth } from './open-health.ts';
import { print } from './output.ts';

export async function serveCollector(options: {
  readonly port: number;
  readonly dataDir: string;
  /** Nothing is served without one: several processes share a machine. */
  readonly healthPort?: number | undefined;
}): Promise<void> {
  const config = commandConfig(options, ['NATS_URL', 'REDIS_URL']);
  // Not what `up` has noted: that is where its own one is.
  const { COLLECT_URL: publicUrl } = loadConfig(processEnvironment());
  const log = createLog({ level: config.LOG_LEVEL });
  const signal = untilSignal(log);
  const closers = createClosers(log);
  try {
    const health = await openHealth(config, log, closers, {
      port: options.healthPort,
      roles: { ingest: false, worker: false, collect: true },
    });
    const collector = await runCollector(config, log, {
      port: options.port,
      portFlag: '--port',
      publicUrl,
      watch: health?.collectWatch,
    });
    closers.add('collect', () => collector.close());
    health?.follow({ collector });
    health?.started();
    if (health !== undefined) print(`HEALTH_URL=${health.url}`);
    print(`COLLECT_URL=${collector.url}`);
    await signal;
    health?.stopping();
  } finally {
    await closers.closeAll();
  }
}
