/** Workflow executions of sessions, deleted with their histories and what Temporal shows of them. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { isWorkflowGone } from '../platform/temporal.ts';
import { SojournError } from '../shared/errors.ts';
import { SESSION_WORKFLOW, sessionWorkflowId } from '../shared/ids.ts';

export interface Run {
  readonly workflowId: string;
  readonly runId: string;
  readonly isOpen: boolean;
}

/** Ids that stand for themselves in a query, on every store. */
const PLAIN = /^[\w./:@ -]+$/;
const AT_ONCE = 50;

/** All runs of sessions that Temporal knows, the newest ones without its list, which is a moment late. */
export async function findRuns(
  client: Client,
  project: string,
  sessionIds: readonly string[],
): Promise<readonly Run[]> {
  const ids = new Set(sessionIds.map((id) => sessionWorkflowId(project, id)));
  const runs = new Map<string, Run>();
  const list = async (query: string) => {
    for await (const { workflowId, runId } of client.workflow.list({
      query: `WorkflowType = '${SESSION_WORKFLOW}' AND ${query}`,
      pageSize: 1_000,
    })) {
      if (!ids.has(workflowId)) continue;
      // Only the newest run of a session can be open, and that is asked below: the list may still say so of an older one.
      runs.set(runId, { workflowId, runId, isOpen: false });
    }
  };
  const plain = [...ids].filter((id) => PLAIN.test(id));
  for (let from = 0; from < plain.length; from += AT_ONCE) {
    const some = plain.slice(from, from + AT_ONCE).map((id) => `'${id}'`);
    await list(`WorkflowId IN (${some.join(', ')})`);
  }
  if (plain.length < ids.size) await list(`SojournProject = '${project}'`);
  for (const workflowId of ids) {
    try {
      const { runId, status } = await client.workflow.getHandle(workflowId).describe();
      runs.set(runId, { workflowId, runId, isOpen: status.name === 'RUNNING' });
    } catch (error) {
      if (!isWorkflowGone(error)) throw error;
    }
  }
  return [...runs.values()];
}

const GONE_WITHIN_MS = 60_000;
const LOOK_EVERY_MS = 200;

/**
 * Deletes the runs of sessions that have closed, and waits until Temporal shows none of them. One that is open has begun
 * since the sessions were ended: what it was told is not written yet.
 * @returns how many there were, and whether one is open
 * @throws SojournError `SJ_TIMEOUT` where it still shows some after a minute; what the client throws
 */
export async function deleteRuns(
  client: Client,
  project: string,
  sessionIds: readonly string[],
): Promise<{ readonly deleted: number; readonly isOneOpen: boolean }> {
  const seen = new Set<string>();
  for (const end = Date.now() + GONE_WITHIN_MS; ;) {
    const found = await findRuns(client, project, sessionIds);
    const runs = found.filter(({ isOpen }) => !isOpen);
    if (runs.length === 0) return { deleted: seen.size, isOneOpen: found.length > 0 };
    if (Date.now() >= end) {
      throw new SojournError(
        'SJ_TIMEOUT',
        `Temporal still shows ${runs.length} runs that it was told to delete; run the same again later`,
      );
    }
    for (const { workflowId, runId } of runs) {
      if (seen.has(runId)) continue;
      await deleteRun(client, workflowId, runId);
      seen.add(runId);
    }
    await sleep(LOOK_EVERY_MS);
  }
}

async function deleteRun(client: Client, workflowId: string, runId: string): Promise<void> {
  try {
    await client.workflowService.deleteWorkflowExecution({
      namespace: client.options.namespace,
      workflowExecution: { workflowId, runId },
    });
  } catch (error) {
    // gRPC: not found.
    if ((error as { readonly code?: unknown }).code !== 5) throw error;
  }
}
