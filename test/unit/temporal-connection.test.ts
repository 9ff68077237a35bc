import { createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { lazyConnection } from '../../platform/temporal.ts';
import { toError } from '../../shared/errors.ts';

describe('a connection to Temporal that is closed', () => {
  let server: Server;
  let address: string;

  // Takes connections and hangs up, so that each try fails and is to be repeated.
  before(async () => {
    server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const at = server.address();
    address = typeof at === 'object' && at !== null ? `127.0.0.1:${at.port}` : '';
  });

  after(() => new Promise((resolve) => server.close(resolve)));

  // What the timer of a repetition throws would end the process: here it fails the test.
  it('ends what was to be tried again', async () => {
    const connection = lazyConnection({ address });
    const answers = [1, 2, 3].map(() =>
      connection.workflowService.getSystemInfo({}).then(() => undefined, toError),
    );
    await sleep(300);

    await connection.close();

    for (const error of await Promise.all(answers)) {
      expect(error).to.be.instanceOf(Error).with.property('message').that.contains('closed');
    }
  });

  it('answers nothing more', async () => {
    const connection = lazyConnection({ address });
    await connection.close();
    const error = await connection.workflowService.getSystemInfo({}).catch(toError);
    expect(error).to.be.instanceOf(Error);
  });
});
