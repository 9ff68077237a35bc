import { expect } from 'chai';
import {
  createPurging,
  purgeLoaded as purgeUntil,
  type PurgeableLog,
  type PurgeRequest,
  type Purging,
} from '../../activities/purge-loaded.ts';

/** A log with these records, written by the sessions named. */
function aLog(records: Readonly<Record<number, string>>, life = 'life', at = '7000') {
  const left = new Map(Object.entries(records).map(([seq, id]) => [Number(seq), id]));
  const log: PurgeableLog = {
    end: () => {
      const seq = Math.max(0, ...left.keys());
      return Promise.resolve({ log: life, seq, lastSeq: seq });
    },
    timeOf: () => Promise.resolve(at),
    async *heads(_partition, upTo, from = 0) {
      for (const [seq, workflowId] of [...left]) {
        if (seq >= from && seq <= upTo) yield await Promise.resolve({ seq, workflowId });
      }
    },
    purgeBefore(_partition, seq) {
      for (const old of [...left.keys()]) if (old < seq) left.delete(old);
      return Promise.resolve();
    },
    remove(seq) {
      if (!left.delete(seq)) return Promise.reject(new Error(`${seq} is not there`));
      return Promise.resolve();
    },
  };
  return { log, left: () => [...left.keys()] };
}

/** A server where these sessions run, and all others are over. */
const running = (...ids: readonly string[]) =>
  createPurging((id) => Promise.resolve(!ids.includes(id)), Date.now);
const request = { partition: 0, log: 'life', upTo: 4 };
const purgeLoaded = (log: PurgeableLog, purging: Purging, asked: PurgeRequest) =>
  purgeUntil(log, purging, asked, new AbortController().signal);

describe('purging what is loaded', () => {
  it('removes everything up to a record, and nothing after it, where no session runs', async () => {
    const { log, left } = aLog({ 1: 'a', 2: 'b', 3: 'a', 4: 'c', 5: 'a' });

    expect(await purgeLoaded(log, running(), request)).to.equal(0);
    expect(left()).to.deep.equal([5]);
  });

  it('keeps every record of a running session, wherever it stands', async () => {
    const { log, left } = aLog({ 1: 'a', 2: 'b', 3: 'a', 4: 'c', 5: 'c' });

    expect(await purgeLoaded(log, running('b', 'elsewhere'), request)).to.equal(1);
    expect(left()).to.deep.equal([2, 5]);
  });

  it('takes what it kept back away at the next purge, once the session is over', async () => {
    const { log, left } = aLog({ 1: 'a', 2: 'b', 3: 'a', 4: 'c', 5: 'a' });
    await purgeLoaded(log, running('a'), request);
    expect(left()).to.deep.equal([1, 3, 5]);

    await purgeLoaded(log, running('x'), { ...request, upTo: 5 });
    expect(left()).to.deep.equal([]);
  });

  it('does not touch a log that was made anew', async () => {
    const { log, left } = aLog({ 1: 'a', 2: 'b' }, 'another life');

    expect(await purgeLoaded(log, running(), request)).to.equal(0);
    expect(left()).to.deep.equal([1, 2]);
  });

  it('does not touch a log that was put back: others lie there now', async () => {
    const position = { log: 'life', seq: 4, at: '7000' };

    for (const [records, at] of [
      [{ 1: 'a', 2: 'b' }, '6000'],
      [{ 1: 'a', 2: 'b', 3: 'c', 4: 'd', 5: 'e' }, '9000'],
    ] as const) {
      const { log, left } = aLog(records, 'life', at);

      expect(await purgeLoaded(log, running(), { ...request, position })).to.equal(0);
      expect(left()).to.deep.equal(Object.keys(records).map(Number));
    }
    const { log, left } = aLog({ 1: 'a', 4: 'd', 5: 'e' }, 'life', '7000');
    await purgeLoaded(log, running(), { ...request, position });
    expect(left()).to.deep.equal([5]);
  });

  it('purges in a later life of the log what is loaded in it', async () => {
    const { log, left } = aLog({ 1: 'a', 4: 'd', 5: 'e' });
    const life = 'life-9000';

    await purgeLoaded(log, running(), {
      ...request,
      log: life,
      position: { log: life, seq: 4, at: '7000' },
    });
    expect(left()).to.deep.equal([5]);
  });

  it('may be repeated', async () => {
    const { log, left } = aLog({ 1: 'a', 2: 'b', 3: 'a', 4: 'c' });

    await purgeLoaded(log, running('b'), request);
    await purgeLoaded(log, running('b'), request);
    expect(left()).to.deep.equal([2]);
  });

  it('asks about each session once, and about one that runs not again for a while', async () => {
    const { log } = aLog({ 1: 'a', 2: 'b', 3: 'a', 4: 'b' });
    const asked: string[] = [];
    let now = 1_000;
    const isOver = (id: string) => Promise.resolve(asked.push(id) > 0 && id !== 'b');
    const purging = createPurging(isOver, () => now);

    await purgeLoaded(log, purging, request);
    await purgeLoaded(log, purging, request);
    expect(asked.sort()).to.deep.equal(['a', 'b']);

    now += 11 * 60_000;
    await purgeLoaded(log, purging, request);
    expect(asked).to.deep.equal(['a', 'b', 'b']);
  });

  it('removes what it could ask about in its time, and no more', async () => {
    const records = Array.from({ length: 1_500 }, (_, n) => [n + 1, `s${n}`] as const);
    const { log, left } = aLog(Object.fromEntries(records));
    let now = 0;
    const isOver = () => Promise.resolve((now += 100) > 0);

    await purgeLoaded(
      log,
      createPurging(isOver, () => now),
      { ...request, upTo: 1_500 },
    );

    expect(left()[0]).to.be.within(600, 1_025);
    expect(left().at(-1)).to.equal(1_500);
  });

  it('goes on where its time was up, and then looks again at what stayed before that', async () => {
    const records = Array.from({ length: 1_500 }, (_, n) => [n + 1, n < 600 ? 'open' : `s${n}`]);
    const { log, left } = aLog(Object.fromEntries(records) as Record<number, string>);
    let now = 0;
    let isOpenOver = false;
    const purging = createPurging(
      (id) => {
        now += 200;
        return Promise.resolve(id !== 'open' || isOpenOver);
      },
      () => now,
    );
    const purge = () => purgeLoaded(log, purging, { ...request, upTo: 1_500 });

    await purge();
    expect(left().filter((seq) => seq > 600)).to.not.deep.equal([]);
    await purge();
    await purge();
    expect(left()).to.deep.equal(Array.from({ length: 600 }, (_, n) => n + 1));

    isOpenOver = true;
    now += 11 * 60_000;
    await purge();
    expect(left()).to.deep.equal([]);
  });

  it('removes nothing where nobody can tell', async () => {
    const { log, left } = aLog({ 1: 'a', 2: 'b' });
    const purging = createPurging(() => Promise.reject(new Error('away')), Date.now);

    const failure = await purgeLoaded(log, purging, request).catch((error: unknown) => error);

    expect(failure).to.be.instanceOf(Error);
    expect(left()).to.deep.equal([1, 2]);
  });
});
