/** Who is told of what the collector takes and refuses. */
import type { RequestWatch } from '../platform/request-watch.ts';
import type { NotNowReason } from './outlet.ts';

/** `key`: no project has it. `malformed`, `large`: the sender's fault. `error`: ours. */
export type Refusal = NotNowReason | 'key' | 'malformed' | 'large' | 'error';

export interface CollectWatch extends RequestWatch {
  /** JetStream has them. */
  taken(tracker: string, events: number): void;
  /** Whatever status says so: many trackers are told that all is well. */
  refused(tracker: string, reason: Refusal, count?: number): void;
}

/** Where nobody wants to know. */
export const NO_COLLECT_WATCH: CollectWatch = {
  answered: () => undefined,
  taken: () => undefined,
  refused: () => undefined,
};

/** What a collector says of itself. */
export interface CollectFigures {
  /** Under way: they have come, and wait for JetStream. */
  readonly requests: number;
  readonly events: number;
  readonly bytes: number;
  readonly isNatsConnected: boolean;
  readonly isRedisConnected: boolean;
}
