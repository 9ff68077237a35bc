/** Reading a range of a stream, and taking messages out of it, while others do the same. */
import {
  type FetchOptions,
  jetstream,
  type JetStreamClient,
  type JetStreamManager,
  jetstreamManager,
  type JsMsg,
} from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { expect } from 'chai';
import { removeMessage } from '../../platform/nats.ts';
import { readAhead, readRange } from '../../platform/stream-range.ts';
import { useServers } from '../support/servers.ts';

const STREAM = 'RANGE_TEST';
const SEALED = 'SEALED_TEST';
/** More than are asked for at a time. */
const COUNT = 1_200;

/** The first consumer loses so many of the last messages of each fetch: for the server they have been sent. */
function losingTails(js: JetStreamClient, lost: number): JetStreamClient {
  let consumers = 0;
  async function* cut(messages: AsyncIterable<JsMsg>) {
    const all: JsMsg[] = [];
    for await (const message of messages) all.push(message);
    yield* all.slice(0, -lost);
  }
  const get = async (...words: Parameters<JetStreamClient['consumers']['get']>) => {
    const consumer = await js.consumers.get(...words);
    consumers += 1;
    if (consumers > 1) return consumer;
    const fetch = async (options: FetchOptions) => {
      const messages = await consumer.fetch(options);
      const left = cut(messages);
      return Object.assign(Object.create(messages) as object, {
        [Symbol.asyncIterator]: () => left,
      });
    };
    return Object.assign(Object.create(consumer) as object, { fetch });
  };
  return Object.assign(Object.create(js) as object, { consumers: { get } }) as JetStreamClient;
}

describe('a range of a stream', () => {
  const servers = useServers();
  let nc: NatsConnection;
  let jsm: JetStreamManager;

  before(async () => {
    nc = await connect({ servers: servers().nats.url });
    jsm = await jetstreamManager(nc);
  });

  after(() => nc.close());

  beforeEach(async () => {
    await jsm.streams.add({ name: STREAM, subjects: ['range-test.>'], storage: 'memory' });
    // A busy machine takes a while for a hundred at once.
    const js = jetstream(nc, { timeout: 30_000 });
    const one = (n: number) => js.publish(`range-test.${n % 2 === 0 ? 'even' : 'odd'}`, `${n}`);
    for (let n = 1; n <= COUNT; n += 100) {
      await Promise.all(Array.from({ length: 100 }, (_, i) => one(n + i)));
    }
  });

  afterEach(() => jsm.streams.delete(STREAM));

  const read = (range: {
    from?: number;
    since?: Date;
    to: number;
    subject?: string;
    headersOnly?: true;
  }) => readRange(jetstream(nc), { stream: STREAM, ...range });

  async function sequences(messages: AsyncIterable<JsMsg>): Promise<number[]> {
    const found: number[] = [];
    for await (const { seq } of messages) found.push(seq);
    return found;
  }

  const numbers = (from: number, to: number) =>
    Array.from({ length: to - from + 1 }, (_, i) => from + i);

  it('is read in order, from its first to its last message', async () => {
    expect(await sequences(read({ to: COUNT }))).to.deep.equal(numbers(1, COUNT));
    expect(await sequences(read({ from: 499, to: 1_001 }))).to.deep.equal(numbers(499, 1_001));
    expect(await sequences(read({ from: COUNT, to: COUNT + 9 }))).to.deep.equal([COUNT]);
    expect(await sequences(read({ from: 7, to: 6 }))).to.deep.equal([]);
    expect(await sequences(read({ from: COUNT + 1, to: COUNT + 9 }))).to.deep.equal([]);
  });

  it('has what was stored since a time', async () => {
    const { time } = (await jsm.streams.getMessage(STREAM, { seq: 700 })) ?? {};
    if (time === undefined) throw new Error('message 700 is there');

    const found = await sequences(read({ since: time, to: COUNT }));

    // Times are cut to the millisecond, which some before it share.
    expect(found[0]).to.be.within(2, 700);
    expect(found).to.deep.equal(numbers(found[0] ?? 0, COUNT));
    const since = (at: number | string) => sequences(read({ since: new Date(at), to: COUNT }));
    expect(await since(Date.now() + 60_000)).to.be.empty;
    // Which NATS by itself would take for times long ago, and to come.
    expect(await since('2999-01-01')).to.be.empty;
    expect(await since('0001-01-01')).to.have.length(COUNT);
  });

  it('has the messages of a subject only, and their headers only', async () => {
    const found = await sequences(read({ subject: 'range-test.even', from: 11, to: 1_111 }));
    expect(found).to.have.length(550);
    expect(await sequences(read({ subject: 'range-test.none', to: COUNT }))).to.deep.equal([]);
    for await (const { data } of read({ to: 1, headersOnly: true })) expect(data).to.have.length(0);
  });

  it('ends where the rest is removed while it is being read', async () => {
    const found: number[] = [];
    for await (const { seq } of read({ to: COUNT })) {
      found.push(seq);
      if (seq === 1) await jsm.streams.purge(STREAM);
    }
    expect(found).to.deep.equal(numbers(1, found.length));
    expect(found.length).to.be.below(COUNT);
  });

  it('goes on behind what is removed while it is being read', async () => {
    const found: number[] = [];
    for await (const { seq } of read({ to: COUNT })) {
      found.push(seq);
      if (seq === 1) await jsm.streams.purge(STREAM, { seq: COUNT - 1 });
    }
    expect(found.slice(-2)).to.deep.equal([COUNT - 1, COUNT]);
    expect(found.length).to.be.below(COUNT);
  });

  it('is read ahead through another consumer, at once, where nobody takes what is asked of the first', async () => {
    const js = jetstream(nc);
    let made = 0;
    const get = async (...words: Parameters<JetStreamClient['consumers']['get']>) => {
      const consumer = await js.consumers.get(...words);
      made += 1;
      // As in a cluster, where the server that is asked has not heard of the consumer yet.
      if (made === 1) await consumer.delete();
      return consumer;
    };
    const withoutFirst = Object.assign(Object.create(js) as object, {
      consumers: { get },
    }) as JetStreamClient;
    const range = { stream: STREAM, subject: 'range-test.>', from: 11, to: COUNT };
    const began = Date.now();

    expect(await sequences(readAhead(withoutFirst, range))).to.deep.equal(numbers(11, COUNT));

    expect(made).to.equal(2);
    expect(Date.now() - began).to.be.below(2_500);
  });

  it('is read to its end where the last of what the server has sent is lost with a connection', async () => {
    for (const from of [COUNT - 299, COUNT - 799]) {
      const messages = readRange(losingTails(jetstream(nc), 70), {
        stream: STREAM,
        from,
        to: COUNT,
      });
      expect(await sequences(messages)).to.deep.equal(numbers(from, COUNT));
    }
  });

  it('leaves no consumer behind, also where it is not read to its end', async () => {
    for await (const { seq } of read({ to: COUNT })) if (seq === 3) break;
    await sequences(read({ to: COUNT }));

    expect((await jsm.streams.info(STREAM)).state.consumer_count).to.equal(0);
  });

  it('loses a message once, whoever removes it as well', async () => {
    await Promise.all([removeMessage({ jsm }, STREAM, 5), removeMessage({ jsm }, STREAM, 5)]);
    await removeMessage({ jsm }, STREAM, COUNT + 1);
    expect((await jsm.streams.info(STREAM)).state.messages).to.equal(COUNT - 1);
  });

  it('says so where a message may not be removed', async () => {
    await jsm.streams.add({ name: SEALED, subjects: ['sealed-test'], deny_delete: true });
    await jetstream(nc).publish('sealed-test', '1');

    const removed = removeMessage({ jsm }, SEALED, 1).then(() => 'removed', String);
    expect(await removed).to.match(/delete/);
    await jsm.streams.delete(SEALED);
  });
});
