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

/**
 * So many times is a run asked for that Temporal says it does not know. The log has a write of it, so there was one:
 * Temporal was put back to an older copy, or the run was deleted.
 */
export const UNKNOWN_TRIES = 5;

/** What is needed of Temporal. */
export interface SessionHistory {
  /** Result of a chain; where it has none (terminated), what a query of its last run gives. */
  snapshotOf(workflowId: string, runId: string): Promise<SessionSnapshot>;
}
