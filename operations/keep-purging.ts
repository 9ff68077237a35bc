/** What `sojourn up` does about old rows: deletes them from time to time, as `sojourn project purge` does. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../platform/config.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import type { Logger } from '../platform/log.ts';
import type { Nats } from '../platform/nats.ts';
import { toError } from '../shared/errors.ts';
import { purgeProjects } from './purge-projects.ts';

const EVERY_MS = 60 * 60_000;

/** Once at the start, then every hour; a failure is in the log, and the next time goes on. */
export function startPurging(
  config: Config & { readonly CLICKHOUSE_URL: string },
  nats: Pick<Nats, 'js'>,
  log: Logger,
): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const isOver = () => stopped.signal.aborted;
  const keepPurging = async (): Promise<void> => {
    while (!isOver()) {
      const admin = connectClickHouse(config, 'admin');
      try {
        for (const purged of await purgeProjects({ nats, admin }, Date.now(), stopped.signal)) {
          if (purged.sessions + purged.metrics > 0) log.info(purged, 'old rows are deleted');
        }
      } catch (error) {
        if (!isOver()) log.warn({ err: toError(error) }, 'old rows were not deleted, trying later');
      } finally {
        await admin.close();
      }
      await sleep(EVERY_MS, undefined, { signal: stopped.signal }).catch(() => undefined);
    }
  };
  const purging = keepPurging();
  return {
    async stop() {
      stopped.abort();
      await purging;
    },
  };
}
