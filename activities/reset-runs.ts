/**
 * Runs that an operator has reset. Such a run goes back to an earlier point of a session and does again what was done
 * from there. Where a run of the session that ended by itself had come further, it starts again from the result of that
 * one, with the events that it alone was told: the records may be purged, and then nobody else knows of them. Where
 * there is none, the session has been open all the time, and its numbers are taken in the log.
 *
 * The common path costs nothing: only a run that is not the first of its chain can have been reset.
 */
import { LRUCache } from 'lru-cache';
import type { SessionSnapshot } from '../shared/actor.ts';
import type { VisitorEvent } from '../shared/event.ts';
import type { Rollup } from '../shared/rollup.ts';
import { isKnown } from '../shared/session.ts';
import { stateFromWire } from '../shared/session-wire.ts';
import type { WriteResult } from '../shared/write.ts';

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
  /** @returns the run that had written this record before, and ended */
  superseding(run: RunOf, rollup: Rollup): Promise<RunResult | undefined>;
  /** A snapshot, with what only this run was told where it was reset. */
  withOwnEvents(run: RunOf, snapshot: SessionSnapshot): Promise<SessionSnapshot>;
}

const CLEAR_RUNS_MAX = 10_000;

export function createResetGuard(runs: SessionRuns): ResetGuard {
  /** Runs that were not reset, or have come beyond all that was written before. */
  const clear = new LRUCache<string, true>({ max: CLEAR_RUNS_MAX });
  return {
    async superseding({ workflowId, runId, chain }, rollup) {
      if (runId === chain || clear.has(runId)) return undefined;
      if (await runs.isReset(workflowId, runId)) {
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
