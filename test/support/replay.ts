/** Replays of recorded sessions, by the host that runs them. */
import type proto from '@temporalio/proto';
import { SessionHost } from '../../workers/host/session-host.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';

export type History = proto.temporal.api.history.v1.IHistory;

/** @throws where the code does otherwise now */
export async function replay(history: History): Promise<void> {
  await SessionHost.runReplayHistory(await replayOptions(), history);
}

/**
 * Replays one after the other in one process and one sandbox, as a worker does that takes over from another.
 * @returns what went wrong, if anything, by name
 */
export async function replayAll(
  histories: ReadonlyMap<string, History>,
): Promise<ReadonlyMap<string, unknown>> {
  const named = [...histories].map(([workflowId, history]) => ({ workflowId, history }));
  const errors = new Map<string, unknown>();
  for await (const { workflowId, error } of SessionHost.runReplayHistories(
    await replayOptions(),
    named,
  )) {
    errors.set(workflowId, error);
  }
  return errors;
}

/** Hands nothing over: what a session did so in its time is done. */
async function replayOptions() {
  const sinks = { rollupLog: { append: { fn() {} } } };
  return { workflowBundle: await workflowBundle(), sinks };
}
