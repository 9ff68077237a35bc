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
  /** Resolves when a record arrives in the partition (true), when `ms` are over, or when `stop` says so (false). */
  nextArrival(partition: number, ms: number, stop: AbortSignal): Promise<boolean>;
}

export interface Waiting {
  /** Tells the server that somebody still waits. */
  heartbeat(): void;
  /** The worker stops, or the activity is cancelled: somebody else will wait. */
  readonly stop: AbortSignal;
  /** How long to wait at all before the loader gets a breather, milliseconds. */
  readonly patienceMs: number;
  /** Once there is something, how long to let more come at the least, milliseconds. */
  gatherMs(): number;
  sleep(ms: number): Promise<void>;
  now(): number;
}

/** Well within the heartbeat timeout of the loader. A record that arrives is heard of at once: this is for those that were missed. */
const LOOK_EVERY_MS = 5_000;

/** Between two loads while records keep coming: an insert costs the same for one row and for a thousand. */
const LOAD_EVERY_MS = 400;
/** Records come in pulses (docs/decisions/028): so long after the last one of a pulse no more of it come, */
const QUIET_MS = 80;
/** and where they come without a break, they are loaded nevertheless. */
const PULSE_MS_MAX = 300;

/**
 * How long to let more records come at the least, milliseconds: no two loads follow each other closely.
 * @param sinceLastMs since the range before this one was planned
 */
export function gatherTime(sinceLastMs: number): number {
  return Math.max(QUIET_MS, LOAD_EVERY_MS - sinceLastMs);
}

/** @returns null where nothing came for as long as patience lasts */
export async function planBatch(
  log: PlannableLog,
  waiting: Waiting,
  { partition, after }: PlanRequest,
): Promise<LogRange | null> {
  const giveUpAt = waiting.now() + waiting.patienceMs;
  let known = after;
  let hasGathered = false;
  while (!waiting.stop.aborted) {
    const waitMs = Math.min(LOOK_EVERY_MS, Math.max(0, giveUpAt - waiting.now()));
    const arrival = log.nextArrival(partition, waitMs, waiting.stop);
    const end = await log.end(partition);
    const place = await placeIn(log, partition, known, end);
    if (place !== undefined && end.seq > place.seq) {
      const recordsMax = recordsOf(end);
      if (!hasGathered && end.seq - place.seq < recordsMax) {
        await gather(log, waiting, partition);
        hasGathered = true;
        continue;
      }
      const from = place.seq + 1;
      const to = Math.min(end.seq, place.seq + recordsMax);
      const at = to === end.seq ? end.at : await log.timeOf(to);
      return { partition, log: place.log, from, to, ...(at !== undefined && { at }) };
    }
    known = place ?? known;
    if (waiting.now() >= giveUpAt) return null;
    waiting.heartbeat();
    hasGathered = await arrival;
    // Heard of, so the log is looked at once all of it is there.
    if (hasGathered) await gather(log, waiting, partition);
  }
  return null;
}

/** Lets more records come, for as long as is due, and then until the pulse is over that they are of. */
async function gather(log: PlannableLog, waiting: Waiting, partition: number): Promise<void> {
  const waitMs = waiting.gatherMs();
  const until = waiting.now() + waitMs + PULSE_MS_MAX;
  await waiting.sleep(waitMs);
  while (waiting.now() < until) {
    if (!(await log.nextArrival(partition, QUIET_MS, waiting.stop))) return;
    await waiting.sleep(QUIET_MS);
  }
}

/** How many records a range may have: all of them are in memory while they are summed. */
function recordsOf({ recordBytes }: SizedLogEnd): number {
  const byBytes = Math.floor(RANGE_BYTES_MAX / Math.max(1, recordBytes));
  return Math.max(1, Math.min(RANGE_ROLLUPS_MAX, byBytes));
}
