/** Replays of recorded sessions, by the host that runs them. */
import type proto from '@temporalio/proto';
import { decodeRollup, type LogEntry, type Rollup } from '../../shared/rollup.ts';
import { SessionHost } from '../../workers/host/session-host.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';

/** Hands nothing over: what a session did so in its time is done. */
class Replayer extends SessionHost {
  static records: Rollup[] = [];

  protected override processSinkCalls(
    ...[calls]: Parameters<SessionHost['processSinkCalls']>
  ): Promise<void> {
    for (const { ifaceName, args } of calls) {
      if (ifaceName === 'rollupLog')
        Replayer.records.push(decodeRollup((args[0] as LogEntry).data));
    }
    return Promise.resolve();
  }
}

/**
 * @returns the records that went along with its workflow tasks
 * @throws where the code does otherwise now
 */
export async function replay(
  history: proto.temporal.api.history.v1.IHistory,
): Promise<readonly Rollup[]> {
  Replayer.records = [];
  await Replayer.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
  return Replayer.records;
}
