/** The next range of the rollup log to load: waits until there is one. */
import { RANGE_BYTES_MAX, RANGE_ROLLUPS_MAX } from '../shared/limits.ts';
import type { LogPosition, LogRange } from '../shared/ranges.ts';
import { type DatedLog, type LogEnd, placeIn } from './put-back.ts';

export interface PlanRequest {
  readonly partition: number;
  readonly after: LogPosition;
}

export interface SizedLogEnd extends LogEnd {
  /** Average size of the records in the log. */
  readonly recordBytes: number;
}

/** What is needed of the rollup log. */
export interface PlannableLog extends DatedLog {
  end(partition: number): Promise<SizedLogEnd>;
  /** Resolves when a record arrives in the partition, when `ms` are over, or when `stop` says so. */
  nextArrival(partition: number, ms: number, stop: AbortSignal): Promise<void>;
}

export interface Waiting {
  /** Tells the server that somebody still waits. */
  heartbeat(): void;
  /** The worker stops, or the activity is cancelled: somebody else will wait. */
  readonly stop: AbortSignal;
  /** How long to wait at all before the loader gets a breather, milliseconds. */
  readonly patienceMs: number;
  /** Once there is something, how long to let more come, milliseconds. */
  gatherMs(): number;
  sleep(ms: number): Promise<void>;
  now(): number;
}

const HEARTBEAT_EVERY_MS = 2_000;

/** Between two loads while records keep coming: an insert costs the same for one row and for a thousand. */
const LOAD_EVERY_MS = 1_000;
const GATHER_MS = { min: 50, max: 400 } as const;
/** So many records are worth an insert of their own once no more of them come for a moment. */
const WORTH_RECORDS = 20;
const QUIET_MS = 80;

/**
 * How long to let more records come, milliseconds: a moment where nothing was loaded lately.
 * @param sinceLastMs since the range before this one was planned
 */
export function gatherTime(sinceLastMs: number): number {
  return Math.max(GATHER_MS.min, Math.min(GATHER_MS.max, LOAD_EVERY_MS - sinceLastMs));
}

/** @returns null where nothing came for as long as patience lasts */
export async function planBatch(
  log: PlannableLog,
  waiting: Waiting,
  { partition, after }: PlanRequest,
): Promise<LogRange | null> {
  const giveUpAt = waiting.now() + waiting.patienceMs;
  let known = after;
  while (!waiting.stop.aborted) {
    const waitMs = Math.min(HEARTBEAT_EVERY_MS, Math.max(0, giveUpAt - waiting.now()));
    const arrival = log.nextArrival(partition, waitMs, waiting.stop);
    const end = await log.end(partition);
    const place = await placeIn(log, partition, known, end);
    if (place !== undefined && end.seq > place.seq) {
      const from = place.seq + 1;
      const recordsMax = recordsOf(end);
      const records = end.seq - place.seq;
      const later =
        records >= recordsMax ? end : await gather(log, waiting, partition, end, records);
      // Made anew, or put back, just now.
      if (later.log !== end.log || later.seq < end.seq) continue;
      const to = Math.min(later.seq, place.seq + recordsMax);
      const at = to === later.seq ? later.at : await log.timeOf(to);
      return { partition, log: place.log, from, to, ...(at !== undefined && { at }) };
    }
    known = place ?? known;
    if (waiting.now() >= giveUpAt) return null;
    waiting.heartbeat();
    await arrival;
  }
  return null;
}

/** Lets more records come, for as long as is due; less long where there are many already, and none comes. */
async function gather(
  log: PlannableLog,
  waiting: Waiting,
  partition: number,
  end: SizedLogEnd,
  records: number,
): Promise<SizedLogEnd> {
  const until = waiting.now() + waiting.gatherMs();
  const isWorthIt = records >= WORTH_RECORDS;
  for (let before = end; ;) {
    const leftMs = until - waiting.now();
    await waiting.sleep(isWorthIt ? Math.min(leftMs, QUIET_MS) : leftMs);
    const later = await log.end(partition);
    if (later.seq === before.seq || waiting.now() >= until) return later;
    before = later;
  }
}

/** How many records a range may have: all of them are in memory while they are summed. */
function recordsOf({ recordBytes }: SizedLogEnd): number {
  const byBytes = Math.floor(RANGE_BYTES_MAX / Math.max(1, recordBytes));
  return Math.max(1, Math.min(RANGE_ROLLUPS_MAX, byBytes));
}
