/**
 * Temporal's worker, with three things done otherwise.
 */
import { type InjectedSinks, Worker, type WorkerOptions } from '@temporalio/worker';
import type { WorkflowInfo } from '@temporalio/workflow';
import type { RollupLog } from '../../activities/record-rollup.ts';
import type { ResetGuard } from '../../activities/reset-runs.ts';
import type { Standstill } from '../../platform/standstill.ts';
import type { Watch } from '../../platform/watch.ts';
import { decodeRollup, type LogEntry } from '../../shared/rollup.ts';
import { isSameWrite } from '../../shared/write.ts';
import { ROLLUP_LOG, SESSION_ENDS, type SessionSinks } from '../../workflows/messages.ts';
import { createSandbox, type Sandbox, sandboxAround } from './sandbox.ts';
import type { Untaken } from './untaken.ts';

type SinkCalls = Parameters<Worker['processSinkCalls']>[0];
type EntryCall = Omit<SinkCalls[number], 'args'> & { readonly args: [LogEntry] };

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

  /** @param listener told of each workflow that is asked something */
  onAsked(listener: (workflowId: string) => void): void {
    (this.workflowCreator as Sandbox).onAsked = listener;
  }

  /** @param listener told of each workflow that takes up something: its start, or a signal */
  onTaken(listener: (workflowId: string) => void): void {
    (this.workflowCreator as Sandbox).onTaken = listener;
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

/** The way back (`WORKFLOW_SANDBOX=sdk`): workflow code runs in the SDK's own threads. */
export class SdkSandboxHost extends SessionHost {
  protected static override async createWorkflowCreator(
    ...given: Parameters<(typeof Worker)['createWorkflowCreator']>
  ) {
    return sandboxAround(await Worker.createWorkflowCreator(...given));
  }
}

/** Tells a session to ask the log about a write before it takes that as done. */
export type PutInQuestion = (
  session: { readonly workflowId: string; readonly runId: string },
  writeNo: number,
) => Promise<void>;

interface SinkDeps {
  readonly log: RollupLog;
  readonly resets: ResetGuard;
  readonly standstill: Standstill;
  readonly watch: Pick<Watch, 'sessionEnded'>;
}

/**
 * What sessions hand over goes to the log; one that refuses the entry has it from an earlier attempt, or another one
 * that was decided on before more had come. A run that was reset hands over what the run before it did: the same
 * rows, which may be purged by now. Where the session would be wrong about what the log holds, or the log does not
 * answer, it is told to ask, and the workflow task is done again.
 */
export function sessionSinks(
  { log, resets, standstill, watch }: SinkDeps,
  putInQuestion: PutInQuestion,
): InjectedSinks<SessionSinks> {
  /** @throws where the log does not answer, or does not hold what the session takes as written */
  async function append(
    { subject, data, workflowId, mayDiffer, traces }: LogEntry,
    { runId, firstExecutionRunId: chain }: Pick<WorkflowInfo, 'runId' | 'firstExecutionRunId'>,
  ): Promise<void> {
    const mark = standstill.mark();
    const run = { workflowId, runId, chain };
    if (runId !== chain && (await resets.superseding(run, decodeRollup(data)))) {
      if (mayDiffer === undefined) return;
      throw new Error(
        `another run has come further than write ${mayDiffer}: the session asks the log`,
      );
    }
    standstill.assertNoneSince(mark);
    if (await log.append(subject, data, workflowId, traces)) return;
    // Also refused is what another try has proposed, to a leader whose followers may never take it.
    const standing = await log.read(subject);
    if (standing === undefined) throw new Error(`${subject} was refused, but nothing stands there`);
    // The rows of a first write stand in the argument of its run.
    if (mayDiffer === undefined) return;
    if (isSameWrite(decodeRollup(standing), decodeRollup(data))) return;
    throw new Error(`the log holds another record under write ${mayDiffer}: the session asks it`);
  }

  return {
    [ROLLUP_LOG]: {
      append: {
        async fn(info, entry) {
          try {
            await append(entry, info);
          } catch (error) {
            const { workflowId, mayDiffer: writeNo } = entry;
            const run = { workflowId, runId: info.runId };
            if (writeNo !== undefined) await putInQuestion(run, writeNo);
            throw error;
          }
        },
      },
    },
    // Not called on a replay. Where the server refuses the end, since an event came just then, it is told once more.
    [SESSION_ENDS]: {
      ended: {
        fn(_info, reason) {
          watch.sessionEnded(reason);
        },
      },
    },
  };
}
