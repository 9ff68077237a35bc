/** Runs the page until a signal. */
import { runDashboard } from '../dashboard/run.ts';
import { loadConfig, processEnvironment } from '../platform/config.ts';
import { createLog } from '../platform/log.ts';
import { createClosers, untilSignal } from '../platform/shutdown.ts';
import { commandConfig } from './command-config.ts';
import { openHealth } from './open-health.ts';
import { print } from './output.ts';

export async function serveDashboard(options: {
  readonly port: number;
  readonly dataDir: string;
  /** Nothing is served without one: several processes share a machine. */
  readonly healthPort?: number | undefined;
}): Promise<void> {
  const config = commandConfig(options, ['CLICKHOUSE_URL']);
  // Not what `up` has noted: that is where its own page is.
  const { DASHBOARD_URL: publicUrl } = loadConfig(processEnvironment());
  const log = createLog({ level: config.LOG_LEVEL });
  const signal = untilSignal(log);
  const closers = createClosers(log);
  try {
    const health = await openHealth(config, log, closers, {
      port: options.healthPort,
      roles: { ingest: false, worker: false, dashboard: true },
    });
    const dashboard = await runDashboard(config, log, {
      port: options.port,
      portFlag: '--port',
      publicUrl,
      watch: health?.pageWatch,
    });
    closers.add('dashboard', () => dashboard.close());
    health?.follow({ dashboard });
    health?.started();
    if (health !== undefined) print(`HEALTH_URL=${health.url}`);
    print(`DASHBOARD_URL=${dashboard.url}`);
    await signal;
    health?.stopping();
  } finally {
    await closers.closeAll();
  }
}
