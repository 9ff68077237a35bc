/** The settings that a session carries: those of a command's environment may be others. */
import { type Client, isGrpcServiceError, WorkflowNotFoundError } from '@temporalio/client';
import type { SessionInput, SessionSettings } from '../shared/actor.ts';
import { firstOf } from './payloads.ts';

/** "not found"; the bare service has no error of its own for it. */
const NOT_FOUND_CODES: ReadonlySet<number> = new Set([5]);

/** As a run was started with; the newest one where none is named. @throws WorkflowNotFoundError; what the client throws */
export async function settingsAtStart(
  client: Client,
  execution: { readonly workflowId: string; readonly runId?: string },
): Promise<SessionSettings> {
  const { workflowId, runId } = execution;
  const { history } = await client.workflowService
    .getWorkflowExecutionHistory({
      namespace: client.options.namespace,
      execution,
      maximumPageSize: 1,
    })
    .catch((error: unknown) => {
      if (!isGrpcServiceError(error) || !NOT_FOUND_CODES.has(error.code)) throw error;
      throw new WorkflowNotFoundError(error.details, workflowId, runId);
    });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return (firstOf(started?.input) as SessionInput).settings;
}
