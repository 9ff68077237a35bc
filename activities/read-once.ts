/**
 * The sums of a range are wanted twice, to load them and then to announce them: reading, decoding and
 * summing is most of the loader's work. What was summed for loading is kept for announcing, once. What
 * a range holds never changes, so it does not matter who read it; where another worker did, or an
 * attempt before, the log is read again.
 */
import { type LogRange, rangeToken } from '../shared/ranges.ts';
import type { RangeSums } from '../shared/rollup.ts';
import type { ReadableLog } from './load-batch.ts';

export interface ReadOnce {
  /** Reads, and keeps; at most one range of each partition. */
  readonly toLoad: ReadableLog;
  /** Takes what is kept, or reads. */
  readonly toAnnounce: ReadableLog;
}

export function createReadOnce(log: ReadableLog): ReadOnce {
  const kept = new Map<number, { readonly token: string; readonly sums: RangeSums }>();
  return {
    toLoad: {
      async sumRange(range: LogRange) {
        kept.delete(range.partition);
        const sums = await log.sumRange(range);
        kept.set(range.partition, { token: rangeToken(range), sums });
        return sums;
      },
    },
    toAnnounce: {
      async sumRange(range: LogRange) {
        const found = kept.get(range.partition);
        kept.delete(range.partition);
        return found?.token === rangeToken(range) ? found.sums : log.sumRange(range);
      },
    },
  };
}
