/** What workers tell ingests that run elsewhere. */
import { fnv1a } from './fnv.ts';

export interface WorkerNews {
  /** Which one. */
  readonly worker: string;
  /** Workflow tasks and local activities under way. */
  readonly load: number;
  /** Sessions that have taken something up since it told last, by {@link sessionMark}. */
  readonly taken: readonly number[];
}

/** 32 bits of a workflow id: two that are alike cost a moment, and names stay where they are. */
export function sessionMark(workflowId: string): number {
  return fnv1a(workflowId);
}
