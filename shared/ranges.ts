/** Ranges of the rollup log: what the loader plans, loads, announces and in the end purges. */

/** A place in the rollup log. A log that was made anew or put back gives its sequences out again. */
export interface LogPosition {
  /** One life of the log: its stream, and where that was put back to an older copy, since when ({@link laterLife}). */
  readonly log: string;
  /** Stream sequence of the last record dealt with; 0 before the first. */
  readonly seq: number;
  /** When the log took that record: nanoseconds since 1970, as digits. Not known where earlier versions planned it. */
  readonly at?: string;
}

/** Records `from` to `to`, both included, planned before they are loaded. */
export interface LogRange {
  readonly partition: number;
  readonly log: string;
  readonly from: number;
  readonly to: number;
  /** When the log took the last of them, as in {@link LogPosition}. */
  readonly at?: string;
  /**
   * How many values a dimension may have (shared/value-bounds.ts): what was set when it was planned counts however often it is
   * tried. Not given where an earlier version planned it, which had no bound.
   */
  readonly valuesMax?: number;
}

/** The place behind a range. */
export function endOf({ log, to: seq, at }: LogRange): LogPosition {
  return { log, seq, ...(at !== undefined && { at }) };
}

/** A stream goes by when it was made, in epoch milliseconds, as the server tells it: it is its first life. */
export function streamOf(log: string): string {
  return log.split('-', 1)[0] ?? '';
}

/** The life of a log that was put back, by the time of the first record that it took since. */
export function laterLife(stream: string, sinceMs: number): string {
  return `${stream}-${sinceMs}`;
}

/**
 * Since when a life of its stream goes, epoch milliseconds: that of a later one is greater. 0 for the first one, and for
 * what is no stream at all but a load in bulk.
 */
export function beganAt(log: string): number {
  return Number(/^[^/-]+-(\d+)$/.exec(log)?.[1] ?? 0);
}

/** Whether one place lies before another of the same stream. */
export function isBefore(one: LogPosition, other: LogPosition): boolean {
  const [began, otherBegan] = [beganAt(one.log), beganAt(other.log)];
  return began === otherBegan ? one.seq < other.seq : began < otherBegan;
}

/** The name of a range everywhere: insert token, message id. Content under a token never changes. */
export function rangeToken({ partition, log, from, to }: LogRange): string {
  return `rollups-${partition}-${log}-${from}-${to}`;
}

/** When, in the loader's own running time, a record had been loaded. */
interface Mark {
  readonly seq: number;
  readonly at: number;
}

export interface LoaderProgress {
  readonly partition: number;
  readonly position: LogPosition;
  /** Everything up to here may be purged, but for what a running session might write again. */
  readonly purgeable: number;
  readonly purged: number;
}

/**
 * The loader's memory. Its running time stands still while no worker runs it, so that sessions that
 * could not run either find their records when they come back.
 */
export interface LoaderState {
  readonly partition: number;
  position: LogPosition;
  runningMs: number;
  lastTickAt: number | undefined;
  marks: Mark[];
  purged: number;
  lastPurgeAtMs: number;
}

/** A pause of the loader longer than this is an outage and does not count as running. */
const TICK_MS_MAX = 60_000;
/** One mark a minute is enough to tell minutes. */
const MARK_EVERY_MS = 60_000;

/** How long loaded records stay in the log, and how often it is purged, by the loader's running time. */
export interface PurgePace {
  readonly keptMs: number;
  readonly everyMs: number;
}

/** Kept for far longer than a workflow task is tried again, or the list of running sessions is late. */
export const PURGE_PACE: PurgePace = { keptMs: 10 * 60_000, everyMs: 2 * 60_000 };
/** That of loaders that were running before it became quicker. */
export const SLOW_PURGE_PACE: PurgePace = { keptMs: 60 * 60_000, everyMs: 5 * 60_000 };

export function openLoader(partition: number): LoaderState {
  return {
    partition,
    position: { log: '', seq: 0 },
    runningMs: 0,
    lastTickAt: undefined,
    marks: [],
    purged: 0,
    lastPurgeAtMs: 0,
  };
}

/** Lets the running time go on. @param now epoch milliseconds, by the workflow's clock */
export function tick(state: LoaderState, now: number): void {
  const elapsed = now - (state.lastTickAt ?? now);
  state.runningMs += Math.max(0, Math.min(elapsed, TICK_MS_MAX));
  state.lastTickAt = now;
}

/** Notes that a range is loaded and announced. */
export function advance(state: LoaderState, range: LogRange): void {
  if (range.log !== state.position.log) {
    state.marks = [];
    state.purged = 0;
  }
  state.position = endOf(range);
  const newest = state.marks.at(-1);
  if (newest === undefined || state.runningMs - newest.at >= MARK_EVERY_MS) {
    state.marks.push({ seq: range.to, at: state.runningMs });
  }
}

/** The sequence up to which records have been loaded for long enough; 0 where there are none. */
export function purgeableUpTo({ marks, runningMs }: LoaderState, { keptMs } = PURGE_PACE): number {
  const old = marks.findLast((mark) => runningMs - mark.at >= keptMs);
  return old?.seq ?? 0;
}

/** Whether it is time to purge, and up to where. */
export function duePurge(state: LoaderState, pace = PURGE_PACE): number | undefined {
  const upTo = purgeableUpTo(state, pace);
  const due = upTo > state.purged && state.runningMs - state.lastPurgeAtMs >= pace.everyMs;
  return due ? upTo : undefined;
}

/** Notes a purge. Records kept back for running sessions stay to the next one. */
export function purgedUpTo(state: LoaderState, seq: number): void {
  state.purged = seq;
  state.lastPurgeAtMs = state.runningMs;
  state.marks = state.marks.filter((mark) => mark.seq > seq);
}
