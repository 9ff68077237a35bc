/** What `sojourn up` does about old rows: deletes them from time to time, as `sojourn project purge` does. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Config } from '../platform/config.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import type { Logger } from '../platform/log.ts';
import type { Nats } from '../platform/nats.ts';
import { toError } from '../shared/errors.ts';
import { createSteps, expectRightClock } from './right-clock.ts';
import { type Purged, purgeProjects } from './purge-projects.ts';

const EVERY_MS = 60 * 60_000;
/** By then a machine that starts with a wrong clock has been told the right time. */
const FIRST_AFTER_MS = 10 * 60_000;

/**
 * Ten minutes after the start, then every hour, where the clock made no step meanwhile; a failure is in the log, and the
 * next time goes on.
 */
export function startPurging(
  config: Config & { readonly CLICKHOUSE_URL: string },
  nats: Pick<Nats, 'js' | 'jsm'>,
  log: Logger,
): { stop(): Promise<void> } {
  const stopped = new AbortController();
  const isOver = () => stopped.signal.aborted;
  const pause = async (ms: number): Promise<void> => {
    await sleep(ms, undefined, { signal: stopped.signal }).catch(() => undefined);
  };
  const onPurged = (purged: Purged) => {
    const { sessions, metrics, deadLetters } = purged;
    if (sessions + metrics + deadLetters > 0) log.info(purged, 'old rows are deleted');
  };
  const keepPurging = async (): Promise<void> => {
    const clock = createSteps(Date.now, () => performance.now());
    for (let waitMs = FIRST_AFTER_MS; ; waitMs = EVERY_MS) {
      await pause(waitMs);
      if (isOver()) return;
      if (clock.hasStepped()) continue;
      const admin = connectClickHouse(config, 'admin');
      try {
        await expectRightClock(admin, Date.now());
        await purgeProjects({ nats, admin, onPurged }, Date.now(), stopped.signal);
      } catch (error) {
        if (!isOver())
          log.warn({ err: toError(error) }, 'not all old rows were deleted, trying later');
      } finally {
        await admin.close();
      }
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
