/**
 * Whether the rollup log was put back to an older copy, and where it goes on. JetStream then gives out again the
 * sequences of the records that it has lost, so a place is known by its sequence and the time its record was taken:
 *
 *   as loaded     ... 28 29 30 31 32 33        the loader's place: 33, taken at 12:07
 *   put back      ... 28 29 30                 the copy's last record, taken at 12:05
 *   written anew  ... 28 29 30 31 32           the first taken after 12:07 is 31: a later life of the log begins there
 *
 * What the copy holds had been loaded: it is no newer than the place. What it lost had been loaded as well, up to the
 * place; records that were written and not loaded yet when NATS stopped are lost.
 */
import { laterLife, type LogPosition, streamOf } from '../shared/ranges.ts';

/** Nanoseconds since 1970, as digits. */
export type Nanos = string;

/** What is needed of the rollup log. */
export interface DatedLog {
  /** When the log took a record, of whatever partition; undefined where it has none of this sequence. */
  timeOf(seq: number): Promise<Nanos | undefined>;
  /** The first record of a partition that it took later. */
  firstAfter(partition: number, at: Nanos): Promise<DatedPlace | undefined>;
}

export interface DatedPlace {
  readonly seq: number;
  readonly at: Nanos;
}

export interface LogEnd {
  /** Its stream ({@link streamOf}). */
  readonly log: string;
  /** Last record of the partition; 0 where it is empty. */
  readonly seq: number;
  /** When the log took that. */
  readonly at?: Nanos;
  /** Last sequence that was given out, of whatever partition, also where the record is purged by now. */
  readonly lastSeq: number;
}

/** Whether what the log holds now is not what a place of the same stream was in. */
export async function isPutBack(
  log: Pick<DatedLog, 'timeOf'>,
  { seq, at }: LogPosition,
  end: LogEnd,
): Promise<boolean> {
  if (end.lastSeq < seq) return true;
  if (at === undefined) return false;
  const found = end.seq === seq ? end.at : await log.timeOf(seq);
  // Where there is none, it was purged: what is written anew stays until it is loaded.
  return found !== undefined && found !== at;
}

/**
 * Where to go on that has come to `after`, in the log as it is now.
 * @returns undefined where the log was put back and nothing was written since
 */
export async function placeIn(
  log: DatedLog,
  partition: number,
  after: LogPosition,
  end: LogEnd,
): Promise<LogPosition | undefined> {
  const stream = streamOf(after.log);
  if (stream !== end.log) {
    // One that had been deleted is back: what it holds was loaded in its time. Else it was made anew: it is loaded from its start.
    return Number(stream) > Number(end.log)
      ? writtenAfter(log, partition, after.at ?? String(BigInt(stream) * NANOS_PER_MS), end)
      : { log: end.log, seq: 0 };
  }
  if (!(await isPutBack(log, after, end))) return after;
  // Planned by a version that kept no times: what is there now may be loaded, what comes is not.
  if (after.at === undefined) {
    return { log: laterLife(end.log, millisOf(end.at ?? NO_TIME)), seq: end.lastSeq };
  }
  return writtenAfter(log, partition, after.at, end);
}

/** Before the first record that the log took since, in a life of its own. */
async function writtenAfter(
  log: DatedLog,
  partition: number,
  at: Nanos,
  end: LogEnd,
): Promise<LogPosition | undefined> {
  const first = await log.firstAfter(partition, at);
  if (first === undefined) return undefined;
  return { log: laterLife(end.log, millisOf(first.at)), seq: first.seq - 1 };
}

const NANOS_PER_MS = 1_000_000n;

/** A millisecond: any life that is not the first one began later than 0. */
const NO_TIME: Nanos = '1000000';

export function millisOf(at: Nanos): number {
  return Number(BigInt(at) / NANOS_PER_MS);
}
