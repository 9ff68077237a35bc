/** What workers tell ingests that run elsewhere. */

export interface WorkerNews {
  /** Which one. */
  readonly worker: string;
  /** Workflow tasks and local activities under way. */
  readonly load: number;
  /** Sessions that have taken something up since it told last, by {@link sessionMark}. */
  readonly taken: readonly number[];
}

/** 32 bits of a workflow id (FNV-1a): two that are alike cost a moment, and names stay where they are. */
export function sessionMark(workflowId: string): number {
  let mark = 0x811c9dc5;
  for (let index = 0; index < workflowId.length; index += 1) {
    mark = Math.imul(mark ^ workflowId.charCodeAt(index), 0x01000193);
  }
  return mark >>> 0;
}
