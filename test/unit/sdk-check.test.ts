import { createRequire } from 'node:module';
import { expect } from 'chai';
import { toError } from '../../shared/errors.ts';
import { checkSdk, type SandboxKind } from '../../workers/host/sdk-check.ts';

const real = createRequire(import.meta.url) as (module: string) => unknown;

function said(sandbox: SandboxKind, load?: (module: string) => unknown): string | undefined {
  try {
    checkSdk(sandbox, load);
    return undefined;
  } catch (error) {
    return toError(error).message;
  }
}

/** The SDK as it is, but for one module. */
const changed =
  (name: string, change: (module: Record<string, unknown>) => unknown) => (module: string) =>
    module === name ? change(real(module) as Record<string, unknown>) : real(module);

describe('the check of the Temporal SDK', () => {
  it('has nothing to say of the installed one', () => {
    expect(said('own')).to.equal(undefined);
    expect(said('sdk')).to.equal(undefined);
  });

  for (const [module, change, missing] of [
    [
      '@temporalio/worker/lib/workflow/vm-shared.js',
      (all) => ({ ...all, injectGlobals: undefined }),
      'injectGlobals',
    ],
    [
      '@temporalio/worker/lib/workflow/vm-shared.js',
      (all) => ({ ...all, BaseVMWorkflow: () => undefined }),
      'BaseVMWorkflow.prototype.activate',
    ],
    [
      '@temporalio/workflow/lib/worker-interface.js',
      (all) => ({ ...all, tryUnblockConditions: undefined }),
      'tryUnblockConditions',
    ],
    [
      '@temporalio/worker/lib/workflow/vm-shared.js',
      () => {
        throw new Error('Cannot find module');
      },
      'such file',
    ],
  ] as readonly [string, (all: Record<string, unknown>) => unknown, string][]) {
    it(`tells where ${module} has no ${missing}, and of the way back, which works`, () => {
      const load = changed(module, change);
      expect(said('own', load))
        .to.contain(module)
        .and.contain(`no ${missing}`)
        .and.contain('WORKFLOW_SANDBOX=sdk')
        .and.match(/SDK \d+\.\d+\.\d+/);
      expect(said('sdk', load)).to.equal(undefined);
    });
  }

  it('knows no way around a worker that does not wait for what is handed over', () => {
    const load = changed('@temporalio/worker', (all) => ({
      ...all,
      Worker: { createWorkflowCreator: () => undefined },
    }));
    for (const sandbox of ['own', 'sdk'] as const) {
      expect(said(sandbox, load))
        .to.contain('Worker.prototype.processSinkCalls')
        .and.contain('npm ci')
        .and.not.contain('WORKFLOW_SANDBOX');
    }
  });
});
