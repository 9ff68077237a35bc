/**
 * Whether the parts of the Temporal SDK are there that are not its public interface, and that we lean on: its sandbox for
 * workflow code (docs/decisions/018), and the place where what a workflow hands over is waited for (027). They may
 * change with any version.
 */
import { createRequire } from 'node:module';
import { SojournError } from '../../shared/errors.ts';

/** A module and what of it is used; `a.b` is `b` of `a`. All of it are functions. */
interface Leaned {
  readonly module: string;
  readonly functions: readonly string[];
}

/** Of the worker itself. There is no way around these. */
const OF_WORKER: Leaned = {
  module: '@temporalio/worker',
  functions: ['Worker.createWorkflowCreator', 'Worker.prototype.processSinkCalls'],
};

/** Of the SDK's sandbox: only where ours takes its place. */
const OF_SANDBOX: readonly Leaned[] = [
  {
    module: '@temporalio/worker/lib/workflow/vm-shared.js',
    functions: [
      'BaseVMWorkflow.prototype.activate',
      'BaseVMWorkflow.prototype.getAndResetSinkCalls',
      'globalHandlers.addWorkflowBundle',
      'globalHandlers.overridePrepareStackTrace',
      'injectGlobals',
      'setUnhandledRejectionHandler',
    ],
  },
  {
    module: '@temporalio/workflow/lib/worker-interface.js',
    functions: [
      'initRuntime',
      'initialize',
      'activate',
      'concludeActivation',
      'tryUnblockConditions',
      'dispose',
      'destroy',
    ],
  },
];

export type SandboxKind = 'own' | 'sdk';

/**
 * @param load gives a module, or throws where it is not there
 * @throws SojournError `SJ_CONFIG`, naming the module, what of it has changed, and the way back
 */
export function checkSdk(
  sandbox: SandboxKind,
  load: (module: string) => unknown = loadModule,
): void {
  for (const leaned of sandbox === 'own' ? [OF_WORKER, ...OF_SANDBOX] : [OF_WORKER]) {
    const missing = missingOf(leaned, load);
    if (missing === undefined) continue;
    const remedy =
      leaned === OF_WORKER
        ? 'install the versions of package-lock.json (`npm ci`)'
        : 'install the versions of package-lock.json (`npm ci`), or set WORKFLOW_SANDBOX=sdk';
    throw new SojournError(
      'SJ_CONFIG',
      `the Temporal SDK ${versionOf(load)} has changed: ${leaned.module} has no ${missing}; ${remedy}`,
    );
  }
}

function missingOf({ module, functions }: Leaned, load: (module: string) => unknown) {
  let loaded: unknown;
  try {
    loaded = load(module);
  } catch {
    return 'such file';
  }
  return functions.find((path) => typeof valueAt(loaded, path) !== 'function');
}

function valueAt(value: unknown, path: string): unknown {
  return path.split('.').reduce<unknown>((at, name) => {
    const isOpen = (typeof at === 'object' && at !== null) || typeof at === 'function';
    return isOpen ? (at as Record<string, unknown>)[name] : undefined;
  }, value);
}

const loadModule = createRequire(import.meta.url) as (module: string) => unknown;

function versionOf(load: (module: string) => unknown): string {
  const { version } = load('@temporalio/worker/package.json') as { readonly version: string };
  return version;
}
