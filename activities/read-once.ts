/**
 * The sums of a range are wanted twice, to load them and then to announce them: reading, decoding and
 * summing is most of the loader's work. What was summed for loading is kept for announcing, once. What
 * a range holds never changes, so it does not matter who read it; where another worker did, or an
 * attempt before, the log is read again.
 *
 * Under backlog the next two ranges are read while this one is inserted and announced. They are those
 * that will be planned next, most likely: another one is simply read when it comes, and so is one whose last record
 * is another by then, since the log was put back meanwhile.
 */
import { RANGE_ROLLUPS_MAX } from '../shared/limits.ts';
import { type LogRange, rangeToken } from '../shared/ranges.ts';
import type { RangeSums } from '../shared/rollup.ts';
import type { BoundValues } from './bound-values.ts';
import type { ReadableLog } from './load-batch.ts';

export interface ReadOnce {
  /** Takes what was read ahead, or reads, and keeps it: with what is ahead, three ranges of a partition. */
  readonly toLoad: ReadableLog;
  /** Takes what is kept, or reads. */
  readonly toAnnounce: ReadableLog;
}

interface Kept<T> {
  readonly token: string;
  readonly sums: T;
}

/** Ranges read ahead, one after the other. */
type Ahead = Kept<Promise<RangeSums>>[];

/** One would leave this process idle while a load ends and the next is planned. */
const AHEAD_MAX = 2;

/** @param bound applied to what was read, when its turn has come: what is read ahead is as it is in the log */
export function createReadOnce(log: ReadableLog, bound: BoundValues): ReadOnce {
  const kept = new Map<number, Kept<RangeSums>>();
  const aheads = new Map<number, Ahead>();

  async function take(range: LogRange): Promise<RangeSums> {
    const known = aheads.get(range.partition) ?? [];
    const isNext = known[0]?.token === rangeToken(range);
    const ahead = isNext ? known : [];
    aheads.set(range.partition, ahead);
    const before = await ahead.shift()?.sums.catch(() => undefined);
    const isAsPlanned = range.at === undefined || before?.lastAt === range.at;
    const read = (isAsPlanned ? before : undefined) ?? (await log.sumRange(range));
    readOn(ahead, range, read.behind);
    return read;
  }

  /** Reads what lies behind a range, where that is a full one too. */
  function readOn(ahead: Ahead, range: LogRange, behind: number): void {
    if (range.to - range.from + 1 < RANGE_ROLLUPS_MAX || behind < RANGE_ROLLUPS_MAX) return;
    const { partition, log: life, to } = range;
    const next = { partition, log: life, from: to + 1, to: to + RANGE_ROLLUPS_MAX };
    const token = rangeToken(next);
    let entry = ahead.find((other) => other.token === token);
    if (entry === undefined) {
      if (ahead.length >= AHEAD_MAX || aheads.get(range.partition) !== ahead) return;
      entry = { token, sums: log.sumRange(next) };
      ahead.push(entry);
    }
    entry.sums.then(
      (read) => {
        readOn(ahead, next, read.behind);
      },
      // Whoever loads that range reads it again, and fails where that fails.
      () => undefined,
    );
  }

  return {
    toLoad: {
      async sumRange(range: LogRange) {
        kept.delete(range.partition);
        const sums = await bound(range, await take(range));
        kept.set(range.partition, { token: rangeToken(range), sums });
        return sums;
      },
    },
    toAnnounce: {
      async sumRange(range: LogRange) {
        const found = kept.get(range.partition);
        kept.delete(range.partition);
        if (found?.token === rangeToken(range)) return found.sums;
        return bound(range, await log.sumRange(range));
      },
    },
  };
}
