import { expect } from 'chai';
import {
  isLackingBefore,
  isLessThanLoaded,
  isLoaded,
  isLoadedBeyond,
  isOver,
  type KeptRange,
  resume,
} from '../../activities/load-ledger.ts';
import type { LogRange } from '../../shared/ranges.ts';

const range = (from: number, to: number, log = 'life'): LogRange => ({
  partition: 0,
  log,
  from,
  to,
});
const kept = (from: number, to: number, done: boolean): KeptRange => ({
  range: range(from, to),
  isLoaded: done,
});
const FRESH = { log: '', seq: 0 };

describe('a loader that has lost its memory', () => {
  it('goes on behind what is loaded', () => {
    expect(resume(FRESH, kept(11, 20, true), 'life')).to.deep.equal({
      after: { log: 'life', seq: 20 },
    });
    expect(resume({ log: 'life', seq: 5 }, kept(11, 20, true), 'life')).to.deep.equal({
      after: { log: 'life', seq: 20 },
    });
  });

  it('first loads again what was planned and may be loaded, exactly as it was planned', () => {
    expect(resume(FRESH, kept(11, 20, false), 'life')).to.deep.equal({ again: range(11, 20) });
  });

  it('begins anew where the log is another one, or nothing was ever planned', () => {
    expect(resume(FRESH, kept(11, 20, true), 'another')).to.deep.equal({ after: FRESH });
    expect(resume(FRESH, undefined, 'life')).to.deep.equal({ after: FRESH });
  });

  it('goes on in the life of the log that it was in, where that was put back', () => {
    const later = { range: range(31, 40, 'life-9000'), isLoaded: true };

    for (const after of [FRESH, { log: 'life', seq: 50 }, { log: 'life-9000', seq: 35 }]) {
      expect(resume(after, later, 'life')).to.deep.equal({
        after: { log: 'life-9000', seq: 40 },
      });
    }
  });

  it('believes itself where the ledger was put back together with the log', () => {
    const after = { log: 'life', seq: 50, at: '7050000000' };
    const afterLater = { log: 'life-9000', seq: 12 };

    expect(resume(after, kept(11, 20, false), 'life')).to.deep.equal({ after });
    expect(resume(afterLater, kept(11, 20, true), 'life')).to.deep.equal({ after: afterLater });
  });

  it('believes itself where it knows as much', () => {
    const after = { log: 'life', seq: 20 };

    expect(resume(after, kept(11, 20, true), 'life')).to.deep.equal({ after });
    expect(resume(after, kept(11, 20, false), 'life')).to.deep.equal({ after });
  });
});

describe('what ClickHouse says of its own', () => {
  it('counts where workflow and ledger remember less', () => {
    expect(isLoadedBeyond(range(11, 20), { log: 'life', seq: 33 })).to.equal(true);
    expect(isLoadedBeyond(range(11, 20), { log: 'life', seq: 11 })).to.equal(true);
    expect(isLoadedBeyond(range(11, 20), { log: 'life-9000', seq: 5 })).to.equal(true);
  });

  it('changes nothing where they remember as much, or more', () => {
    expect(isLoadedBeyond(range(11, 20), { log: 'life', seq: 10 })).to.equal(false);
    expect(isLoadedBeyond(range(11, 20), { log: 'life', seq: 4 })).to.equal(false);
    expect(isLoadedBeyond(range(5, 9, 'life-9000'), { log: 'life', seq: 33 })).to.equal(false);
    expect(isLoadedBeyond(range(11, 20), { log: 'another', seq: 33 })).to.equal(false);
  });

  it('tells that it was put back, or emptied, where it is behind what was loaded', () => {
    const after = { log: 'life', seq: 10 };

    expect(isLessThanLoaded(range(11, 20), after, { log: 'life', seq: 4 })).to.equal(true);
    expect(isLessThanLoaded(range(11, 20), after, undefined)).to.equal(true);
    expect(isLessThanLoaded(range(11, 20), after, { log: 'life', seq: 10 })).to.equal(false);
  });

  it('tells of a ClickHouse that lacks what lies before a range, also where nobody knows what it came after', () => {
    expect(isLackingBefore(range(11, 20), { log: 'life', seq: 4 })).to.equal(true);
    expect(isLackingBefore(range(11, 20), undefined)).to.equal(true);
    expect(isLackingBefore(range(11, 20), { log: 'life', seq: 10 })).to.equal(false);
    expect(isLackingBefore(range(11, 20), { log: 'life', seq: 20 })).to.equal(false);
    expect(isLackingBefore(range(1, 20), undefined)).to.equal(false);
    expect(isLackingBefore(range(5, 9, 'life-9000'), undefined)).to.equal(false);
    expect(isLackingBefore(range(5, 9, 'life-9000'), { log: 'life', seq: 3 })).to.equal(false);
  });

  it('tells nothing of a log that begins, or that was put back itself', () => {
    expect(isLessThanLoaded(range(1, 20), { log: '', seq: 0 }, undefined)).to.equal(false);
    expect(isLessThanLoaded(range(1, 20), { log: 'life', seq: 0 }, undefined)).to.equal(false);
    const later = range(5, 9, 'life-9000');
    expect(isLessThanLoaded(later, { log: 'life', seq: 33 }, undefined)).to.equal(false);
  });
});

describe('a range', () => {
  it('is loaded where it or a later one is, in the same life of the log', () => {
    expect(isLoaded(range(11, 20), kept(11, 20, true))).to.equal(true);
    expect(isLoaded(range(1, 10), kept(11, 20, true))).to.equal(true);
    expect(isLoaded(range(1, 10), kept(11, 20, false))).to.equal(true);
    expect(isLoaded(range(11, 20), kept(11, 20, false))).to.equal(false);
    expect(isLoaded(range(21, 30), kept(11, 20, true))).to.equal(false);
    expect(isLoaded(range(11, 20, 'another'), kept(11, 20, true))).to.equal(false);
    expect(isLoaded(range(11, 20), undefined)).to.equal(false);
  });

  it('of before the log was put back is loaded once one of after that was planned, and not the reverse', () => {
    const later = { range: range(5, 9, 'life-9000'), isLoaded: false };

    expect(isLoaded(range(11, 20), later)).to.equal(true);
    expect(isLoaded(range(5, 9, 'life-9000'), kept(11, 20, true))).to.equal(false);
    expect(isLoaded(range(5, 9, 'life-9000'), later)).to.equal(false);
  });

  it('of a stream that is gone is over once the ledger tells of another one, and not before', async () => {
    const old = range(11, 20, '1000');
    const ofNew = { range: range(1, 2, '2000'), isLoaded: true };
    const ofOld = { range: range(11, 20, '1000'), isLoaded: false };
    const now = (stream: string) => () => Promise.resolve(stream);

    expect(await isOver(old, ofNew, now('2000'))).to.equal(true);
    expect(await isOver(old, ofOld, now('2000'))).to.equal(false);
    // The old stream was put back, and the ledger was not.
    expect(await isOver(old, ofNew, now('1000'))).to.equal(false);
    expect(await isOver(range(1, 2, '2000'), ofOld, now('2000'))).to.equal(false);
    expect(await isOver(range(1, 2, '2000'), ofNew, now('2000'))).to.equal(true);
    expect(await isOver(old, undefined, now('1000'))).to.equal(false);
  });
});
