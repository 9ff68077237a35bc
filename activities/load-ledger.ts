/**
 * Which range of the rollup log was planned last, and whether it is loaded, kept beside the log. The loader's own
 * memory is its workflow, and an operator may terminate, reset or delete that: a loader that then began anew would plan
 * ranges that lie across what is loaded, and ClickHouse lets go all of a range whose beginning it has.
 */
import {
  beganAt,
  endOf,
  isBefore,
  type LogPosition,
  type LogRange,
  streamOf,
} from '../shared/ranges.ts';

export interface KeptRange {
  readonly range: LogRange;
  readonly isLoaded: boolean;
}

/** One that was read: its place in the ledger. */
export interface NotedRange extends KeptRange {
  readonly place: number;
}

/** What is needed of NATS. */
export interface LoadLedger {
  read(partition: number): Promise<NotedRange | undefined>;
  /**
   * Durable when it resolves.
   * @param over place of what it takes the place of; 0 where there was none
   * @returns its own place
   * @throws where something else stands in that place: an attempt that stood still must not set back what others kept
   */
  keep(kept: KeptRange, over: number): Promise<number>;
}

/** What is needed of ClickHouse: it knows itself what it has. */
export interface LoadedTables {
  /** Up to where it has a partition of a stream of the log; undefined where it has nothing of it. */
  loadedTo(partition: number, stream: string): Promise<LogPosition | undefined>;
}

/**
 * Whether ClickHouse is further than where a range begins that was planned by what workflow and ledger remember. They
 * were put back to older copies, both, and maybe the log with them: the view would let go whatever comes under sequences
 * that it has. Where the log goes on follows from ClickHouse's place then.
 */
export function isLoadedBeyond({ log, from }: LogRange, loaded: LogPosition): boolean {
  return streamOf(loaded.log) === streamOf(log) && isBefore({ log, seq: from - 1 }, loaded);
}

/**
 * Whether ClickHouse lacks what was loaded before a range: it was put back to an older copy, or somebody emptied its
 * tables. The loader goes on all the same: what it has forgotten, the log may have as well.
 */
export function isLessThanLoaded(
  { log, from }: LogRange,
  after: LogPosition,
  loaded: LogPosition | undefined,
): boolean {
  if (log !== after.log || from !== after.seq + 1 || after.seq === 0) return false;
  return loaded === undefined || isBefore(loaded, after);
}

/**
 * The same of a range that is about to be loaded, of which nobody remembers what it came after: once it is loaded, it
 * hides what is missing before it. Of a later life of the log nothing is said where ClickHouse has nothing of it yet.
 */
export function isLackingBefore({ log, from }: LogRange, loaded: LogPosition | undefined): boolean {
  if (loaded === undefined) return from > 1 && beganAt(log) === 0;
  return loaded.log === log && loaded.seq < from - 1;
}

/** Where a loader goes on that believes to be at `after`. */
export type Resumed =
  | { readonly after: LogPosition }
  /** Planned, and perhaps not loaded: to be loaded as it was planned, before anything else. */
  | { readonly again: LogRange };

/** @param stream that of the log as it is now */
export function resume(after: LogPosition, kept: KeptRange | undefined, stream: string): Resumed {
  if (kept === undefined || streamOf(kept.range.log) !== stream) return { after };
  const place = endOf(kept.range);
  // The ledger is put back together with the log: then it is the one that lies behind.
  if (streamOf(after.log) === stream && !isBefore(after, place)) return { after };
  return kept.isLoaded ? { after: place } : { again: kept.range };
}

/** Whether a range is loaded, by itself or with what came after it. */
export function isLoaded(range: LogRange, kept: KeptRange | undefined): boolean {
  if (kept === undefined || streamOf(kept.range.log) !== streamOf(range.log)) return false;
  // A later life of the log begins when all that was planned of the one before is loaded.
  if (kept.range.log !== range.log) return beganAt(kept.range.log) > beganAt(range.log);
  return kept.isLoaded ? kept.range.to >= range.to : kept.range.from > range.to;
}

/**
 * Whether nothing of a range is to be loaded any more: it is, or its stream is not there any more. A loader that was
 * reset may come with one that it had planned before the log was made anew; what the ledger says of the new log must not
 * be overwritten by that. And where a backup brings back a stream from before, what lies at the range's places was loaded.
 * @param stream tells that of the log as it is now
 */
export async function isOver(
  range: LogRange,
  kept: KeptRange | undefined,
  stream: () => Promise<string>,
): Promise<boolean> {
  if (isLoaded(range, kept)) return true;
  if (kept !== undefined && streamOf(kept.range.log) === streamOf(range.log)) return false;
  return streamOf(range.log) !== (await stream());
}
