/** How events of requests go together, and what happens to those that wait when NATS does not acknowledge. */
import { expect } from 'chai';
import { createOutlet, NotNowError } from '../../collect/outlet.ts';
import { silentLog } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';

interface Published {
  readonly subject: string;
  readonly data: string;
  resolve(): void;
  reject(error: Error): void;
}

/** A JetStream that acknowledges when it is told to. */
function begin(limits?: Parameters<typeof createOutlet>[2]) {
  const published: Published[] = [];
  const nats = {
    connection: { status: () => (async function* () {})() },
    js: {
      publish: (subject: string, data: Uint8Array) =>
        new Promise<void>((resolve, reject) => {
          published.push({ subject, data: Buffer.from(data).toString(), resolve, reject });
        }),
    },
  } as unknown as Pick<Nats, 'connection' | 'js'>;
  const outlet = createOutlet(nats, silentLog, limits);
  const send = (n: number, project = 'shop') =>
    outlet.send(project, [{ json: JSON.stringify({ n }), eventType: 'x' }]);
  return { outlet, published, send };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

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

  it('refuses all that waits behind what was not acknowledged, and takes what comes later', async () => {
    const { published, send } = begin();
    const outcomes = Promise.allSettled([1, 2, 3, 4].map((n) => send(n)));
    published[0]?.reject(new Error('timeout'));
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

  it('refuses more than it may hold', async () => {
    const { outlet, published, send } = begin({ eventsMax: 2, bytesMax: 1_000, ackMs: 1 });
    const first = [send(1), send(2)];
    expect(outlet.isFull).to.equal(true);
    expect(await send(3).catch((error: unknown) => error)).to.be.instanceOf(NotNowError);
    for (const one of published) one.resolve();
    await Promise.all(first);
    expect(outlet.isFull).to.equal(false);
  });
});
