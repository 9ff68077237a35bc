/**
 * The thread that runs workflow code (docs/decisions/018). The SDK's own one keeps workflows apart by exchanging
 * all globals between one and the next, and evaluates its modules for each; what we run here keeps nothing
 * between calls, so all workflows share one set of both.
 */
import { types } from 'node:util';
import vm from 'node:vm';
import { parentPort, workerData } from 'node:worker_threads';
import proto from '@temporalio/proto';
import {
  BaseVMWorkflow,
  globalHandlers,
  injectGlobals,
  setUnhandledRejectionHandler,
  type WorkflowModule,
} from '@temporalio/worker/lib/workflow/vm-shared.js';
import type { Activator } from '@temporalio/workflow/lib/internals.js';
import type { SinkCall } from '@temporalio/workflow';
import { toError } from '../../shared/errors.ts';
import type { SandboxAnswer, SandboxData, SandboxOutcome, SandboxRequest } from './sandbox.ts';

/** What the SDK's bundle gives out, and what we hand in. */
interface Sandbox extends vm.Context {
  __TEMPORAL_ACTIVATOR__: Activator | undefined;
  call?: readonly [fn: string, args: readonly unknown[]];
}

// Promises settle before a call into the context returns: the context has a queue of its own for them.
const CALL = new vm.Script('__TEMPORAL__.api[call[0]](...call[1])');
const LOAD = new vm.Script('__TEMPORAL__.importWorkflows()');

class SharedVMWorkflow extends BaseVMWorkflow {
  // eslint-disable-next-line @typescript-eslint/require-await -- the SDK's workflows are disposed of asynchronously
  override async dispose(): Promise<void> {
    this.workflowModule.dispose();
  }
}

const { bundle, activityNames } = workerData as SandboxData;
const workflows = new Map<string, SharedVMWorkflow>();
// Errors tell of the source. The other thing that `install()` does is tracing promises, which is what costs.
(globalHandlers as unknown as { overridePrepareStackTrace(): void }).overridePrepareStackTrace();
await globalHandlers.addWorkflowBundle(bundle);
const context = createContext();
setUnhandledRejectionHandler((runId) => workflows.get(runId));

function createContext(): Sandbox {
  const sandbox = vm.createContext(
    { __webpack_module_cache__: {} },
    { microtaskMode: 'afterEvaluate' },
  ) as Sandbox;
  injectGlobals(sandbox);
  new vm.Script(bundle.code, { filename: bundle.filename }).runInContext(sandbox);
  LOAD.runInContext(sandbox);
  return sandbox;
}

/** The SDK's functions inside the context, called on behalf of the workflow that `whose` holds. */
function moduleFor(whose: { activator?: Activator }): WorkflowModule {
  const call =
    (fn: string) =>
    (...args: readonly unknown[]): unknown => {
      context.__TEMPORAL_ACTIVATOR__ = whose.activator;
      context.call = [fn, args];
      return CALL.runInContext(context);
    };
  return {
    initRuntime: call('initRuntime'),
    initialize: call('initialize'),
    activate: call('activate'),
    concludeActivation: call('concludeActivation'),
    tryUnblockConditions: call('tryUnblockConditions'),
    dispose: call('dispose'),
    destroy: call('destroy'),
  } as WorkflowModule;
}

function createWorkflow(options: NonNullable<SandboxRequest['create']>): SharedVMWorkflow {
  const own: { activator?: Activator } = {};
  const workflowModule = moduleFor(own);
  workflowModule.initRuntime({
    ...options,
    sourceMap: bundle.sourceMap,
    registeredActivityNames: activityNames,
    getTimeOfDay: () => BigInt(Date.now()) * 1_000_000n,
    stackTracesEnabled: false,
  });
  const activator = context.__TEMPORAL_ACTIVATOR__;
  if (activator === undefined) throw new TypeError('the SDK made no activator');
  own.activator = activator;
  const workflow = new SharedVMWorkflow(options.info.runId, context, activator, workflowModule);
  workflows.set(options.info.runId, workflow);
  return workflow;
}

async function answer({ runId, create, activation }: SandboxRequest): Promise<SandboxOutcome> {
  const workflow = create === undefined ? workflows.get(runId) : createWorkflow(create);
  if (workflow === undefined) throw new TypeError(`no workflow of run ${runId} in this thread`);
  const { WorkflowActivation } = proto.coresdk.workflow_activation;
  const completion = await workflow.activate(WorkflowActivation.fromObject(activation));
  const calls = (await workflow.getAndResetSinkCalls()).filter((call) => !isChatter(call));
  return {
    completion,
    calls: calls.map(({ ifaceName, fnName, args }) => ({ ifaceName, fnName, args })),
    isReplaying: calls[0]?.workflowInfo.unsafe.isReplayingHistoryEvents ?? false,
  };
}

/** The SDK says of each workflow that it has started and ended. */
function isChatter({ ifaceName, fnName }: SinkCall): boolean {
  return ifaceName === '__temporal_logger' && (fnName === 'debug' || fnName === 'trace');
}

async function dispose(runId: string): Promise<void> {
  const workflow = workflows.get(runId);
  workflows.delete(runId);
  await workflow?.dispose();
}

const port = parentPort;
if (port === null) throw new TypeError('runs as a thread only');
const reply = (message: SandboxAnswer) => {
  port.postMessage(message);
};
port.on('message', (request: SandboxRequest) => {
  const { id, gone } = request;
  for (const runId of gone) dispose(runId).catch(endThread);
  answer(request)
    .then((outcome) => {
      reply({ id, ...outcome });
    })
    .catch((error: unknown) => {
      // Those of the context's own classes are no instances of ours.
      reply({ id, error: types.isNativeError(error) ? error : toError(error) });
    });
});
port.postMessage({ ready: true });

/** Not as a rejected promise, which would be taken for one of a workflow's. */
function endThread(error: unknown): void {
  setImmediate(() => {
    throw toError(error);
  });
}
