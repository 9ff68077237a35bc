import { expect } from 'chai';
import { toError } from '../../shared/errors.ts';
import { createSandbox, type WorkflowBundle } from '../../workers/host/sandbox.ts';

const aBundle = (code: string): WorkflowBundle => ({
  code,
  filename: 'workflows.js',
  sourceMap: { version: '3', sources: [], names: [], mappings: '', file: 'workflows.js' } as never,
});
const ID = 'session/shop/s-1';
const EMPTY = 'globalThis.__TEMPORAL__ = { importWorkflows() {}, api: {} };';

describe('the sandbox of workflows', () => {
  it('does not start with code that cannot be evaluated', async () => {
    const started = createSandbox(aBundle('throw new Error("broken");'), new Set());

    expect(await failureOf(started)).to.include({ message: 'broken' });
  });

  it('fails a task that the thread cannot do, and goes on', async () => {
    const sandbox = await createSandbox(aBundle(EMPTY), new Set());
    try {
      for (const runId of ['one', 'two']) {
        const workflow = await sandbox.createWorkflow(optionsOf(runId));

        const failure = await failureOf(workflow.activate({ runId, jobs: [] }));
        expect(failure).to.include({ name: 'TypeError' });
        expect(failure.message).to.contain('is not a function');
        expect(await workflow.getAndResetSinkCalls()).to.deep.equal([]);
        await workflow.dispose();
      }
    } finally {
      await sandbox.destroy();
    }
  });

  it('knows which of the sessions it keeps have yet to hear of a signal', async () => {
    const sandbox = await createSandbox(aBundle(EMPTY), new Set());
    const { untaken } = sandbox;
    try {
      const workflow = await sandbox.createWorkflow(optionsOf('run'));
      untaken.sent(ID, untaken.takenBy(ID), 0);
      expect(untaken.count(0)).to.equal(1);

      // That this one cannot do it does not matter: it came here.
      await failureOf(workflow.activate({ runId: 'run', jobs: [{ fireTimer: {} }] }));
      expect(untaken.count(0)).to.equal(1);
      await failureOf(workflow.activate({ runId: 'run', jobs: [{ signalWorkflow: {} }] }));
      expect(untaken.count(0)).to.equal(0);

      await workflow.dispose();
      expect(untaken.takenBy(ID)).to.equal(undefined);
    } finally {
      await sandbox.destroy();
    }
  });

  it('ends the worker where its thread has ended', async () => {
    const sandbox = await createSandbox(aBundle(EMPTY), new Set());
    const workflow = await sandbox.createWorkflow(optionsOf('run'));
    await sandbox.destroy();

    const failure = await failureOf(workflow.activate({ runId: 'run', jobs: [] }));

    // The name that the SDK's worker gives up at.
    expect(failure).to.include({ name: 'UnexpectedError' });
  });
});

function optionsOf(
  runId: string,
): Parameters<Awaited<ReturnType<typeof createSandbox>>['createWorkflow']>[0] {
  return {
    info: { workflowId: ID, runId, unsafe: { isReplaying: false } },
    randomnessSeed: [],
    now: 0,
    showStackTraceSources: false,
  } as never;
}

async function failureOf(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return toError(error);
  }
  throw new Error('it did not fail');
}
