/** The runs of one session, as Temporal knows them: for those that an operator has reset. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { RunResult, SessionRuns } from '../activities/reset-runs.ts';
import type { SessionInput, SessionSnapshot } from '../shared/actor.ts';
import { eventsOf, isBatch } from '../shared/batch.ts';
import { parseSessionWorkflowId, SESSION_WORKFLOW } from '../shared/ids.ts';
import { eventsSignal } from '../workflows/messages.ts';
import { firstOf, readable } from './payloads.ts';

/** Whether a run was made by a reset. */
export function isResetRun({ raw }: WorkflowExecutionDescription): boolean {
  return (raw.workflowExtendedInfo?.lastResetTime ?? null) !== null;
}

/** Whether a run was made by a reset, or went back by one: another run may have come further. */
export function hasBeenReset(description: WorkflowExecutionDescription): boolean {
  return isResetRun(description) || Boolean(description.raw.workflowExtendedInfo?.resetRunId);
}

export function createSessionRuns(client: Client): SessionRuns {
  const handleOf = (workflowId: string, runId: string) =>
    client.workflow.getHandle(workflowId, runId);

  async function resultOf(workflowId: string, runId: string): Promise<RunResult | undefined> {
    const handle = handleOf(workflowId, runId);
    if ((await handle.describe()).status.name !== 'COMPLETED') return undefined;
    return { runId, snapshot: (await handle.result()) as SessionSnapshot };
  }

  return {
    isReset: async (workflowId, runId) => isResetRun(await handleOf(workflowId, runId).describe()),

    async newestResult(workflowId, runId, identity) {
      const ids = new Set(await completedRuns(client, workflowId));
      // The list may lack the run that was reset; the history of the one that came of it does not.
      const { events } = await handleOf(workflowId, runId).fetchHistory();
      for (const { workflowTaskFailedEventAttributes: failed } of events ?? []) {
        if (failed?.baseRunId) ids.add(failed.baseRunId);
      }
      let newest: RunResult | undefined;
      for (const id of ids) {
        const result = await resultOf(workflowId, id);
        if (result?.snapshot.identity !== identity) continue;
        if (newest === undefined || newest.snapshot.writeNo < result.snapshot.writeNo)
          newest = result;
      }
      return newest;
    },

    async eventsOf(workflowId, runId) {
      const { events } = await handleOf(workflowId, runId).fetchHistory();
      return (events ?? []).flatMap((event) => {
        const signal = event.workflowExecutionSignaledEventAttributes;
        if (signal?.signalName === eventsSignal.name) return eventsIn(readable(signal.input));
        const started = event.workflowExecutionStartedEventAttributes;
        const input = started && (firstOf(started.input) as Partial<SessionInput> | undefined);
        return input ? [...eventsIn(input.batch), ...(input.snapshot?.unproven ?? [])] : [];
      });
    },
  };
}

/** What is no batch, an operator may have sent. */
function eventsIn(batch: unknown) {
  return isBatch(batch) ? eventsOf(batch) : [];
}

/** Ids that stand for themselves in a query, on every store. */
const PLAIN = /^[\w./:@ -]+$/;
/** More sessions than this are not looked through for one of another name. */
const LOOKED_THROUGH_MAX = 200_000;

async function completedRuns(client: Client, workflowId: string): Promise<string[]> {
  const project = parseSessionWorkflowId(workflowId)?.project ?? '';
  const which = PLAIN.test(workflowId)
    ? `WorkflowId = '${workflowId}'`
    : `SojournProject = '${project}'`;
  const query = `WorkflowType = '${SESSION_WORKFLOW}' AND ExecutionStatus = 'Completed' AND ${which}`;
  const runs: string[] = [];
  let seen = 0;
  for await (const run of client.workflow.list({ query, pageSize: 1_000 })) {
    if (run.workflowId === workflowId) runs.push(run.runId);
    seen += 1;
    if (seen > LOOKED_THROUGH_MAX)
      throw new Error(`too many sessions to find the runs of ${workflowId}`);
  }
  return runs;
}
