/** Looks at a session without telling it anything: what it is, and all that its runs were told. */
import type { Client } from '@temporalio/client';
import { NOT_THE_SAME } from '../activities/event-rows.ts';
import { createToldSessions } from '../platform/session-runs.ts';
import { actorOf, type SessionOf } from '../platform/tell-session.ts';
import type { Actor } from '../shared/actor.ts';
import type { AnyBatch } from '../shared/batch.ts';
import { SojournError } from '../shared/errors.ts';
import { sessionWorkflowId } from '../shared/ids.ts';
import { snapshotQuery } from '../workflows/messages.ts';

/** A session that is told more while it is looked at is looked at again. */
const LOOKS_MAX = 5;

/**
 * @param rowsOf what follows from it; undefined where the session went on meanwhile, or its histories do not add up
 * @throws SojournError `SJ_NOT_EXACT` where they never do
 */
export async function lookUntilExact<T>(
  client: Client,
  { project, sessionId }: SessionOf,
  rowsOf: (actor: Actor, batches: readonly AnyBatch[]) => T | undefined,
): Promise<T> {
  const workflowId = sessionWorkflowId(project, sessionId);
  const handle = client.workflow.getHandle(workflowId);
  for (let look = 1; look <= LOOKS_MAX; look += 1) {
    const { runId } = await handle.describe();
    const actor = actorOf({ project, sessionId }, await handle.query(snapshotQuery));
    const upTo = { runId, batches: Infinity };
    const { batches } = await createToldSessions(client).toldUpTo(workflowId, actor.identity, upTo);
    const rows = rowsOf(actor, batches);
    if (rows !== undefined) return rows;
  }
  throw new SojournError('SJ_NOT_EXACT', NOT_THE_SAME);
}
