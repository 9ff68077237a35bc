import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import { expect } from 'chai';
import { keepLoaders } from '../../workers/host/keep-loaders.ts';
import { eventually } from '../support/eventually.ts';

/** A Temporal whose loader is as these say, one look after the other, and then for ever as the last. */
function aTemporal(looks: readonly (string | Error)[]) {
  let asked = 0;
  const started: string[] = [];
  const client = {
    workflow: {
      getHandle: () => ({
        describe: () => {
          const look = looks[Math.min(asked, looks.length - 1)];
          asked += 1;
          return look instanceof Error
            ? Promise.reject(look)
            : Promise.resolve({ status: { name: look } });
        },
      }),
      start: (_type: string, { workflowId }: { workflowId: string }) => {
        started.push(workflowId);
        return Promise.resolve();
      },
    },
  } as unknown as Client;
  const warned: string[] = [];
  const log = {
    ...{ debug: () => undefined },
    warn: (_fields: unknown, text: string) => warned.push(text),
  } as never;
  return {
    ...{ started, warned },
    async looked(times: number): Promise<void> {
      const kept = keepLoaders({ client, log }, 1);
      try {
        await eventually(
          () => {
            expect(asked).to.be.at.least(times);
          },
          { withinMs: 5_000, everyMs: 1 },
        );
      } finally {
        kept.stop();
      }
    },
  };
}

describe('the loader', () => {
  it('is started again where it has ended, and that is said', async () => {
    for (const end of ['TERMINATED', 'CANCELLED', 'FAILED', 'COMPLETED', 'TIMED_OUT']) {
      const temporal = aTemporal(['RUNNING', end, 'RUNNING']);
      await temporal.looked(4);
      expect(temporal.started, end).to.deep.equal(['loader/0']);
      expect(temporal.warned.join(), end).to.contain('it is started');
    }
  });

  it('is started where Temporal knows of none', async () => {
    const gone = new WorkflowNotFoundError('no such workflow', 'loader/0', undefined);
    const temporal = aTemporal([gone, 'RUNNING']);
    await temporal.looked(3);
    expect(temporal.started).to.deep.equal(['loader/0']);
  });

  it('is left alone while it runs, or is paused, or Temporal does not answer', async () => {
    const temporal = aTemporal(['RUNNING', 'PAUSED', new Error('away'), 'RUNNING']);
    await temporal.looked(6);
    expect(temporal.started).to.deep.equal([]);
    expect(temporal.warned).to.deep.equal([]);
  });
});
