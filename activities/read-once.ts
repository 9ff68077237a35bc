/**
 * The records of a range are wanted twice, to load them and then to announce them: reading and
 * decoding is half of the loader's work. What was read for loading is kept for announcing, once. What
 * a range holds never changes, so it does not matter who read it; where another worker did, or an
 * attempt before, the log is read again.
 */
import { type LogRange, rangeToken } from '../shared/ranges.ts';
import type { Rollup } from '../shared/rollup.ts';
import type { ReadableLog } from './load-batch.ts';

export interface ReadOnce {
  /** Reads, and keeps; at most one range of each partition. */
  readonly toLoad: ReadableLog;
  /** Takes what is kept, or reads. */
  readonly toAnnounce: ReadableLog;
}

export function createReadOnce(log: ReadableLog): ReadOnce {
  const kept = new Map<number, { readonly token: string; readonly records: Rollup[] }>();
  return {
    toLoad: {
      async readRange(range: LogRange) {
        kept.delete(range.partition);
        const records = await log.readRange(range);
        kept.set(range.partition, { token: rangeToken(range), records });
        return records;
      },
    },
    toAnnounce: {
      async readRange(range: LogRange) {
        const found = kept.get(range.partition);
        kept.delete(range.partition);
        return found?.token === rangeToken(range) ? found.records : log.readRange(range);
      },
    },
  };
}
