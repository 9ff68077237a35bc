import type { Status } from '@nats-io/transport-node';
import { expect } from 'chai';
import { pino } from 'pino';
import { watchFault } from '../../platform/nats-fault.ts';
import { eventually } from '../support/eventually.ts';

const SERVER = 'nats.example:4222';
const TIMES = { afterMs: 5, everyMs: 5 };
const FAULT = new Error('NATS at nats.example: its certificate has expired');

describe('a connection to NATS that does not come back', () => {
  /** A connection whose changes a test tells, and what is logged of it. */
  function watched(look: () => Promise<Error | undefined>) {
    const told: Status[] = [];
    const lines: Record<string, unknown>[] = [];
    let wake: () => void = () => undefined;
    const status = async function* () {
      for (;;) {
        for (let one = told.shift(); one !== undefined; one = told.shift()) yield one;
        await new Promise<void>((resolve) => (wake = resolve));
      }
    };
    const log = pino(
      { level: 'debug' },
      { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    );
    watchFault({ status }, look, log, TIMES);
    const tell = (type: 'disconnect' | 'reconnect') => {
      told.push({ type, server: SERVER });
      wake();
    };
    const said = () => lines.map(({ level, fault }) => ({ level, fault }));
    return { tell, said };
  }

  const until = (expected: () => void) => eventually(expected, { withinMs: 5_000 });
  const aMoment = () => new Promise((resolve) => setTimeout(resolve, 60));
  const SAID = { level: 40, fault: FAULT.message };

  it('is looked at until something shows, which is said once, and again of the next time', async () => {
    let looks = 0;
    const { tell, said } = watched(() =>
      Promise.resolve((looks += 1) % 3 === 0 ? FAULT : undefined),
    );

    tell('disconnect');
    await until(() => {
      expect(said()).to.deep.equal([SAID]);
    });
    await aMoment();
    expect({ looks, said: said() }).to.deep.equal({ looks: 3, said: [SAID] });

    tell('reconnect');
    tell('disconnect');
    await until(() => {
      expect(said()).to.deep.equal([SAID, SAID]);
    });
  });

  it('is not looked at once it is back, and what was found out too late is not said', async () => {
    let looks = 0;
    let answer: (fault: Error) => void = () => undefined;
    const { tell, said } = watched(() => {
      looks += 1;
      return new Promise((resolve) => (answer = resolve));
    });
    tell('disconnect');
    await until(() => {
      expect(looks).to.equal(1);
    });

    tell('reconnect');
    await aMoment();
    answer(FAULT);
    await aMoment();

    expect({ looks, said: said() }).to.deep.equal({ looks: 1, said: [] });
  });

  it('is looked at again where nobody could', async () => {
    let looks = 0;
    const { tell, said } = watched(() => {
      looks += 1;
      return looks < 3 ? Promise.reject(new Error('no such file')) : Promise.resolve(FAULT);
    });
    tell('disconnect');

    await until(() => {
      expect(said().at(-1)).to.deep.equal(SAID);
    });
  });
});
