/** Replays of recorded sessions, by the host that runs them. */
import type proto from '@temporalio/proto';
import { SessionHost } from '../../workers/host/session-host.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';

/** Hands nothing over: what a session did so in its time is done. @throws where the code does otherwise now */
export async function replay(history: proto.temporal.api.history.v1.IHistory): Promise<void> {
  const sinks = { rollupLog: { append: { fn() {} } } };
  await SessionHost.runReplayHistory({ workflowBundle: await workflowBundle(), sinks }, history);
}
