/**
 * Who is told of what passes through a process, for its metrics. It is called on the way of events: cheap, and it
 * throws nothing.
 */
export interface Watch {
  /** A batch was taken by its session. @param how what it took: `started`, `signalled`, `reopened`, `known` */
  delivered(how: string, tookMs: number): void;
  /** A batch was not taken, and is tried again or given up. */
  deliveryFailed(): void;
  /** DEADLETTERS keeps one. @param reason the sentence that stands in its header */
  deadLetter(project: string, reason: string): void;
  /** A range of the rollup log is in ClickHouse. */
  loaded(records: number, tookMs: number): void;
}

/** Where nobody wants to know. */
export const NO_WATCH: Watch = {
  delivered: () => undefined,
  deliveryFailed: () => undefined,
  deadLetter: () => undefined,
  loaded: () => undefined,
};
