/** The final snapshot of a closed chain of session runs. */
import type { SessionSnapshot } from '../shared/actor.ts';

export interface SnapshotRequest {
  readonly project: string;
  readonly sessionId: string;
  /** First run of the chain. */
  readonly runId: string;
  /** First run of the chain that asks. */
  readonly chain?: string;
}

/** What is needed of Temporal. */
export interface SessionHistory {
  /** Result of a chain; where it has none (terminated), what a query of its last run gives. */
  snapshotOf(workflowId: string, runId: string): Promise<SessionSnapshot>;
}

/** One after the other, within the time of one try of the activity: what else goes wrong between them does not count. */
const UNKNOWN = { tries: 5, pauseMs: 2_500 } as const;

/**
 * Asks for a snapshot, and once more where Temporal says that it does not know the run. The log has a write of it, so there
 * was one: Temporal was put back to an older copy, or the run was deleted.
 * @returns null where Temporal has said so each time
 * @throws whatever else `ask` throws
 */
export async function snapshotUnlessLost(
  ask: () => Promise<SessionSnapshot>,
  isUnknownRun: (error: unknown) => boolean,
  sleep: (ms: number) => Promise<void>,
): Promise<SessionSnapshot | null> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await ask();
    } catch (error) {
      if (!isUnknownRun(error)) throw error;
      if (tries === UNKNOWN.tries) return null;
    }
    await sleep(UNKNOWN.pauseMs);
  }
}
