/**
 * Runs that an operator has reset. Such a run goes back to an earlier point of a session and does again what was done
 * from there. While the records of what it wrote are in the log, each number is taken, and the run takes over what
 * stands there. Where they are purged, only the results of the session's runs know how far it had come: the run starts
 * again from the newest of them, with the events that it alone was told.
 *
 * The common path costs nothing: only a run that is not the first of its chain can have been reset.
 */
import { LRUCache } from 'lru-cache';
import type { SessionSnapshot } from '../shared/actor.ts';
import type { VisitorEvent } from '../shared/event.ts';
import { entryOf, type Rollup } from '../shared/rollup.ts';
import { isKnown } from '../shared/session.ts';
import { stateFromWire } from '../shared/session-wire.ts';
import type { WriteResult } from '../shared/write.ts';
import type { RollupLog } from './record-rollup.ts';

/** The result of a run that ended by itself. */
export interface RunResult {
  readonly runId: string;
  readonly snapshot: SessionSnapshot;
}

/** What is needed of Temporal. */
export interface SessionRuns {
  isReset(workflowId: string, runId: string): Promise<boolean>;
  /**
   * Of the runs of a session that ended by themselves, the one that knows of most writes.
   * @param identity first run of the session: others had the same id before, or have it since
   */
  newestResult(workflowId: string, runId: string, identity: string): Promise<RunResult | undefined>;
  /** All events that a run was told. */
  eventsOf(workflowId: string, runId: string): Promise<readonly VisitorEvent[]>;
}

/** A run of a session. */
export interface RunOf {
  readonly workflowId: string;
  readonly runId: string;
  /** First run of its chain. */
  readonly chain: string;
}

export interface ResetGuard {
  /** @returns the run that had written this record before, where the log knows nothing of it any more */
  superseding(run: RunOf, rollup: Rollup): Promise<RunResult | undefined>;
  /** A snapshot, with what only this run was told where it was reset. */
  withOwnEvents(run: RunOf, snapshot: SessionSnapshot): Promise<SessionSnapshot>;
}

const CLEAR_RUNS_MAX = 10_000;

export function createResetGuard(runs: SessionRuns, log: Pick<RollupLog, 'read'>): ResetGuard {
  /** Runs that were not reset, or have come beyond all that was written before. */
  const clear = new LRUCache<string, true>({ max: CLEAR_RUNS_MAX });
  return {
    async superseding({ workflowId, runId, chain }, rollup) {
      if (runId === chain || clear.has(runId)) return undefined;
      if (await runs.isReset(workflowId, runId)) {
        if ((await log.read(entryOf(rollup).subject)) !== undefined) return undefined;
        const newest = await runs.newestResult(workflowId, runId, rollup.identity);
        if (newest !== undefined && newest.snapshot.writeNo >= rollup.writeNo) return newest;
      }
      clear.set(runId, true);
      return undefined;
    },

    async withOwnEvents({ workflowId, runId, chain }, snapshot) {
      if (runId === chain || !(await runs.isReset(workflowId, runId))) return snapshot;
      const state = stateFromWire(snapshot.state);
      const told = await runs.eventsOf(workflowId, runId);
      const own = told.filter((event) => !isKnown(state, [event]));
      return { ...snapshot, unproven: [...(snapshot.unproven ?? []), ...own] };
    },
  };
}

/** What a write comes to that was made before, by a run that knows of it: start again from that one's result. */
export function supersededBy({ runId, snapshot }: RunResult): WriteResult {
  return {
    by: '',
    from: runId,
    rows: [],
    status: snapshot.shown?.status ?? 'open',
    events: snapshot.shown?.events ?? 0,
    owesMore: false,
  };
}
