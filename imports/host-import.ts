/** The hands of an import, on this machine, until its workflow is over or somebody interrupts. */
import {
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
  type WorkflowHandle,
} from '@temporalio/client';
import { Worker } from '@temporalio/worker';
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

/**
 * Does what the workflow asks for.
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
  }: { readonly id: string; readonly activities: ImportActivities; readonly signal: AbortSignal },
): Promise<ImportView> {
  const worker = await Worker.create({
    connection: temporal.connection,
    namespace,
    taskQueue: importQueue(id),
    activities,
    maxConcurrentActivityTaskExecutions: 2,
    shutdownGraceTime: '1m',
  });
  const interrupted = new Promise<'interrupted'>((resolve) => {
    if (signal.aborted) resolve('interrupted');
    signal.addEventListener('abort', () => {
      resolve('interrupted');
    });
  });
  const result = handle.result() as Promise<ImportView>;
  result.catch(() => undefined);
  const outcome = await worker.runUntil(Promise.race([result, interrupted]));
  if (outcome === 'interrupted') {
    throw new SojournError(
      'SJ_TIMEOUT',
      'interrupted; the same command again goes on where it was',
    );
  }
  return outcome;
}
