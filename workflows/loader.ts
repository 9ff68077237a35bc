/**
 * The one writer of a partition of the rollup log into ClickHouse. A range is planned before it is
 * loaded and the plan is kept in this workflow's history: whoever repeats a load repeats the very
 * same block under the very same token.
 */
import { continueAsNew, patched, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { RANGES_PER_RUN_MAX } from '../shared/limits.ts';
import {
  advance,
  duePurge,
  type LoaderState,
  openLoader,
  PURGE_PACE,
  purgeableUpTo,
  purgedUpTo,
  SLOW_PURGE_PACE,
  tick,
} from '../shared/ranges.ts';
import { progressQuery } from './messages.ts';

const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;

// The heartbeat tells the server that somebody is at it: a dead worker, or a task that got lost on its
// way to one, holds up everything for 10 s and not until the activity's time is over.
const heartbeatTimeout = '10s';
// Waits for records as long as it takes.
const { planBatch } = proxyActivities<Activities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout,
  retry,
});
const { loadBatch, announceBatch, purgeLoaded } = proxyActivities<Activities>({
  startToCloseTimeout: '2m',
  heartbeatTimeout,
  retry,
});

export interface LoaderInput {
  readonly partition: number;
  /** Present where the same loader goes on in a new run. */
  readonly state?: LoaderState;
}

/** Runs for ever, continuing as new. */
export async function loader({ partition, state = openLoader(partition) }: LoaderInput) {
  const pace = patched('purge-sooner') ? PURGE_PACE : SLOW_PURGE_PACE;
  setHandler(progressQuery, () => ({
    partition,
    position: state.position,
    purgeable: purgeableUpTo(state, pace),
    purged: state.purged,
  }));

  for (let ranges = 0; ranges < RANGES_PER_RUN_MAX; ranges += 1) {
    const range = await planBatch({ partition, after: state.position });
    tick(state, Date.now());
    if (range !== null) {
      await loadBatch(range);
      await announceBatch(range);
      tick(state, Date.now());
      advance(state, range);
    }
    const upTo = duePurge(state, pace);
    if (upTo !== undefined) {
      await purgeLoaded({ partition, log: state.position.log, upTo });
      purgedUpTo(state, upTo);
    }
  }
  await continueAsNew<typeof loader>({ partition, state });
}
