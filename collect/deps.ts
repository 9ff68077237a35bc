/** What the routes of every tracker get. */
import type { Logger } from '../platform/log.ts';
import type { CheckQuota } from './check-quota.ts';
import type { Keys } from './keys.ts';
import type { Outlet } from './outlet.ts';
import type { RequestTraces } from './request-traces.ts';
import type { Say } from './say.ts';
import type { Take } from './take.ts';
import type { VisitorHashes } from './visitor-hashes.ts';
import type { CollectWatch } from './watch.ts';

export interface CollectDeps {
  readonly keys: Keys;
  readonly take: Take;
  readonly outlet: Outlet;
  readonly checkQuota?: CheckQuota | undefined;
  readonly hashes: VisitorHashes;
  readonly log: Logger;
  readonly say: Say;
  readonly watch: CollectWatch;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Where traces are wanted. */
  readonly traces?: RequestTraces | undefined;
}
