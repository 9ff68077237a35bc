/** The page with its connections, as `sojourn dashboard` and `sojourn up` run it. */
import { clickHouseFault, connectClickHouse } from '../platform/clickhouse.ts';
import type { Config } from '../platform/config.ts';
import type { Logger } from '../platform/log.ts';
import type { RequestWatch } from '../platform/request-watch.ts';
import { loadViewZones } from '../platform/zones.ts';
import type { SessionView } from '../shared/session-view.ts';
import { createDatabase } from './database.ts';
import { createLive } from './live.ts';
import { checkPassword } from './password.ts';
import { type Dashboard, startDashboard } from './server.ts';

export type DashboardConfig = Config & { readonly CLICKHOUSE_URL: string };

export interface RunOptions {
  readonly port: number;
  /** What sets the port, for the error where it is taken. */
  readonly portFlag: string;
  /** Where people find it; that of another process, out of a file, does not count. */
  readonly publicUrl?: string | undefined;
  /** Told of requests. */
  readonly watch?: RequestWatch | undefined;
}

/**
 * Listens at once; connections are opened when they are needed, and none is held while nobody looks.
 * @throws SojournError `SJ_CONFIG` where others could reach it and there is no password
 */
export async function runDashboard(
  config: DashboardConfig,
  log: Logger,
  { port, portFlag, publicUrl, watch }: RunOptions,
): Promise<Dashboard> {
  const { DASHBOARD_HOST: host, DASHBOARD_PASSWORD: password, NATS_URL } = config;
  checkPassword({ ...config, DASHBOARD_URL: publicUrl });
  const client = connectClickHouse(config, 'bi', { log, reads: 'any' });
  const database = createDatabase(client);
  const zones = loadViewZones();
  const now = Date.now;
  const live = createLive({
    database,
    zones,
    now,
    connectNews:
      NATS_URL === undefined
        ? undefined
        : async () => (await import('./news.ts')).connectNews({ ...config, NATS_URL }, log),
    log,
  });
  const close = async () => {
    await live.close();
    await client.close();
  };
  const deps = {
    database,
    faultOf: (error: unknown) => clickHouseFault(config, error),
    zones,
    now,
    live,
    log,
    watch,
    stateOf: stateAsker(config),
    temporalUiUrl: config.TEMPORAL_UI_URL,
    temporalNamespace: config.TEMPORAL_NAMESPACE,
  };
  try {
    const dashboard = await startDashboard(deps, { host, port, portFlag, password, publicUrl });
    return {
      ...dashboard,
      async close() {
        await dashboard.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** A connection for each question: people look at a session now and then. */
function stateAsker(
  config: Config,
): ((project: string, sessionId: string) => Promise<SessionView>) | undefined {
  const { TEMPORAL_ADDRESS } = config;
  if (TEMPORAL_ADDRESS === undefined) return undefined;
  return async (project, sessionId) => {
    const [{ withTemporal }, { stateOf }] = await Promise.all([
      import('../operations/connect.ts'),
      import('../platform/session-state.ts'),
    ]);
    return withTemporal({ ...config, TEMPORAL_ADDRESS }, (temporal) =>
      stateOf(temporal, project, sessionId),
    );
  };
}
