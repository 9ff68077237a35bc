/**
 * Which range of the rollup log was planned last, and whether it is loaded, kept beside the log. The loader's own
 * memory is its workflow, and an operator may terminate, reset or delete that: a loader that then began anew would plan
 * ranges that lie across what is loaded, and ClickHouse lets go all of a range whose beginning it has.
 */
import type { LogPosition, LogRange } from '../shared/ranges.ts';

export interface KeptRange {
  readonly range: LogRange;
  readonly isLoaded: boolean;
}

/** What is needed of NATS. */
export interface LoadLedger {
  read(partition: number): Promise<KeptRange | undefined>;
  /** Durable when it resolves. */
  keep(kept: KeptRange): Promise<void>;
}

/** Where a loader goes on that believes to be at `after`. */
export type Resumed =
  | { readonly after: LogPosition }
  /** Planned, and perhaps not loaded: to be loaded as it was planned, before anything else. */
  | { readonly again: LogRange };

export function resume(after: LogPosition, kept: KeptRange | undefined, log: string): Resumed {
  const isKnown = kept?.range.log === log;
  const isBehind = after.log !== log || after.seq < (kept?.range.to ?? 0);
  if (!isKnown || !isBehind) return { after };
  return kept.isLoaded ? { after: { log, seq: kept.range.to } } : { again: kept.range };
}

/** Whether a range is loaded, by itself or with what came after it. */
export function isLoaded(range: LogRange, kept: KeptRange | undefined): boolean {
  if (kept === undefined || kept.range.log !== range.log) return false;
  return kept.isLoaded ? kept.range.to >= range.to : kept.range.from > range.to;
}
