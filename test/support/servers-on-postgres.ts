/** The servers of a test, Temporal as installations have it: its server program on a Postgres. */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  findTemporalPrograms,
  NO_TEMPORAL_SERVER,
  startTemporalOnPostgres,
} from '../../bench/temporal-postgres.ts';
import { onInterrupt } from './on-interrupt.ts';
import { startPrivateServers, type TestServers } from './servers.ts';

const HISTORY_SHARDS = 4;

/**
 * To be killed and started again as the embedded one is. Every other time it is the Postgres that is killed, and the server
 * is there without it. The caller stops them.
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
  let kills = 0;
  const kill = () => {
    kills += 1;
    if (isOfDatabase()) own.database.kill();
    else own.kill();
  };
  const isOfDatabase = () => kills % 2 === 0;
  const restart = async () => {
    if (!isOfDatabase()) return own.restart();
    await own.database.restart();
    // It may give up only now that it has waited in vain.
    const hasEnded = await Promise.race([own.exited.then(() => true), sleep(2_000, false)]);
    if (hasEnded) await own.restart();
  };
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
        kill,
      };
    },
    restart: (name) => (name === 'temporal' ? restart() : embedded.restart(name)),
    keepRunning: (options) => embedded.keepRunning(options),
    async stop() {
      await embedded.stop();
      await own.stop();
    },
  };
}
