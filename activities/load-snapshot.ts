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
