/**
 * Whether an import still goes on, for what ClickHouse cannot check with the write itself: events that are published. Asked
 * again by the clock on the wall, which goes on while a process, or its machine, stands still.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { ImportLife } from '../shared/import-plan.ts';
import { placeOf } from './close-load.ts';
import { loadName } from './import-tables.ts';
import { liveNameOf } from './publish-once.ts';
import { takenBackMeanwhile } from './settle-notes.ts';

/** As long as a process may stand still without being noticed: as the heartbeat timeout of the workflow. */
const FRESH_MS = 6_000;

/**
 * To be called before each message.
 * @throws SojournError `SJ_USAGE` where the import was taken back; Error where somebody else has published the chunk; what
 * ClickHouse throws
 */
export type StillLoading = () => Promise<void>;

export function createStillLoading(
  reader: ClickHouseClient,
  life: ImportLife & { readonly chunk?: number },
  now: () => number = Date.now,
): StillLoading {
  let askedAt = -Infinity;
  return async () => {
    // A clock that was put back tells nothing.
    const ageMs = now() - askedAt;
    if (ageMs >= 0 && ageMs < FRESH_MS) return;
    const at = now();
    const load = loadName(life);
    if ((await placeOf(reader, load)).isDone) throw takenBackMeanwhile(life);
    const { chunk } = life;
    if (chunk !== undefined && (await placeOf(reader, liveNameOf(load))).loadedTo >= chunk) {
      throw new Error(`another process has published chunk ${chunk} of import ${life.id}`);
    }
    askedAt = at;
  };
}
