/**
 * Whether an import still goes on, for what ClickHouse cannot check with the write itself: events that are published. Asked
 * again by the clock on the wall, which goes on while a process, or its machine, stands still.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { ImportLife } from '../shared/import-plan.ts';
import { placeOf } from './close-load.ts';
import { loadName } from './import-tables.ts';
import { takenBackMeanwhile } from './settle-notes.ts';

/** As long as a process may stand still without being noticed: as the heartbeat timeout of the workflow. */
const FRESH_MS = 6_000;

/** To be called before each message. @throws SojournError `SJ_USAGE` where the import was taken back; what ClickHouse throws */
export type StillLoading = () => Promise<void>;

export function createStillLoading(
  reader: ClickHouseClient,
  life: ImportLife,
  now: () => number = Date.now,
): StillLoading {
  let askedAt = -Infinity;
  return async () => {
    // A clock that was put back tells nothing.
    const ageMs = now() - askedAt;
    if (ageMs >= 0 && ageMs < FRESH_MS) return;
    const at = now();
    if ((await placeOf(reader, loadName(life))).isDone) throw takenBackMeanwhile(life);
    askedAt = at;
  };
}
