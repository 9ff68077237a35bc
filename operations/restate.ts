/**
 * Definitions that have changed: begins and follows the restatement of many sessions, which workers do
 * (`workflows/restate.ts`), and says beforehand what it would add.
 */
import { type Client, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import { NOT_THE_SAME } from '../activities/event-rows.ts';
import { ownView, restateWish } from '../platform/restate-session.ts';
import { createToldSessions } from '../platform/session-runs.ts';
import { explainUnanswered } from '../platform/session-state.ts';
import { actorOf, type SessionOf } from '../platform/tell-session.ts';
import type { Contributions } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import { isSameProof, proofOf } from '../shared/exclusion.ts';
import {
  RESTATE_WORKFLOW,
  restateWorkflowId,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../shared/ids.ts';
import type { OldSession, RestatePlan, RestateView } from '../shared/restate-job.ts';
import { foldBy, rowsOfRestate } from '../shared/restating.ts';
import { restateStateQuery, snapshotQuery } from '../workflows/messages.ts';
import { searchAttributePairs } from '../workflows/search-attribute-pairs.ts';

/** A session that is told more while it is looked at is looked at again. */
const LOOKS_MAX = 5;

/**
 * What a restatement would add to the numbers. Changes nothing.
 * @returns undefined where Temporal does not know the session any more; no rows where it goes by these definitions already
 * @throws SojournError `SJ_NOT_EXACT` where it would be refused
 */
export async function lookBeforeRestating(
  client: Client,
  session: OldSession,
  catalogue: number,
): Promise<{ readonly already: boolean; readonly rows: Contributions } | undefined> {
  try {
    const view = await ownView(client, session);
    if (view === undefined) return undefined;
    if (restateWish(catalogue).isDone(view)) return { already: true, rows: new Map() };
    for (let look = 1; look <= LOOKS_MAX; look += 1) {
      const rows = await lookAt(client, session, catalogue);
      if (rows !== undefined) return { already: false, rows };
    }
  } catch (error) {
    if (error instanceof SojournError && error.code === 'SJ_NOT_FOUND') return undefined;
    throw error;
  }
  throw new SojournError('SJ_NOT_EXACT', NOT_THE_SAME);
}

/** @returns undefined where the session went on meanwhile, or its histories do not add up */
async function lookAt(
  client: Client,
  { project, sessionId }: SessionOf,
  catalogue: number,
): Promise<Contributions | undefined> {
  const workflowId = sessionWorkflowId(project, sessionId);
  const handle = client.workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  const actor = actorOf({ project, sessionId }, await handle.query(snapshotQuery));
  const upTo = { runId, batches: Infinity };
  const { batches } = await createToldSessions(client).toldUpTo(workflowId, actor.identity, upTo);
  const before = foldBy(actor.state.catalogue.version, batches, actor);
  if (!isSameProof(proofOf(before.state), proofOf(actor.state))) return undefined;
  return rowsOfRestate(actor, before, foldBy(catalogue, batches, actor));
}

/** Begins a restatement; one with the same words that goes on is the same one. */
export async function startRestate(client: Client, plan: RestatePlan): Promise<void> {
  const { project, from, catalogue } = plan;
  const of = project === undefined ? '' : ` of project ${project}`;
  await client.workflow.start(RESTATE_WORKFLOW, {
    workflowId: restateWorkflowId(project, plan),
    taskQueue: TASK_QUEUE,
    args: [{ plan }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    ...(project !== undefined && {
      typedSearchAttributes: searchAttributePairs({ SojournProject: project }),
    }),
    staticSummary: `sessions${of} since ${new Date(from).toISOString().slice(0, 16)}Z go by definitions ${catalogue}`,
  });
}

/** Longer than a worker takes to replay it. */
const ANSWER_MS_MAX = 15_000;

/**
 * How far it is.
 * @throws SojournError `SJ_TIMEOUT` where no worker answers; `SJ_NOT_FOUND` where somebody has deleted it
 */
export async function restateView(
  client: Client,
  plan: RestatePlan,
): Promise<RestateView & { readonly isOver: boolean }> {
  const handle = client.workflow.getHandle(restateWorkflowId(plan.project, plan));
  try {
    return await client.withDeadline(Date.now() + ANSWER_MS_MAX, async () => {
      const { status } = await handle.describe();
      const view = await handle.query(restateStateQuery);
      return { ...view, isOver: status.name !== 'RUNNING' };
    });
  } catch (error) {
    throw explainUnanswered(error, 'the restatement');
  }
}
