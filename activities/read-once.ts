/**
 * The sums of a range are wanted twice, to load them and then to announce them: reading, decoding and
 * summing is most of the loader's work. What was summed for loading is kept for announcing, once. What
 * a range holds never changes, so it does not matter who read it; where another worker did, or an
 * attempt before, the log is read again.
 *
 * Under backlog the next range is read while this one is inserted. It is the range that will be planned
 * next, most likely: another one is simply read when it comes.
 */
import { RANGE_ROLLUPS_MAX } from '../shared/limits.ts';
import { type LogRange, rangeToken } from '../shared/ranges.ts';
import type { RangeSums } from '../shared/rollup.ts';
import type { ReadableLog } from './load-batch.ts';

export interface ReadOnce {
  /** Takes what was read ahead, or reads, and keeps it; at most one range of each partition. */
  readonly toLoad: ReadableLog;
  /** Takes what is kept, or reads. */
  readonly toAnnounce: ReadableLog;
}

interface Kept<T> {
  readonly token: string;
  readonly sums: T;
}

/** At most two ranges of each partition are in memory: the one at work and the next. */
export function createReadOnce(log: ReadableLog): ReadOnce {
  const kept = new Map<number, Kept<RangeSums>>();
  const ahead = new Map<number, Kept<Promise<RangeSums | undefined>>>();

  async function take(range: LogRange): Promise<RangeSums> {
    const found = ahead.get(range.partition);
    ahead.delete(range.partition);
    const read = found?.token === rangeToken(range) ? await found.sums : undefined;
    return read ?? (await log.sumRange(range));
  }

  function readAhead(range: LogRange, behind: number): void {
    if (range.to - range.from + 1 < RANGE_ROLLUPS_MAX || behind < RANGE_ROLLUPS_MAX) return;
    const next = { ...range, from: range.to + 1, to: range.to + RANGE_ROLLUPS_MAX };
    // Whoever loads that range reads it again, and fails where that fails.
    const sums = log.sumRange(next).catch(() => undefined);
    ahead.set(range.partition, { token: rangeToken(next), sums });
  }

  return {
    toLoad: {
      async sumRange(range: LogRange) {
        kept.delete(range.partition);
        const sums = await take(range);
        kept.set(range.partition, { token: rangeToken(range), sums });
        readAhead(range, sums.behind);
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
