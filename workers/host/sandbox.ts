/**
 * Where workflow code runs: in a thread of its own (sandbox-thread.ts), for each process that works. A workflow
 * task is one message to it and one back.
 */
import { startThread } from '../../platform/thread.ts';
import type proto from '@temporalio/proto';
import * as sdk from '@temporalio/worker';
import type { SinkCall, WorkflowInfo } from '@temporalio/workflow';
import { LRUCache } from 'lru-cache';
import type { LogEntry } from '../../shared/rollup.ts';
import { type HostKnows, ROLLUP_LOG } from '../../workflows/messages.ts';
import { createOrderGuard } from './order-guard.ts';
import { createUntaken, type Untaken } from './untaken.ts';

type CreatorArguments = Parameters<(typeof sdk.Worker)['createWorkflowCreator']>;
export type WorkflowBundle = CreatorArguments[0];
export type WorkflowCreator = Awaited<ReturnType<(typeof sdk.Worker)['createWorkflowCreator']>>;
type CreateOptions = Parameters<WorkflowCreator['createWorkflow']>[0];
type Workflow = Awaited<ReturnType<WorkflowCreator['createWorkflow']>>;

/** Makes workflows, knows which of them have yet to hear of a signal, and tells of those that somebody looks at. */
export type Sandbox = WorkflowCreator & {
  readonly untaken: Untaken;
  /** Called with each workflow that is asked something; whoever wants to know sets it. */
  onAsked: (workflowId: string) => void;
  /** Called with each workflow that is made here, or takes up a signal. */
  onTaken: (workflowId: string) => void;
};

/** What the thread is made with. */
export interface SandboxData {
  readonly bundle: WorkflowBundle;
  readonly activityNames: Set<string>;
}

/** A workflow task, or a query. */
export interface SandboxRequest {
  readonly id: number;
  /** Runs whose workflows are not needed any more. */
  readonly gone: readonly string[];
  readonly runId: string;
  readonly activation: proto.coresdk.workflow_activation.IWorkflowActivation;
  /** The workflow has to be made first. */
  readonly create?: CreateOptions;
}

export interface SandboxOutcome {
  readonly completion: proto.coresdk.workflow_completion.IWorkflowActivationCompletion;
  /** What the workflow hands over; of what run is known here. */
  readonly calls: readonly Omit<SinkCall, 'workflowInfo'>[];
  /** It was handed over in a replay. */
  readonly isReplaying: boolean;
}

export type SandboxAnswer = { readonly id: number } & (SandboxOutcome | { readonly error: Error });

type Task = Omit<SandboxRequest, 'id' | 'gone'>;

interface ThreadClient {
  readonly untaken: Untaken;
  /** By run, the greatest number under which it handed a record over. */
  readonly handedOver: LRUCache<string, number>;
  readonly asked: (workflowId: string) => void;
  readonly tookUp: (workflowId: string) => void;
  readonly ask: (task: Task) => Promise<SandboxOutcome>;
  readonly dispose: (runId: string) => Promise<void>;
}

interface Waiting {
  readonly resolve: (outcome: SandboxOutcome) => void;
  readonly reject: (error: Error) => void;
}

/** Runs of which that is remembered: a task that is tried again is tried again soon. */
const HANDED_OVER_RUNS_MAX = 10_000;

/** Starts the thread. @throws where the bundle cannot be evaluated */
export async function createSandbox(
  bundle: WorkflowBundle,
  activityNames: Set<string>,
): Promise<Sandbox> {
  const data: SandboxData = { bundle, activityNames };
  const thread = startThread(new URL('sandbox-thread', import.meta.url), import.meta.url, data);
  const waiting = new Map<number, Waiting>();
  let gone: string[] = [];
  let requests = 0;
  let failure: Error | undefined;

  const ready = new Promise<void>((resolve, reject) => {
    thread.once('message', () => {
      resolve();
    });
    thread.once('error', reject);
  });
  await ready;
  thread.on('message', (answer: SandboxAnswer) => {
    const asked = waiting.get(answer.id);
    waiting.delete(answer.id);
    if ('error' in answer) asked?.reject(answer.error);
    else asked?.resolve(answer);
  });
  thread.on('error', (error) => {
    failure = fatal('the thread that runs workflows failed', error);
  });
  thread.on('exit', () => {
    failure ??= fatal('the thread that runs workflows has ended');
    for (const { reject } of waiting.values()) reject(failure);
    waiting.clear();
  });

  function ask(request: Task): Promise<SandboxOutcome> {
    if (failure !== undefined) return Promise.reject(failure);
    requests += 1;
    const id = requests;
    thread.postMessage({ id, gone, ...request } satisfies SandboxRequest);
    gone = [];
    return new Promise((resolve, reject) => {
      waiting.set(id, { resolve, reject });
    });
  }

  return sandboxOf({
    ask,
    // Rides on the next task: waking the thread costs more than what it is woken for.
    dispose(runId) {
      gone.push(runId);
      return Promise.resolve();
    },
    async destroy() {
      await thread.terminate();
    },
  });
}

/**
 * The same around workflows that the SDK's own threads run (`WORKFLOW_SANDBOX=sdk`): slower, and without any module of it
 * that is not public.
 */
export function sandboxAround(creator: WorkflowCreator): Sandbox {
  const running = new Map<string, Workflow>();
  const ask = async ({ runId, activation, create }: Task): Promise<SandboxOutcome> => {
    if (create !== undefined) running.set(runId, await creator.createWorkflow(create));
    const workflow = running.get(runId);
    if (workflow === undefined) throw new TypeError(`no workflow of run ${runId}`);
    const completion = await workflow.activate(activation);
    const calls = await workflow.getAndResetSinkCalls();
    return {
      completion,
      calls,
      isReplaying: calls[0]?.workflowInfo.unsafe.isReplayingHistoryEvents ?? false,
    };
  };
  const dispose = (runId: string) => {
    const workflow = running.get(runId);
    running.delete(runId);
    return workflow?.dispose() ?? Promise.resolve();
  };
  return sandboxOf({ ask, dispose, destroy: () => creator.destroy() });
}

/** What is known of workflows, whatever runs them. */
function sandboxOf({
  ask,
  dispose,
  destroy,
}: Pick<ThreadClient, 'ask' | 'dispose'> & Pick<Sandbox, 'destroy'>): Sandbox {
  const untaken = createUntaken();
  const sandbox: Sandbox = {
    untaken,
    onAsked: () => undefined,
    onTaken: () => undefined,
    createWorkflow: (options) => Promise.resolve(workflowIn(client, options)),
    destroy,
  };
  const client: ThreadClient = {
    untaken,
    handedOver: new LRUCache({ max: HANDED_OVER_RUNS_MAX }),
    asked: (workflowId) => {
      sandbox.onAsked(workflowId);
    },
    tookUp: (workflowId) => {
      sandbox.onTaken(workflowId);
    },
    ask,
    dispose,
  };
  return sandbox;
}

/** The workflow is made with its first task. What it hands over comes with the answer to each. */
function workflowIn(
  { untaken, handedOver, asked, tookUp, ask, dispose }: ThreadClient,
  options: CreateOptions,
): Workflow {
  const { workflowId, runId } = options.info;
  // Functions cannot enter the thread, where they are set anew.
  const { now: _now, random: _random, ...unsafe } = options.info.unsafe;
  const knows: HostKnows = { handedOver: handedOver.get(runId) ?? 0 };
  let create: CreateOptions | undefined = {
    ...options,
    info: { ...options.info, ...knows, unsafe: unsafe as WorkflowInfo['unsafe'] },
  };
  let calls: SinkCall[] = [];
  const order = createOrderGuard();
  untaken.kept(workflowId, runId);
  tookUp(workflowId);
  return {
    async activate(activation) {
      if (activation.jobs?.some(({ signalWorkflow }) => signalWorkflow)) {
        untaken.taken(workflowId);
        tookUp(workflowId);
      }
      if (activation.jobs?.some(({ queryWorkflow }) => queryWorkflow)) asked(workflowId);
      if (order.isTooLate(activation)) return giveUp(runId);
      const request = { runId, activation, ...(create !== undefined && { create }) };
      if (create !== undefined) leaveOut(activation);
      create = undefined;
      const { completion, calls: made, isReplaying } = await ask(request);
      const workflowInfo: WorkflowInfo = {
        ...options.info,
        unsafe: { ...options.info.unsafe, isReplayingHistoryEvents: isReplaying },
      };
      for (const call of made) {
        calls.push({ ...call, workflowInfo });
        if (call.ifaceName !== ROLLUP_LOG) continue;
        const [{ mayDiffer: writeNo = 1 }] = call.args as [LogEntry];
        handedOver.set(runId, writeNo);
      }
      order.saw(completion);
      return completion;
    },
    getAndResetSinkCalls() {
      const taken = calls;
      calls = [];
      return Promise.resolve(taken);
    },
    dispose() {
      untaken.dropped(workflowId, runId);
      return dispose(runId);
    },
  };
}

/** The task fails and is tried again, by a workflow made anew from the history. */
function giveUp(runId: string): SandboxOutcome['completion'] {
  const message = 'a signal came between a timer and its task: tried again from the history';
  return { runId, failed: { failure: { message, source: 'Sojourn' } } };
}

/** Operators look for sessions by these; the code of a workflow does not read them. */
function leaveOut({ jobs }: SandboxRequest['activation']): void {
  for (const { initializeWorkflow } of jobs ?? []) {
    if (initializeWorkflow) initializeWorkflow.searchAttributes = null;
  }
}

/** The error that ends the SDK's worker: any other one it would answer the server with, and go on. */
function fatal(message: string, cause?: unknown): Error {
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- there is no other way to say it
  return new sdk.UnexpectedError(message, cause);
}
