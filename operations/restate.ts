/**
 * Definitions that have changed: begins and follows the restatement of many sessions, which workers do
 * (`workflows/restate.ts`), and says beforehand what it would add.
 */
import { type Client, WorkflowIdConflictPolicy, WorkflowIdReusePolicy } from '@temporalio/client';
import { ownView, restateWish } from '../platform/restate-session.ts';
import { explainUnanswered } from '../platform/session-state.ts';
import type { ActNote } from '../shared/acts.ts';
import type { Contributions } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import { isSameProof, proofOf } from '../shared/exclusion.ts';
import { RESTATE_WORKFLOW, restateWorkflowId, TASK_QUEUE } from '../shared/ids.ts';
import type { OldSession, RestatePlan, RestateView } from '../shared/restate-job.ts';
import { foldBy, rowsOfRestate } from '../shared/restating.ts';
import { restateStateQuery } from '../workflows/messages.ts';
import { searchAttributePairs } from '../workflows/search-attribute-pairs.ts';
import { lookUntilExact } from './look-until-exact.ts';

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
    const rows = await lookUntilExact(client, session, (actor, batches) => {
      const before = foldBy(actor.state.catalogue.version, batches, actor);
      return isSameProof(proofOf(before.state), proofOf(actor.state))
        ? rowsOfRestate(actor, before, foldBy(catalogue, batches, actor))
        : undefined;
    });
    return { already: false, rows };
  } catch (error) {
    if (error instanceof SojournError && error.code === 'SJ_NOT_FOUND') return undefined;
    throw error;
  }
}

/**
 * Begins a restatement; one with the same words that goes on is the same one.
 * @param note who begins it, and why, as its memo in Temporal
 */
export async function startRestate(
  client: Client,
  plan: RestatePlan,
  note: ActNote,
): Promise<void> {
  const { project, from, catalogue } = plan;
  const of = project === undefined ? '' : ` of project ${project}`;
  await client.workflow.start(RESTATE_WORKFLOW, {
    workflowId: restateWorkflowId(project, plan),
    taskQueue: TASK_QUEUE,
    args: [{ plan }],
    memo: { ...note },
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
