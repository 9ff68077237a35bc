/** The hands of an import, on this machine, until its workflow is over or somebody interrupts. */
import {
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  type WorkflowHandle,
} from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import type { Logger } from '../platform/log.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { SojournError } from '../shared/errors.ts';
import { IMPORT_WORKFLOW, importQueue, importWorkflowId, TASK_QUEUE } from '../shared/ids.ts';
import type { ImportInput, ImportView } from '../shared/import-plan.ts';
import { searchAttributePairs } from '../workflows/search-attribute-pairs.ts';
import type { ImportActivities } from './activities.ts';
import type { ImportServers } from './servers.ts';

/** Starts the workflow where it does not run. */
export async function startImport(
  { client }: Pick<ImportServers, 'client'>,
  input: ImportInput,
): Promise<WorkflowHandle> {
  const { project, id, events, files } = input.plan;
  return client.workflow.start(IMPORT_WORKFLOW, {
    workflowId: importWorkflowId(project, id),
    taskQueue: TASK_QUEUE,
    args: [input],
    workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
    workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
    typedSearchAttributes: searchAttributePairs({ SojournProject: project }),
    staticSummary: `imports ${events} events of project ${project} from ${summaryOf(files)}`,
  });
}

/** Well below the 200 bytes that a summary may have. */
const SUMMARY_CHARS_MAX = 80;

function summaryOf(files: readonly string[]): string {
  const text = files.join(', ').replace(/[\p{Cc}`]/gu, '?');
  return text.length > SUMMARY_CHARS_MAX ? `${text.slice(0, SUMMARY_CHARS_MAX)}…` : text;
}

/** A sign of life this often, and what a process that was killed was about is somebody else's after the heartbeat timeout. */
const HEARTBEAT_EVERY = '2s';
const SAY_EVERY_MS = 15_000;

/**
 * Does what the workflow asks for, and says what it waits for where it asks for nothing: an import that somebody has
 * paused, or whose workflow nobody runs, is waited for without an end.
 * @param signal ends it after the chunk that is being loaded
 * @returns how it went
 * @throws SojournError `SJ_TIMEOUT` where it was interrupted; what the workflow failed with
 */
export async function hostImport(
  { temporal, namespace }: ImportServers,
  handle: WorkflowHandle,
  {
    id,
    activities,
    signal,
    log,
  }: {
    readonly id: string;
    readonly activities: ImportActivities;
    readonly signal: AbortSignal;
    readonly log: Logger;
  },
): Promise<ImportView> {
  const worker = await Worker.create({
    connection: temporal.connection,
    namespace,
    taskQueue: importQueue(id),
    activities,
    maxConcurrentActivityTaskExecutions: 2,
    maxHeartbeatThrottleInterval: HEARTBEAT_EVERY,
    defaultHeartbeatThrottleInterval: HEARTBEAT_EVERY,
    shutdownGraceTime: '1m',
    shutdownForceTime: '6m',
  });
  const saying = sayWhatIsWaitedFor(worker, handle, log);
  const interrupted = new Promise<'interrupted'>((resolve) => {
    if (signal.aborted) resolve('interrupted');
    signal.addEventListener('abort', () => {
      resolve('interrupted');
    });
  });
  const result = handle.result() as Promise<ImportView>;
  result.catch(() => undefined);
  const outcome = await worker.runUntil(Promise.race([result, interrupted])).finally(() => {
    clearInterval(saying);
  });
  if (outcome === 'interrupted') {
    throw new SojournError(
      'SJ_TIMEOUT',
      'interrupted; the same command again goes on where it was',
    );
  }
  return outcome;
}

function sayWhatIsWaitedFor(worker: Worker, handle: WorkflowHandle, log: Logger): NodeJS.Timeout {
  let busyAt = performance.now();
  return setInterval(() => {
    if (worker.getStatus().numInFlightActivities > 0) busyAt = performance.now();
    const idleMs = performance.now() - busyAt;
    if (idleMs < SAY_EVERY_MS) return;
    const say = (waited: string) => {
      log.warn({ waitsFor: waited, seconds: Math.round(idleMs / 1_000) }, 'import waits');
    };
    handle
      .describe()
      .then(({ raw }) => waitsFor(raw), reasonOf)
      .then(say, say);
  }, SAY_EVERY_MS);
}

/** What a workflow that asks for nothing waits for itself. */
function waitsFor({ pendingWorkflowTask, pendingActivities }: Described): string {
  if (pendingWorkflowTask) return 'a `sojourn worker` to go on with the workflow of the import';
  const [step] = pendingActivities ?? [];
  if (step === undefined) return 'somebody to resume the import, which is paused';
  const { lastWorkerIdentity, lastFailure } = step;
  const failed = lastFailure?.message ? `, which has failed before: ${lastFailure.message}` : '';
  return lastWorkerIdentity
    ? `the step that process ${lastWorkerIdentity} has begun to end, or to be given up${failed}`
    : `Temporal to hand on the next step${failed}`;
}

type Described = Awaited<ReturnType<WorkflowHandle['describe']>>['raw'];
