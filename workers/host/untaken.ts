/**
 * Signals that Temporal has taken and the worker of this process has not: it keeps their sessions in memory, so
 * their tasks come here, as soon as the server gets round to them. Until then they wait in the server, where
 * they cost it more than in ingest, and where the tasks of the loader wait behind them. Pure: it is told the time.
 */

/** After this long the task of a session goes to any worker, not to the one that keeps it (Temporal's default is 10 s). */
export const KEPT_TASK_WAITS_MS = 3_000;

export interface Untaken {
  /** The worker keeps a workflow from now on. */
  kept(workflowId: string, runId: string): void;
  /** It keeps it no longer. */
  dropped(workflowId: string, runId: string): void;
  /** A signal has come to a workflow that is kept. */
  taken(workflowId: string): void;
  /** How many signals have come to a workflow, for {@link sent}; undefined where it is not kept. */
  takenBy(workflowId: string): number | undefined;
  /**
   * Temporal has taken a signal.
   * @param takenBefore what {@link takenBy} was before it was sent: the workflow may have it by now
   */
  sent(workflowId: string, takenBefore: number | undefined, now: number): void;
  /** Sessions that have yet to take something up here. */
  count(now: number): number;
}

interface Kept {
  readonly runId: string;
  taken: number;
  /** What it was told did not come here in time: another worker has it now, though this one keeps it still. */
  isElsewhere: boolean;
}

export function createUntaken(): Untaken {
  const keeping = new Map<string, Kept>();
  /** Since when; the oldest first. */
  const waiting = new Map<string, number>();
  return {
    kept(workflowId, runId) {
      keeping.set(workflowId, { runId, taken: 0, isElsewhere: false });
    },
    dropped(workflowId, runId) {
      // By then the next run of the same session may be kept.
      if (keeping.get(workflowId)?.runId !== runId) return;
      keeping.delete(workflowId);
      waiting.delete(workflowId);
    },
    taken(workflowId) {
      waiting.delete(workflowId);
      const entry = keeping.get(workflowId);
      if (entry === undefined) return;
      entry.taken += 1;
      entry.isElsewhere = false;
    },
    takenBy: (workflowId) => keeping.get(workflowId)?.taken,
    sent(workflowId, takenBefore, now) {
      const entry = keeping.get(workflowId);
      if (entry === undefined || entry.isElsewhere || entry.taken !== takenBefore) return;
      // One task takes up all signals that came before it.
      if (!waiting.has(workflowId)) waiting.set(workflowId, now);
    },
    count(now) {
      for (const [workflowId, since] of waiting) {
        if (now - since < KEPT_TASK_WAITS_MS) break;
        waiting.delete(workflowId);
        const entry = keeping.get(workflowId);
        if (entry !== undefined) entry.isElsewhere = true;
      }
      return waiting.size;
    },
  };
}
