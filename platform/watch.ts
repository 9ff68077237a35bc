/**
 * Who is told of what passes through a process, for its metrics. It is called on the way of events: cheap, and it
 * throws nothing.
 */
import type { EndReason } from '../shared/rollup.ts';

export interface Watch {
  /** A batch was taken by its session. @param how what it took: `started`, `signalled`, `reopened`, `known` */
  delivered(how: string, tookMs: number): void;
  /** A batch was not taken, and is tried again or given up. */
  deliveryFailed(): void;
  /** DEADLETTERS keeps one. @param reason the sentence that stands in its header */
  deadLetter(project: string, reason: string): void;
  /** A range of the rollup log is in ClickHouse. */
  loaded(records: number, tookMs: number): void;
  /** The load of a range is begun once more: an attempt before, here or elsewhere, did not come to its end. */
  loadRepeated(): void;
  /** A run of a session comes to its end. */
  sessionEnded(reason: EndReason): void;
}

/** Where nobody wants to know. */
export const NO_WATCH: Watch = {
  delivered: () => undefined,
  deliveryFailed: () => undefined,
  deadLetter: () => undefined,
  loaded: () => undefined,
  loadRepeated: () => undefined,
  sessionEnded: () => undefined,
};
