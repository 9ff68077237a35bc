import { expect } from 'chai';
import { parseNews } from '../../platform/worker-news.ts';
import { sessionMark } from '../../shared/worker-news.ts';
import { seeWorkersElsewhere, WORKER_GONE_MS } from '../../workers/ingest/workers-seen.ts';

const ID = 'session/shop/a';
const nothing = { worker: 'w', load: 0, taken: [] };
const takes = (...ids: string[]) => ({ ...nothing, taken: ids.map(sessionMark) });

describe('workers in other processes', () => {
  it('set no bound as long as nobody has heard of one', () => {
    const workers = seeWorkersElsewhere();
    workers.sending(ID, 0)('signalled', 1);

    expect(workers.places(2)).to.equal(Infinity);
    expect(workers.load(2)).to.equal(0);
  });

  it('have places each, as long as they are heard of', () => {
    const workers = seeWorkersElsewhere();
    workers.heard(nothing, 0);
    const one = workers.places(0);
    workers.heard({ ...nothing, worker: 'other' }, 5);

    expect(workers.places(5)).to.equal(2 * one);
    expect(workers.places(WORKER_GONE_MS)).to.equal(one);
    expect(workers.places(WORKER_GONE_MS + 5)).to.equal(Infinity);
  });

  it('have the tasks that all of them tell of, until that is too long ago', () => {
    const workers = seeWorkersElsewhere();
    workers.heard({ ...nothing, load: 3 }, 0);
    workers.heard({ worker: 'other', load: 4, taken: [] }, 1_000);
    expect(workers.load(1_000)).to.equal(7);
    workers.heard({ ...nothing, load: 1 }, 1_500);
    expect(workers.load(1_500)).to.equal(5);
    expect(workers.load(3_000)).to.equal(1);
  });

  for (const outcome of ['started', 'signalled', 'reopened'] as const) {
    it(`have yet to take up what was ${outcome}, once a session`, () => {
      const workers = seeWorkersElsewhere();
      workers.heard(nothing, 0);
      workers.sending(ID, 0)(outcome, 5);
      workers.sending(ID, 6)(outcome, 9);
      expect(workers.load(10)).to.equal(1);

      workers.heard(takes(ID, 'session/shop/b'), 20);
      expect(workers.load(20)).to.equal(0);
    });
  }

  it('may have taken it up before Temporal has answered, but not before it was sent', () => {
    const workers = seeWorkersElsewhere();
    workers.heard(takes(ID), 0);
    const answered = workers.sending(ID, 5);
    workers.heard(takes(ID), 7);
    answered('signalled', 8);
    expect(workers.load(8)).to.equal(0);

    workers.sending(ID, 9)('signalled', 10);
    expect(workers.load(10)).to.equal(1);
  });

  it('are not waited for where a session knew the events, or takes nothing up', () => {
    const workers = seeWorkersElsewhere();
    workers.heard(nothing, 0);
    workers.sending(ID, 0)('known', 1);
    expect(workers.load(1)).to.equal(0);
    workers.sending(ID, 1)('signalled', 2);
    expect(workers.load(3_001)).to.equal(1);
    expect(workers.load(3_002)).to.equal(0);
  });
});

describe('what a worker tells', () => {
  const parse = (value: unknown) => parseNews(Buffer.from(JSON.stringify(value)));

  it('is read as it was told', () => {
    const news = { worker: 'w', load: 2, taken: [sessionMark(ID), 0xffffffff] };
    expect(parse(news)).to.deep.equal(news);
  });

  it('is nothing where it is something else', () => {
    for (const value of [
      null,
      7,
      [],
      {},
      { worker: '', load: 0, taken: [] },
      { worker: 'w', load: -1, taken: [] },
      { worker: 'w', load: 0, taken: ['a'] },
      { worker: 'w', load: 0 },
    ]) {
      expect(parse(value), JSON.stringify(value)).to.equal(undefined);
    }
    expect(parseNews(Buffer.from('{'))).to.equal(undefined);
  });
});
