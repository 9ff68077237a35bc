/** Loaders run for ever; one that somebody has terminated is started again, for without it no row comes. */
import { type Client, WorkflowIdConflictPolicy, WorkflowNotFoundError } from '@temporalio/client';
import type { Logger } from '../../platform/log.ts';
import {
  LOADER_WORKFLOW,
  loaderWorkflowId,
  ROLLUP_PARTITIONS,
  TASK_QUEUE,
} from '../../shared/ids.ts';
import { RANGES_PER_RUN_MAX } from '../../shared/limits.ts';

export interface LoadersDeps {
  readonly client: Pick<Client, 'workflow'>;
  readonly log: Pick<Logger, 'warn' | 'debug'>;
}

const LOOK_EVERY_MS = 60_000;

/** Starts those that do not run yet. @throws what the client throws */
export async function startLoaders({ client }: Pick<LoadersDeps, 'client'>): Promise<void> {
  for (let partition = 0; partition < ROLLUP_PARTITIONS; partition += 1) {
    await startLoader(client, partition);
  }
}

async function startLoader(client: LoadersDeps['client'], partition: number): Promise<void> {
  await client.workflow.start(LOADER_WORKFLOW, {
    workflowId: loaderWorkflowId(partition),
    taskQueue: TASK_QUEUE,
    args: [{ partition, rangesMax: RANGES_PER_RUN_MAX }],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    staticSummary: `loads partition ${partition} of the rollup log into ClickHouse`,
  });
}

/** Looks after them from time to time. Where Temporal does not answer it is looked again. */
export function keepLoaders(
  { client, log }: LoadersDeps,
  everyMs = LOOK_EVERY_MS,
): { stop(): void } {
  let isLooking = false;

  async function look(): Promise<void> {
    for (let partition = 0; partition < ROLLUP_PARTITIONS; partition += 1) {
      if (!(await hasEnded(client, partition))) continue;
      log.warn({ partition }, 'the loader does not run, as one that was terminated: it is started');
      await startLoader(client, partition);
    }
  }

  const timer = setInterval(() => {
    if (isLooking) return;
    isLooking = true;
    look()
      .catch((error: unknown) => {
        log.debug({ err: error }, 'whether the loader runs is not known for now');
      })
      .finally(() => {
        isLooking = false;
      });
  }, everyMs);
  timer.unref();
  return {
    stop() {
      clearInterval(timer);
    },
  };
}

/** What an operator has paused, where Temporal knows that, has not. */
const ENDS: ReadonlySet<string> = new Set([
  'COMPLETED',
  'FAILED',
  'CANCELLED',
  'TERMINATED',
  'TIMED_OUT',
]);

async function hasEnded(client: LoadersDeps['client'], partition: number): Promise<boolean> {
  try {
    const { status } = await client.workflow.getHandle(loaderWorkflowId(partition)).describe();
    return ENDS.has(status.name);
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return true;
    throw error;
  }
}
