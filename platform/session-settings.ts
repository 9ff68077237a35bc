/** The settings that a session carries: those of a command's environment may be others. */
import type { Client } from '@temporalio/client';
import type { SessionInput, SessionSettings } from '../shared/actor.ts';
import { firstOf } from './payloads.ts';

/** As a run was started with; the newest one where none is named. @throws what the client throws */
export async function settingsAtStart(
  client: Client,
  execution: { readonly workflowId: string; readonly runId?: string },
): Promise<SessionSettings> {
  const { history } = await client.workflowService.getWorkflowExecutionHistory({
    namespace: client.options.namespace,
    execution,
    maximumPageSize: 1,
  });
  const started = history?.events?.[0]?.workflowExecutionStartedEventAttributes;
  return (firstOf(started?.input) as SessionInput).settings;
}
