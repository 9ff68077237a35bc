/** How events of requests go together, and what happens to those that wait while NATS does not acknowledge. */
import { setTimeout as sleep } from 'node:timers/promises';
import { errors } from '@nats-io/transport-node';
import { expect } from 'chai';
import {
  createOutlet,
  NotNowError,
  OUTLET_LIMITS,
  type OutletLimits,
} from '../../collect/outlet.ts';
import { BadRequestError } from '../../collect/requests.ts';
import { NobodyAnswersError } from '../../platform/jetstream-away.ts';
import { silentLog } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';
import { eventually } from '../support/eventually.ts';

interface Published {
  readonly subject: string;
  readonly data: string;
  readonly id: string | undefined;
  resolve(): void;
  reject(error: Error): void;
}

/** A JetStream that acknowledges when it is told to, on a connection that is there when it is told to. */
function begin(limits: Partial<OutletLimits> = {}) {
  const published: Published[] = [];
  let tell: (type: 'disconnect' | 'reconnect') => void = () => undefined;
  const status = async function* () {
    for (;;) {
      yield await new Promise<{ type: string }>((resolve) => {
        tell = (type) => {
          resolve({ type });
        };
      });
    }
  };
  const nats = {
    connection: { status },
    js: {
      publish: (subject: string, data: Uint8Array, { msgID: id }: { msgID?: string }) =>
        new Promise<void>((resolve, reject) => {
          published.push({ subject, data: Buffer.from(data).toString(), id, resolve, reject });
        }),
    },
  } as unknown as Pick<Nats, 'connection' | 'js'>;
  const outlet = createOutlet(nats, silentLog, { ...OUTLET_LIMITS, ...limits });
  const send = (n: number, project = 'shop') =>
    outlet.send(project, [{ json: JSON.stringify({ n }), eventType: 'x' }]);
  const connection = async (type: 'disconnect' | 'reconnect') => {
    tell(type);
    await settled();
  };
  return { outlet, published, send, connection };
}

/** What the client throws for a message that is larger than its server takes. */
const tooLarge = () => errors.InvalidArgumentError.format('payload', 'max_payload size exceeded');

const settled = () => new Promise((resolve) => setImmediate(resolve));
const failure = (promise: Promise<unknown>) =>
  promise.then(
    () => undefined,
    (error: unknown) => error,
  );

describe('the outlet', () => {
  it('publishes at once, and what comes meanwhile together', async () => {
    const { outlet, published, send } = begin();
    const all = [1, 2, 3, 4, 5].map((n) => send(n));
    expect(published.map(({ data }) => data)).to.deep.equal(['{"n":1}', '{"n":2}']);
    published[0]?.resolve();
    await all[0];
    await settled();
    expect(published[2]?.data).to.equal('[{"n":3},{"n":4},{"n":5}]');
    expect(published[2]?.subject).to.equal('events.shop._');
    for (const one of published) one.resolve();
    await Promise.all(all);
    await outlet.idle();
  });

  it('names each message by an id of its own, short enough that a session keeps it as it is', () => {
    const { published, send } = begin();
    for (const n of [1, 2]) failure(send(n)).catch(() => undefined);
    failure(send(3, 'blog')).catch(() => undefined);
    const ids = published.map(({ id }) => id);
    expect(new Set(ids).size).to.equal(3);
    for (const id of ids) expect(`"${id}#999"`).to.have.length.below(26);
  });

  it('keeps projects apart', () => {
    const { published, send } = begin();
    for (const n of [1, 2, 3]) send(n).catch(() => undefined);
    send(9, 'blog').catch(() => undefined);
    expect(published.map(({ subject }) => subject)).to.deep.equal([
      'events.shop.x',
      'events.shop.x',
      'events.blog.x',
    ]);
  });

  it('refuses all that waits behind what is refused for good, and takes what comes later', async () => {
    const { published, send } = begin();
    const outcomes = Promise.allSettled([1, 2, 3, 4].map((n) => send(n)));
    published[0]?.reject(new Error('maximum bytes exceeded'));
    await settled();
    published[1]?.resolve();
    const results = await outcomes;
    expect(results.map(({ status }) => status)).to.deep.equal([
      'rejected',
      'fulfilled',
      'rejected',
      'rejected',
    ]);
    for (const one of results) {
      if (one.status === 'rejected') expect(one.reason).to.be.instanceOf(NotNowError);
    }
    const later = send(5);
    expect(published.at(-1)?.data).to.equal('{"n":5}');
    published.at(-1)?.resolve();
    await later;
  });

  it('refuses the one whose event is larger than NATS takes, for good, and none that came with it or waits', async () => {
    const { published, send } = begin();
    const outcomes = Promise.allSettled([1, 2, 3, 4, 5].map((n) => send(n)));
    published[0]?.resolve();
    await settled();
    expect(published[2]?.data).to.equal('[{"n":3},{"n":4},{"n":5}]');
    const later = send(6);
    published[2]?.reject(tooLarge());
    await settled();
    const apart = published.slice(3);
    expect(apart.map(({ data }) => data)).to.deep.equal(['{"n":3}', '{"n":4}', '{"n":5}']);
    apart[1]?.reject(tooLarge());
    for (const one of [published[1], apart[0], apart[2]]) one?.resolve();
    const results = await outcomes;
    expect(results.map(({ status }) => status)).to.deep.equal([
      ...['fulfilled', 'fulfilled', 'fulfilled', 'rejected', 'fulfilled'],
    ]);
    const refused = results[3];
    expect(refused?.status === 'rejected' && refused.reason)
      .to.be.instanceOf(BadRequestError)
      .and.include({ status: 413 });
    published.find(({ data }) => data === '{"n":6}')?.resolve();
    await later;
  });

  it('publishes the same again under the same id while nobody takes it', async () => {
    const { published, send } = begin();
    const sent = send(1);
    published[0]?.reject(new NobodyAnswersError('events.shop.x'));
    await eventually(
      () => {
        expect(published).to.have.length(2);
      },
      { withinMs: 2_000, everyMs: 20 },
    );
    const [first, again] = published;
    expect([again?.id, again?.data]).to.deep.equal([first?.id, first?.data]);
    again?.resolve();
    await sent;
  });

  it('holds what comes while the connection is away, and publishes again what was under way', async () => {
    const { outlet, published, send, connection } = begin();
    const before = send(1);
    await connection('disconnect');
    const meanwhile = [2, 3].map((n) => send(n));
    await settled();
    expect(published).to.have.length(1);
    expect(outlet.figures).to.include({ requests: 3, isConnected: false });
    await connection('reconnect');
    await settled();
    expect(published.slice(1).map(({ data }) => data)).to.have.members([
      '{"n":1}',
      '[{"n":2},{"n":3}]',
    ]);
    expect(published.find(({ data }, n) => n > 0 && data === '{"n":1}')?.id).to.equal(
      published[0]?.id,
    );
    for (const one of published) one.resolve();
    await Promise.all([before, ...meanwhile]);
    expect(outlet.figures).to.include({ requests: 0, events: 0, bytes: 0, isConnected: true });
  });

  it('refuses each once it has waited its time, and publishes nothing for those that are gone', async () => {
    const { outlet, published, send, connection } = begin({ waitMs: 300 });
    const underWay = failure(send(1));
    await connection('disconnect');
    const first = failure(send(2));
    await sleep(200);
    const second = failure(send(3));
    expect(await underWay).to.be.instanceOf(NotNowError);
    expect(await first).to.be.instanceOf(NotNowError);
    expect(outlet.figures.requests).to.equal(1);
    await connection('reconnect');
    await settled();
    expect(published.map(({ data }) => data)).to.deep.equal(['{"n":1}', '{"n":3}']);
    published[1]?.resolve();
    expect(await second).to.equal(undefined);
    await outlet.idle();
  });

  it('refuses more than it may hold, be it requests, events or bytes', async () => {
    for (const limits of [{ requestsMax: 2 }, { eventsMax: 2 }, { bytesMax: 14 }]) {
      const { outlet, published, send } = begin(limits);
      const first = [send(1), send(2)];
      expect(outlet.isFull).to.equal(true);
      const refused = await failure(send(3));
      expect(refused).to.be.instanceOf(NotNowError).and.have.property('reason', 'full');
      for (const one of published) one.resolve();
      await Promise.all(first);
      expect(outlet.isFull).to.equal(false);
    }
  });
});
