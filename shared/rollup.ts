/**
 * The difference a session hands over, and what the loader makes of many: one record of the rollup
 * log (stream ROLLUPS). Its subject is its identity, its content never changes.
 */
import { type Contributions, createRowSums, type WireRow } from './contributions.ts';
import { SojournError } from './errors.ts';
import { rollupSubject, sessionWorkflowId } from './ids.ts';
import type { SessionFigures } from './session-facts.ts';
import type { Bundle, TakenTraces } from './traces.ts';

export type SessionStatus = 'open' | 'ended';
export type EndReason = 'session_end' | 'idle' | 'operator';

/** What the table `sessions` shows of a session. */
export interface SessionRow extends SessionFigures {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
  /** An operator has taken it out of the numbers: its rows add up to nothing. */
  readonly excluded?: true;
  /** The version of the catalogue whose lines its rows are of; 1 where nobody says. */
  readonly catalogue?: number;
  /** Epoch milliseconds UTC, by the workflow's clock. */
  readonly updatedAt: number;
}

export interface Rollup {
  /** 1: rows have their key in five parts. */
  readonly version: 1 | 2;
  readonly project: string;
  readonly sessionId: string;
  /** First run of the session: with `writeNo` the identity of this record. */
  readonly identity: string;
  readonly writeNo: number;
  /** Where it lies; 0 where nobody says. */
  readonly partition?: number;
  /** First run of the chain of runs that wrote it: a reopened session is another chain. */
  readonly by: string;
  readonly rows: readonly WireRow[];
  /** Rows are left over for the next record. */
  readonly owesMore: boolean;
  readonly session: SessionRow;
}

/** The record as bytes are made of it. */
export function encodeRollup(rollup: Rollup): string {
  return JSON.stringify(rollup);
}

/** A record as it is appended to the log. */
export interface LogEntry {
  readonly subject: string;
  readonly data: string;
  /** The session that writes it, for the purge. */
  readonly workflowId: string;
  /**
   * Its number, where an earlier attempt at the workflow task that hands it over may have handed over another
   * record under that number.
   */
  readonly mayDiffer?: number;
  /** Traces of the events in it, where they are recorded: beside the record, not of it. */
  readonly traces?: TakenTraces;
}

/** Subject, bytes and origin of a record: the same for each attempt at a write, whoever makes it. */
export function entryOf(rollup: Rollup): LogEntry {
  const { project, sessionId, identity, writeNo, partition = 0 } = rollup;
  return {
    subject: rollupSubject(partition, identity, writeNo),
    data: encodeRollup(rollup),
    workflowId: sessionWorkflowId(project, sessionId),
  };
}

/**
 * Reads a record.
 * @throws SojournError `SJ_ROLLUP_INVALID` on anything but what {@link encodeRollup} wrote
 */
export function decodeRollup(text: string): Rollup {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new SojournError('SJ_ROLLUP_INVALID', 'a rollup record is no JSON', { cause: error });
  }
  if (!isRollup(value)) {
    throw new SojournError(
      'SJ_ROLLUP_INVALID',
      'a rollup record has another shape than version 1 or 2',
    );
  }
  return value;
}

function isRollup(value: unknown): value is Rollup {
  if (typeof value !== 'object' || value === null) return false;
  const record = value as Partial<Record<keyof Rollup, unknown>>;
  return (
    (record.version === 2 || record.version === 1) &&
    typeof record.project === 'string' &&
    typeof record.sessionId === 'string' &&
    typeof record.identity === 'string' &&
    typeof record.writeNo === 'number' &&
    typeof record.by === 'string' &&
    Array.isArray(record.rows) &&
    typeof record.owesMore === 'boolean' &&
    typeof record.session === 'object'
  );
}

/** What a record says of its session. */
export type SessionRecord = Pick<
  Rollup,
  'project' | 'sessionId' | 'identity' | 'writeNo' | 'session'
>;

/** What a range of the log adds up to. */
export interface RangeSums {
  /** Metric rows by project. */
  readonly metrics: ReadonlyMap<string, Contributions>;
  /** The newest record of each session of the range. */
  readonly sessions: readonly SessionRecord[];
  /** How many records there are. */
  readonly records: number;
  /** How many records lay behind the range when it was read. */
  readonly behind: number;
  /** When the log took the last record: nanoseconds since 1970, as digits. Not known of what was read in pieces. */
  readonly lastAt?: string;
  /** The log was put back since the range was planned: this is what is left of it. */
  readonly isCut?: true;
  /** Traces of its records, where they are recorded: texts like `traceparent`. */
  readonly traces?: Bundle<string>;
}

/** Sums records as they come, by project and row key; of several of one session the newest row stays. */
export function createRangeSums(): {
  add(rollup: Rollup): void;
  sums(behind?: number): RangeSums;
} {
  const metrics = new Map<string, ReturnType<typeof createRowSums>>();
  const sessions = new Map<string, SessionRecord>();
  let records = 0;
  return {
    add({ project, sessionId, identity, writeNo, session, rows }) {
      records += 1;
      let sums = metrics.get(project);
      if (sums === undefined) {
        sums = createRowSums();
        metrics.set(project, sums);
      }
      sums.add(rows);
      const newest = sessions.get(identity);
      if (newest === undefined || newest.writeNo < writeNo) {
        // Without its rows: they would be most of what is held until the range is inserted.
        sessions.set(identity, { project, sessionId, identity, writeNo, session });
      }
    },
    sums: (behind = 0) => ({
      metrics: new Map(Array.from(metrics, ([project, rows]) => [project, rows.sums()])),
      sessions: [...sessions.values()],
      records,
      behind,
    }),
  };
}

/** What records add up to. */
export function sumRollups(rollups: Iterable<Rollup>): RangeSums {
  const sums = createRangeSums();
  for (const rollup of rollups) sums.add(rollup);
  return sums.sums();
}
