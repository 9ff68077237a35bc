/** The runs of one session, as Temporal knows them: for those that an operator has reset. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type { RunResult, SessionRuns } from '../activities/reset-runs.ts';
import type { SessionInput, SessionSnapshot } from '../shared/actor.ts';
import { eventsOf, isBatch } from '../shared/batch.ts';
import { parseSessionWorkflowId, SESSION_WORKFLOW } from '../shared/ids.ts';
import { eventsSignal } from '../workflows/messages.ts';
import { firstOf, readable } from './payloads.ts';
import { isWorkflowGone } from './temporal.ts';

/** Whether a run was made by a reset. */
export function isResetRun({ raw }: WorkflowExecutionDescription): boolean {
  return (raw.workflowExtendedInfo?.lastResetTime ?? null) !== null;
}

/** Whether a run was made by a reset, or went back by one: another run may have come further. */
export function hasBeenReset(description: WorkflowExecutionDescription): boolean {
  return isResetRun(description) || Boolean(description.raw.workflowExtendedInfo?.resetRunId);
}

/** The run that goes on where one was continued as new. @throws Error where it says none */
export async function successorOf(
  client: Client,
  workflowId: string,
  runId: string,
): Promise<string> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution: { workflowId, runId },
    historyEventFilterType: CLOSE_EVENT,
  });
  const end = history?.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes;
  if (!end?.newExecutionRunId) throw new Error(`${workflowId}, run ${runId}, has no successor`);
  return end.newExecutionRunId;
}

/** `HistoryEventFilterType`: the last event only. */
const CLOSE_EVENT = 2 as never;

/** Resets of one session that are followed. */
const KIN_MAX = 1_000;

/** A run, as Temporal describes it. */
export interface DescribedRun {
  readonly runId: string;
  readonly status: WorkflowExecutionDescription['status']['name'];
}

/**
 * The runs that these became by resets, or were made of, and what each of them went on as; these included. A run that
 * is gone by now is left out.
 */
export async function kinOf(
  client: Client,
  workflowId: string,
  runIds: readonly string[],
): Promise<DescribedRun[]> {
  const found: DescribedRun[] = [];
  const queue = [...runIds];
  const seen = new Set(queue);
  const follow = (runId: string | null | undefined) => {
    if (!runId || seen.has(runId) || seen.size >= KIN_MAX) return;
    seen.add(runId);
    queue.push(runId);
  };
  for (let runId = queue.shift(); runId !== undefined; runId = queue.shift()) {
    try {
      const description = await client.workflow.getHandle(workflowId, runId).describe();
      found.push({ runId, status: description.status.name });
      follow(description.raw.workflowExtendedInfo?.resetRunId);
      if (isResetRun(description))
        for (const id of await basesOf(client, workflowId, runId)) follow(id);
      if (description.status.name === 'CONTINUED_AS_NEW') {
        follow(await successorOf(client, workflowId, runId));
      }
    } catch (error) {
      if (!isWorkflowGone(error)) throw error;
    }
  }
  return found;
}

/** The runs that a run was made of by resets. */
async function basesOf(client: Client, workflowId: string, runId: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return (events ?? []).flatMap(
    ({ workflowTaskFailedEventAttributes: failed }) => failed?.baseRunId || [],
  );
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
      for (const id of await basesOf(client, workflowId, runId)) ids.add(id);
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
