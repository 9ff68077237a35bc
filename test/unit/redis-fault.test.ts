import { EventEmitter } from 'node:events';
import { expect } from 'chai';
import { pino } from 'pino';
import { ConnectionFaultError } from '../../platform/connection-fault.ts';
import { watchRedis } from '../../platform/redis-fault.ts';
import { eventually } from '../support/eventually.ts';

const TIMES = { afterMs: 20, everyMs: 20 };
const REFUSED = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
const EXPIRED = Object.assign(new Error('it has expired'), { code: 'CERT_HAS_EXPIRED' });
const WRONG = new Error('WRONGPASS invalid username-password pair');

type Fault = ConnectionFaultError | undefined;

describe('a connection to Redis that does not come back', () => {
  function watched(look: (error: unknown) => Promise<Fault>, times = TIMES) {
    const redis = new EventEmitter();
    const lines: Record<string, unknown>[] = [];
    const log = pino(
      { level: 'debug' },
      { write: (line: string) => lines.push(JSON.parse(line) as Record<string, unknown>) },
    );
    watchRedis(redis, look, log, times);
    return {
      fails: (error: Error) => redis.emit('error', error),
      closes: () => redis.emit('close'),
      isBack: () => redis.emit('ready'),
      said: () => lines.map(({ msg, fault }) => fault ?? msg),
    };
  }

  const of = (kind: ConnectionFaultError['kind']) =>
    new ConnectionFaultError('Redis', 'redis://h:1', kind, undefined);
  const byError = (error: unknown): Promise<Fault> =>
    Promise.resolve(error === EXPIRED ? of('expired') : error === WRONG ? of('login') : undefined);
  const aMoment = (ms = 5) => new Promise((resolve) => setTimeout(resolve, ms));
  const until = (expected: () => void) => eventually(expected, { withinMs: 5_000, everyMs: 5 });
  const [LOST, BACK] = ['redis connection lost', 'redis connection is back'];

  it('says each kind that errors tell once, whatever came first, and again of the next time', async () => {
    const { fails, isBack, said } = watched(byError);
    for (const error of [REFUSED, EXPIRED, REFUSED, EXPIRED, WRONG, EXPIRED, WRONG]) {
      fails(error);
      await aMoment();
    }
    const once = [LOST, of('expired').message, of('login').message];
    expect(said()).to.deep.equal(once);

    isBack();
    fails(REFUSED);
    fails(EXPIRED);
    await aMoment();

    expect(said()).to.deep.equal([...once, BACK, LOST, of('expired').message]);
  });

  it('is looked at now and then where errors do not tell, until something shows', async () => {
    let looks = 0;
    const { fails, said } = watched(() =>
      Promise.resolve((looks += 1) === 3 ? of('tls') : undefined),
    );
    await until(() => {
      fails(REFUSED);
      expect(said()).to.deep.equal([LOST, of('tls').message]);
    });
    for (let n = 0; n < 20; n += 1) {
      fails(REFUSED);
      await aMoment();
    }
    expect([looks, said().length]).to.deep.equal([3, 2]);
  });

  it('is lost as well where it is closed again and again, and nothing is said of one that is made anew', async () => {
    const { closes, isBack, said } = watched(() => Promise.resolve(of('tls')), {
      ...TIMES,
      afterMs: 300,
    });
    closes();
    isBack();
    closes();
    expect(said()).to.deep.equal([]);

    await until(() => {
      closes();
      expect(said()).to.deep.equal([LOST, of('tls').message]);
    });
  });

  it('says nothing of what was found out too late', async () => {
    let answer: (fault: Fault) => void = () => undefined;
    const { fails, isBack, said } = watched(() => new Promise((resolve) => (answer = resolve)));
    fails(REFUSED);
    isBack();

    answer(of('tls'));
    await aMoment();

    expect(said()).to.deep.equal([LOST, BACK]);
  });
});
