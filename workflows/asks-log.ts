/** Whether a session has the log asked what it holds, instead of taking a write as done. */
import { patched, workflowInfo, type WorkflowInfo } from '@temporalio/workflow';
import type { HostKnows } from './messages.ts';

/**
 * A workflow task that is done once more may come to another record than the attempt before it handed over: it may
 * have more signals. Or there is no log to be had, and the task must not wait for it. Only the worker knows that there
 * was an attempt, so what it says is kept in the history, as the marker of a patch.
 */
export function asksLog(writeNo: number): boolean {
  const { unsafe, handedOver = 0 } = workflowInfo() as WorkflowInfo & Partial<HostKnows>;
  return (unsafe.isReplaying || writeNo <= handedOver) && patched(`ask-log-${writeNo}`);
}
