/** The state of a session as its workflow tells it, and what it means where nobody does. */
import {
  type Client,
  isGrpcServiceError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { SojournError } from '../shared/errors.ts';
import { sessionWorkflowId } from '../shared/ids.ts';
import type { SessionView } from '../shared/session-view.ts';
import { stateQuery } from '../workflows/messages.ts';
import { isWorkflowGone } from './temporal.ts';

/** A worker that has to replay a long session first takes a moment. */
const ANSWER_MS_MAX = 15_000;
/** A session's state, open or closed. @throws SojournError `SJ_NOT_FOUND` */
export async function stateOf(
  { client }: { readonly client: Client },
  project: string,
  sessionId: string,
): Promise<SessionView> {
  try {
    return await client.withDeadline(Date.now() + ANSWER_MS_MAX, () =>
      client.workflow.getHandle(sessionWorkflowId(project, sessionId)).query(stateQuery),
    );
  } catch (error) {
    throw explain(error, project, sessionId);
  }
}

/** What an error of Temporal means for whoever asked about a session. */
export function explain(error: unknown, project: string, sessionId: string): unknown {
  if (isWorkflowGone(error)) {
    return new SojournError(
      'SJ_NOT_FOUND',
      `there is no session ${sessionId} in project ${project}, or it closed longer ago than Temporal keeps it (LATE_WINDOW)`,
      { cause: error },
    );
  }
  return explainUnanswered(error, 'the session');
}

/** @param what was asked */
export function explainUnanswered(error: unknown, what: string): unknown {
  if (!isUnanswered(error)) return error;
  return new SojournError(
    'SJ_TIMEOUT',
    `no worker answered for ${what}; is \`npx sojourn up\` or \`npx sojourn worker\` running?`,
    { cause: error },
  );
}

/** Codes of a server that has nobody to ask: cancelled, deadline exceeded, failed precondition. */
const UNANSWERED_CODES: ReadonlySet<number> = new Set([1, 4, 9]);

function isUnanswered(error: unknown): boolean {
  if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) return true;
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return isGrpcServiceError(cause) && UNANSWERED_CODES.has(cause.code);
}
