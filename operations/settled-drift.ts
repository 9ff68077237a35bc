/**
 * What really differs between `sessions` and `metrics`, as far as one can tell while a loader is at
 * work: it inserts into one table after the other, so a single look may fall in between. Pure: whoever
 * calls it looks and waits.
 */

/** A row of the view `sojourn.drift`; amounts are decimal texts. */
export interface DriftRow {
  readonly project: string;
  readonly metricType: string;
  readonly granularity: string;
  /** RFC 3339, UTC; 1970 for a total over all time. */
  readonly bucket: string;
  readonly dimension: string;
  readonly dimensionValue: string;
  readonly inSessions: string;
  readonly inMetrics: string;
  readonly countInSessions: string;
  readonly countInMetrics: string;
}

/** One look at both tables. */
export interface Look {
  /** Rows that were compared. */
  readonly compared: number;
  readonly differing: number;
  /** The rows that differ; the first ones of them where they are very many. */
  readonly rows: readonly DriftRow[];
  /** How far each log had been loaded before the look and after it. */
  readonly loadedBefore: string;
  readonly loadedAfter: string;
}

export interface Finding {
  readonly compared: number;
  readonly differing: number;
  /** False where the loader never paused: what differs may have been on its way. */
  readonly settled: boolean;
  readonly rows: readonly DriftRow[];
}

export interface Looking {
  look(): Promise<Look>;
  /** Long enough for a range that is being loaded to be loaded. */
  pause(): Promise<void>;
  /** Told before each look, from 1. */
  onLook?(number: number): void;
}

export const LOOKS_MAX = 6;

/**
 * Looks until it is sure, or {@link LOOKS_MAX} times. Two sums that were equal in one look are equal,
 * whatever the loader did around it. Two that differ count as such when they differ in every look, and
 * for sure when two looks in a row say the same and nothing was loaded in between.
 */
export async function findDrift(looking: Looking): Promise<Finding> {
  let last: Look | undefined;
  let suspects: ReadonlyMap<string, DriftRow> | undefined;
  for (let number = 1; ; number += 1) {
    looking.onLook?.(number);
    const now = await looking.look();
    suspects = stillSuspect(suspects, now);
    const isCertain = suspects.size === 0 || sawTheSame(last, now);
    if (isCertain || number === LOOKS_MAX) {
      const isCut = now.differing > now.rows.length;
      return {
        compared: now.compared,
        differing: isCut ? now.differing : suspects.size,
        settled: isCertain,
        rows: [...suspects.values()],
      };
    }
    last = now;
    await looking.pause();
  }
}

/** Rows that have differed in every look, as they are now. */
function stillSuspect(
  before: ReadonlyMap<string, DriftRow> | undefined,
  { rows, differing }: Look,
): ReadonlyMap<string, DriftRow> {
  const now = new Map(rows.map((row) => [keyOf(row), row]));
  // Of very many only some were read: that a row is not among them proves nothing.
  if (before === undefined || differing > rows.length) return now;
  return new Map([...now].filter(([key]) => before.has(key)));
}

function sawTheSame(last: Look | undefined, now: Look): boolean {
  return (
    last !== undefined &&
    last.loadedBefore === now.loadedAfter &&
    JSON.stringify(last.rows) === JSON.stringify(now.rows)
  );
}

function keyOf(row: DriftRow): string {
  const { project, metricType, granularity, bucket, dimension, dimensionValue } = row;
  return JSON.stringify([project, metricType, granularity, bucket, dimension, dimensionValue]);
}
