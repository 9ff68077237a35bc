/** Replays of recorded sessions, by the host that runs them. */
import { decodeRollup, type LogEntry, type Rollup } from '../../shared/rollup.ts';
import { SessionHost } from '../../workers/host/session-host.ts';
import { workflowBundle } from '../../workers/host/workflow-bundle.ts';
import type { History } from './histories.ts';

/** Hands nothing over: what a session did so in its time is done. */
class Replayer extends SessionHost {
  /** What was handed over in the replays, by workflow id. */
  static readonly records = new Map<string, Rollup[]>();

  protected override processSinkCalls(
    ...[calls]: Parameters<SessionHost['processSinkCalls']>
  ): Promise<void> {
    for (const { ifaceName, args, workflowInfo } of calls) {
      if (ifaceName !== 'rollupLog') continue;
      const { workflowId } = workflowInfo;
      const before = Replayer.records.get(workflowId) ?? [];
      Replayer.records.set(workflowId, [...before, decodeRollup((args[0] as LogEntry).data)]);
    }
    return Promise.resolve();
  }
}

export interface Replayed {
  /** What went wrong, if anything. */
  readonly error: unknown;
  /** The records that went along with its workflow tasks. */
  readonly records: readonly Rollup[];
}

/** @throws where the code does otherwise now */
export async function replay(history: History): Promise<void> {
  await Replayer.runReplayHistory({ workflowBundle: await workflowBundle() }, history);
}

/** Replays one after the other in one process and one sandbox, as a worker does that takes over from another. */
export async function replayAll(
  histories: ReadonlyMap<string, History>,
): Promise<ReadonlyMap<string, Replayed>> {
  const named = [...histories].map(([workflowId, history]) => ({ workflowId, history }));
  const replayed = new Map<string, Replayed>();
  Replayer.records.clear();
  for await (const { workflowId, error } of Replayer.runReplayHistories(
    { workflowBundle: await workflowBundle() },
    named,
  )) {
    replayed.set(workflowId, { error, records: Replayer.records.get(workflowId) ?? [] });
  }
  return replayed;
}
