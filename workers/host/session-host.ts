/**
 * Temporal's worker, with three things done otherwise.
 */
import { type InjectedSinks, Worker, type WorkerOptions } from '@temporalio/worker';
import type { RollupLog } from '../../activities/record-rollup.ts';
import type { ResetGuard } from '../../activities/reset-runs.ts';
import { decodeRollup, type LogEntry } from '../../shared/rollup.ts';
import type { SessionSinks } from '../../workflows/messages.ts';
import { createSandbox, type Sandbox } from './sandbox.ts';
import type { Untaken } from './untaken.ts';

type SinkCalls = Parameters<Worker['processSinkCalls']>[0];
type EntryCall = Omit<SinkCalls[number], 'args'> & { readonly args: [LogEntry] };

/** As workflows know it ({@link SessionSinks}). */
const ROLLUP_LOG = 'rollupLog';

export class SessionHost extends Worker {
  static override async create(options: WorkerOptions): Promise<SessionHost> {
    const worker = await super.create(options);
    if (!(worker instanceof SessionHost)) throw new TypeError('the SDK made another worker');
    return worker;
  }

  /** Workflow code runs in our own thread, not in the SDK's (docs/decisions/018). */
  protected static override createWorkflowCreator(
    ...[bundle, { activities }]: Parameters<(typeof Worker)['createWorkflowCreator']>
  ) {
    return createSandbox(bundle, new Set(activities.keys()));
  }

  /** Signals that sessions kept here have yet to take up. */
  get untaken(): Untaken {
    return (this.workflowCreator as Sandbox).untaken;
  }

  /**
   * A workflow task fails, and is tried again, where the log did not take what the session hands over in
   * it (docs/decisions/017). The SDK waits for sinks before it ends a task, but goes on where one fails.
   */
  protected override async processSinkCalls(
    ...[calls, attributes]: Parameters<Worker['processSinkCalls']>
  ): Promise<void> {
    const isEntry = ({ ifaceName }: SinkCalls[number]) => ifaceName === ROLLUP_LOG;
    const append = this.options.sinks?.[ROLLUP_LOG]?.['append'];
    for (const { workflowInfo, args } of calls.filter(isEntry) as EntryCall[]) {
      if (append === undefined) throw new Error('a session has no rollup log to write to');
      if (!workflowInfo.unsafe.isReplayingHistoryEvents) await append.fn(workflowInfo, ...args);
    }
    await super.processSinkCalls(
      calls.filter((call) => !isEntry(call)),
      attributes,
    );
  }
}

/**
 * What sessions hand over goes to the log; one that refuses the entry has it from an earlier attempt. A run that was
 * reset hands over what the run before it did: the same rows, which may be purged by now.
 */
export function sessionSinks(log: RollupLog, resets: ResetGuard): InjectedSinks<SessionSinks> {
  return {
    [ROLLUP_LOG]: {
      append: {
        async fn({ runId, firstExecutionRunId: chain }, { subject, data, workflowId }) {
          const run = { workflowId, runId, chain };
          if (runId !== chain && (await resets.superseding(run, decodeRollup(data)))) return;
          await log.append(subject, data, workflowId);
        },
      },
    },
  };
}
