/** The servers of a test, Temporal as installations have it: its server program on a Postgres. */
import {
  findTemporalPrograms,
  NO_TEMPORAL_SERVER,
  startTemporalOnPostgres,
} from '../../bench/temporal-postgres.ts';
import { onInterrupt } from './on-interrupt.ts';
import { startPrivateServers, type TestServers } from './servers.ts';

const HISTORY_SHARDS = 4;

/**
 * To be killed and started again as the embedded one is; the Postgres goes on. The caller stops them.
 * @throws Error where there is no server program or no Postgres
 */
export async function startServersOnPostgres(dataDir: string): Promise<TestServers> {
  const programs = findTemporalPrograms();
  if (programs === undefined) throw new Error(NO_TEMPORAL_SERVER);
  const own = await startTemporalOnPostgres(programs, HISTORY_SHARDS);
  onInterrupt(() => own.stop());
  const embedded = await startPrivateServers({
    dataDir,
    which: new Set(['nats', 'clickhouse', 'redis']),
  }).catch(async (error: unknown) => {
    await own.stop();
    throw error;
  });
  return {
    secrets: embedded.secrets,
    dataDir: embedded.dataDir,
    get nats() {
      return embedded.nats;
    },
    get clickhouse() {
      return embedded.clickhouse;
    },
    get redis() {
      return embedded.redis;
    },
    get temporal() {
      return {
        name: 'temporal',
        address: own.address,
        uiUrl: '',
        pid: own.pids['temporal'] ?? 0,
        exited: own.exited,
        stop: () => own.stop(),
        kill: () => {
          own.kill();
        },
      };
    },
    restart: (name) => (name === 'temporal' ? own.restart() : embedded.restart(name)),
    keepRunning: (options) => embedded.keepRunning(options),
    async stop() {
      await embedded.stop();
      await own.stop();
    },
  };
}
