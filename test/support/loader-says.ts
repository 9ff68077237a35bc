/** What the loader of some servers waits for, for the report of a test that failed: rows that do not come are its. */
import { Client, Connection } from '@temporalio/client';
import { loaderWorkflowId, ROLLUP_PARTITIONS } from '../../shared/ids.ts';

/** What is told of the loader's state in words: a test that failed has failed for something else. */
export async function loaderSays(address: string, namespace: string): Promise<string> {
  try {
    const connection = await Connection.connect({ address, connectTimeout: '5s' });
    try {
      return await connection.withDeadline(Date.now() + 10_000, () =>
        describeLoaders(new Client({ connection, namespace })),
      );
    } finally {
      await connection.close();
    }
  } catch (error) {
    return `nothing: ${String(error)}`;
  }
}

async function describeLoaders({ workflow }: Client): Promise<string> {
  const said: object[] = [];
  for (let partition = 0; partition < ROLLUP_PARTITIONS; partition += 1) {
    const { raw, historyLength } = await workflow.getHandle(loaderWorkflowId(partition)).describe();
    const activities = (raw.pendingActivities ?? []).map((activity) => ({
      type: activity.activityType?.name,
      state: activity.state,
      attempt: activity.attempt,
      began: seconds(activity.lastStartedTime),
      beat: seconds(activity.lastHeartbeatTime),
      worker: activity.lastWorkerIdentity,
      failure: activity.lastFailure?.message,
    }));
    const task = raw.pendingWorkflowTask;
    said.push({
      partition,
      historyLength,
      activities,
      ...(task && { task: { state: task.state, attempt: task.attempt } }),
    });
  }
  return `${new Date().toISOString()} ${JSON.stringify(said)}`;
}

function seconds(time: { seconds?: unknown } | null | undefined): string | undefined {
  return time?.seconds == null ? undefined : new Date(Number(time.seconds) * 1_000).toISOString();
}
