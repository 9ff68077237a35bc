/** The runs of one session, as Temporal knows them: for those that an operator has reset. */
import type { Client, WorkflowExecutionDescription } from '@temporalio/client';
import type proto from '@temporalio/proto';
import type { Told, ToldSessions } from '../activities/event-rows.ts';
import type { RunResult, SessionRuns } from '../activities/reset-runs.ts';
import type { SessionInput, SessionSnapshot } from '../shared/actor.ts';
import { type AnyBatch, eventsOf, isBatch } from '../shared/batch.ts';
import { parseSessionWorkflowId, SESSION_WORKFLOW } from '../shared/ids.ts';
import { eventsSignal } from '../workflows/messages.ts';
import { firstOf, readable } from './payloads.ts';
import { isHistoryGone } from './temporal.ts';

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

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
      if (!isHistoryGone(error)) throw error;
    }
  }
  return found;
}

/** The runs that a run was made of by resets. */
async function basesOf(client: Client, workflowId: string, runId: string): Promise<string[]> {
  const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
  return basesIn(events ?? []);
}

function basesIn(events: readonly HistoryEvent[]): string[] {
  return events.flatMap(({ workflowTaskFailedEventAttributes: failed }) => failed?.baseRunId || []);
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
      const ids = new Set(await runsOf(client, workflowId, COMPLETED));
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

const COMPLETED = ` AND ExecutionStatus = 'Completed'`;

/** @param filter the end of the query */
async function runsOf(client: Client, workflowId: string, filter: string): Promise<string[]> {
  const project = parseSessionWorkflowId(workflowId)?.project ?? '';
  const which = PLAIN.test(workflowId)
    ? `WorkflowId = '${workflowId}'`
    : `SojournProject = '${project}'`;
  const query = `WorkflowType = '${SESSION_WORKFLOW}' AND ${which}${filter}`;
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

/** One run, as its history tells. */
interface ToldRun {
  readonly runId: string;
  /** First run of its session. */
  readonly identity: string;
  /** Nanoseconds since 1970. */
  readonly startedAt: bigint;
  /** Runs that it came of. */
  readonly before: readonly string[];
  readonly batches: readonly AnyBatch[];
}

/** What sessions were told, from the histories of their runs. */
export function createToldSessions(client: Client): ToldSessions {
  async function toldRun(workflowId: string, runId: string): Promise<ToldRun | undefined> {
    try {
      const { events } = await client.workflow.getHandle(workflowId, runId).fetchHistory();
      return toldRunOf(runId, events ?? []);
    } catch (error) {
      if (isHistoryGone(error)) return undefined;
      throw error;
    }
  }

  return {
    async toldUpTo(workflowId, identity, { runId: lastId, batches }): Promise<Told> {
      const runs: ToldRun[] = [];
      const queue = [lastId, identity, ...(await runsOf(client, workflowId, ''))];
      const seen = new Set<string>();
      for (let runId = queue.shift(); runId !== undefined; runId = queue.shift()) {
        if (seen.has(runId)) continue;
        seen.add(runId);
        const run = await toldRun(workflowId, runId);
        if (run === undefined) continue;
        // Of another session of this id there may be hundreds of runs; what this one came of is its own.
        if (run.identity === identity) runs.push(run);
        queue.push(...run.before);
      }
      const last = runs.find(({ runId }) => runId === lastId);
      const isFromTheFirst = runs.some(({ runId }) => runId === identity);
      if (last === undefined) return { batches: [], isFromTheFirst };
      const earlier = runs
        .filter(({ startedAt }) => startedAt < last.startedAt)
        .sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
      return {
        batches: [...earlier.flatMap((run) => run.batches), ...last.batches.slice(0, batches)],
        isFromTheFirst,
      };
    },
  };
}

function toldRunOf(runId: string, events: readonly HistoryEvent[]): ToldRun | undefined {
  const [first] = events;
  const started = first?.workflowExecutionStartedEventAttributes;
  const input = started && (firstOf(started.input) as Partial<SessionInput> | undefined);
  if (!input) return undefined;
  const told = events.flatMap(({ workflowExecutionSignaledEventAttributes: signal }) =>
    signal?.signalName === eventsSignal.name ? [readable(signal.input)] : [],
  );
  const { seconds, nanos } = first.eventTime ?? {};
  return {
    runId,
    identity: input.snapshot?.identity ?? (started.firstExecutionRunId || runId),
    startedAt: BigInt(String(seconds ?? 0)) * 1_000_000_000n + BigInt(nanos ?? 0),
    before: [
      ...(started.continuedExecutionRunId ? [started.continuedExecutionRunId] : []),
      ...basesIn(events),
    ],
    batches: [input.batch, ...told].filter(isBatch),
  };
}
