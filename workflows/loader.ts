/**
 * The one writer of a partition of the rollup log into ClickHouse. A range is planned before it is
 * loaded and the plan is kept in this workflow's history: whoever repeats a load repeats the very
 * same block under the very same token. The activity that loads a range looks for the next one as well, so that
 * there is one activity a range while records keep coming.
 */
import { continueAsNew, patched, proxyActivities, setHandler } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { RANGES_PER_RUN_MAX } from '../shared/limits.ts';
import {
  advance,
  duePurge,
  type LoaderState,
  type LogRange,
  openLoader,
  PURGE_PACE,
  purgeableUpTo,
  purgedUpTo,
  SLOW_PURGE_PACE,
  tick,
} from '../shared/ranges.ts';
import { describeLoader, describeRange, lagOf } from '../shared/loader-view.ts';
import { progressQuery } from './messages.ts';
import { showDetails } from './show-details.ts';

const retry = { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' } as const;

// The heartbeat tells the server that somebody is at it: a dead worker, or a task that got lost on its
// way to one, holds up everything for 10 s and not until the activity's time is over.
const heartbeatTimeout = '10s';
// Waits for records as long as it takes.
const { planBatch } = proxyActivities<Activities>({
  startToCloseTimeout: '10m',
  heartbeatTimeout,
  retry,
  summary: 'waits for records in the log',
});
// Plans the next range once this one is loaded and announced: one activity a range while there is something.
const carrying = (range: LogRange) =>
  proxyActivities<Activities>({
    startToCloseTimeout: '5m',
    heartbeatTimeout,
    retry,
    summary: `loads ${describeRange(range)}, then looks for more`,
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
  /** Planned by the run before, and not loaded yet. */
  readonly planned?: LogRange;
  /** After how many ranges the run goes on as another; not given by earlier versions. */
  readonly rangesMax?: number;
}

/** Of runs that are started without a word about it. */
const RANGES_OF_OLD = 100;

/** Runs for ever, continuing as new. */
export async function loader({
  partition,
  state = openLoader(partition),
  planned,
  rangesMax = RANGES_OF_OLD,
}: LoaderInput) {
  const pace = patched('purge-sooner') ? PURGE_PACE : SLOW_PURGE_PACE;
  let loading: LogRange | null = null;
  let lagMs: number | undefined;
  let ranges = 0;
  setHandler(
    progressQuery,
    () => ({
      partition,
      position: state.position,
      purgeable: purgeableUpTo(state, pace),
      purged: state.purged,
    }),
    { description: 'How far the loader has come.' },
  );
  showDetails(() => describeLoader({ state, loading, ranges, rangesMax, lagMs }));

  const purging = { isUnderWay: false };
  const purge = async (upTo: number) => {
    const { position } = state;
    purging.isUnderWay = true;
    try {
      await purgeLoaded({ partition, log: position.log, upTo, position });
    } finally {
      purging.isUnderWay = false;
    }
    // Of a log that was made anew meanwhile nothing is purged yet.
    if (state.position.log === position.log) purgedUpTo(state, upTo);
  };

  const carries = patched('carry-batch');
  const purgesBeside = patched('purge-beside');
  let next = planned ?? null;
  for (; ranges < rangesMax; ranges += 1) {
    const range = next ?? (await planBatch({ partition, after: state.position }));
    next = null;
    tick(state, Date.now());
    if (range !== null) {
      loading = range;
      if (carries) {
        next = await carrying(range).carryBatch(range);
      } else {
        await loadBatch(range);
        await announceBatch(range);
      }
      tick(state, Date.now());
      advance(state, range);
      loading = null;
      lagMs = lagOf(range, Date.now());
    }
    const upTo = purging.isUnderWay ? undefined : duePurge(state, pace);
    if (upTo === undefined) continue;
    const purged = purge(upTo);
    // It takes a minute where much is to be asked, and rows do not wait for it. What is left when this run ends is the
    // next one's; one that fails, which an activity without a limit does not, is due again.
    if (purgesBeside) purged.catch(() => undefined);
    else await purged;
  }
  await continueAsNew<typeof loader>({
    partition,
    state,
    rangesMax: RANGES_PER_RUN_MAX,
    ...(next !== null && { planned: next }),
  });
}
