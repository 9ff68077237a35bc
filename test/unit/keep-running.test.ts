/** Servers that end, or refuse everything, are started again; nothing is started for ever. */
import { expect } from 'chai';
import { silentLog } from '../../platform/log.ts';
import { keepRunning, type Kept } from '../../servers/keep-running.ts';
import { eventually } from '../support/eventually.ts';

/** A server whose process can be ended. */
function server(restart: () => Promise<void> = () => Promise.resolve()) {
  let end = (): void => undefined;
  let starts = 0;
  let exited = new Promise<void>((resolve) => (end = resolve));
  const kept: Kept = {
    name: 'some server',
    current: () => ({ exited }),
    async restart() {
      starts += 1;
      await restart();
      exited = new Promise<void>((resolve) => (end = resolve));
    },
  };
  return {
    kept,
    end: () => {
      end();
    },
    get starts() {
      return starts;
    },
  };
}

const SOON = { withinMs: 2_000, everyMs: 5 };
const QUICK = { log: silentLog, lookEveryMs: 5, backoffMs: 1 };

describe('servers that are kept running', () => {
  it('are started again each time they end', async () => {
    const one = server();
    const keeper = keepRunning([one.kept], QUICK);
    for (const times of [1, 2]) {
      one.end();
      await eventually(() => {
        expect(one.starts).to.equal(times);
      }, SOON);
    }
    await keeper.stop();
  });

  it('are started again where they refuse everything twice in a row, and not for once', async () => {
    const one = server();
    const faults = [undefined, 'interrupted', undefined, 'interrupted', 'interrupted'];
    let asked = 0;
    const faultOf = () => Promise.resolve(faults[asked++]);
    const keeper = keepRunning([{ ...one.kept, faultOf }], QUICK);
    await eventually(() => {
      expect(asked).to.be.greaterThan(faults.length);
    }, SOON);
    await keeper.stop();
    expect(one.starts).to.equal(1);
  });

  it('are given up where no start helps, with what was wrong', async () => {
    const one = server(() => Promise.reject(new Error('the disk is full')));
    const keeper = keepRunning([one.kept], QUICK);
    one.end();
    const failure = await keeper.failed.catch((error: unknown) => error);
    expect(failure).to.have.property('code', 'SJ_SERVER_START');
    expect(failure)
      .to.have.property('message')
      .that.matches(/^some server could not be kept running.*the disk is full$/);
    expect(one.starts).to.equal(8);
    await keeper.stop();
  });

  it('are started anew where they are well but others, as often as it takes', async () => {
    const one = server();
    let asked = 0;
    const renewalOf = () => (asked++ < 20 ? 'it has other users' : undefined);
    const keeper = keepRunning([{ ...one.kept, renewalOf }], QUICK);
    await eventually(() => {
      expect(asked).to.be.greaterThan(20);
    }, SOON);
    await keeper.stop();
    expect(one.starts).to.equal(20);
  });

  it('are left alone once nobody wants them any more', async () => {
    const one = server();
    const keeper = keepRunning([one.kept], QUICK);
    await keeper.stop();
    one.end();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(one.starts).to.equal(0);
  });
});
