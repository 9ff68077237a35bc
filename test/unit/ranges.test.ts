import { expect } from 'chai';
import {
  advance,
  beganAt,
  duePurge,
  isBefore,
  laterLife,
  type LoaderState,
  openLoader,
  PURGE_PACE,
  purgeableUpTo,
  purgedUpTo,
  SLOW_PURGE_PACE,
  rangeToken,
  streamOf,
  tick,
} from '../../shared/ranges.ts';
import { NOON_ISH, throughJson } from '../support/builders.ts';

const MINUTE = 60_000;
const aRange = (to: number, log = 'life-1') => ({ partition: 0, log, from: to, to });

/** Lets a running loader tick every half minute. */
function run(state: LoaderState, ms: number): void {
  const start = state.lastTickAt ?? NOON_ISH;
  for (let passed = 0; passed <= ms; passed += MINUTE / 2) tick(state, start + passed);
}

describe('a range of the rollup log', () => {
  it('has a name of its own: partition, life of the log, first and last record', () => {
    const range = { partition: 2, log: '2024', from: 11, to: 20 };

    expect(rangeToken(range)).to.equal('rollups-2-2024-11-20');
    expect(rangeToken({ ...range, log: '2025' })).not.to.equal(rangeToken(range));
  });
});

describe('a life of the rollup log', () => {
  it('is its stream, and where that was put back, since when', () => {
    const later = laterLife('1700', 1_800);

    expect([streamOf('1700'), beganAt('1700')]).to.deep.equal(['1700', 0]);
    expect([streamOf(later), beganAt(later)]).to.deep.equal(['1700', 1_800]);
    // A load in bulk is a life of no stream, whatever it is called.
    expect(beganAt('bulk/year-2026')).to.equal(0);
    expect(streamOf('')).to.equal('');
  });

  it('comes after the one before, whatever the sequences are', () => {
    const first = { log: '1700', seq: 50 };
    const later = { log: laterLife('1700', 1_800), seq: 31 };

    expect([isBefore(first, later), isBefore(later, first)]).to.deep.equal([true, false]);
    expect(isBefore(later, { ...later, seq: 32 })).to.equal(true);
    expect(isBefore(later, later)).to.equal(false);
  });
});

describe('the loader', () => {
  it('is behind a range, at the time of its last record', () => {
    const state = openLoader(0);

    advance(state, { ...aRange(7), at: '7000' });
    expect(state.position).to.deep.equal({ log: 'life-1', seq: 7, at: '7000' });
    advance(state, aRange(8));
    expect(state.position).to.deep.equal({ log: 'life-1', seq: 8 });
  });

  it('begins before the first record of no log, and remembers nothing', () => {
    expect(openLoader(3)).to.deep.equal({
      partition: 3,
      position: { log: '', seq: 0 },
      runningMs: 0,
      lastTickAt: undefined,
      marks: [],
      purged: 0,
      lastPurgeAtMs: 0,
    });
  });

  it('marks the next minute from its first moment, and forgets marks that are purged', () => {
    const state = openLoader(0);
    const advanceAt = (ms: number, to: number) => {
      tick(state, NOON_ISH + ms);
      advance(state, aRange(to));
    };
    advanceAt(0, 1);
    advanceAt(MINUTE - 1, 2);
    advanceAt(MINUTE, 3);
    advanceAt(2 * MINUTE, 4);
    expect(state.marks.map(({ seq }) => seq)).to.deep.equal([1, 3, 4]);

    purgedUpTo(state, 3);

    expect(state.marks.map(({ seq }) => seq)).to.deep.equal([4]);
  });

  it('may purge a record once it has been loaded for ten minutes of running time', () => {
    const state = openLoader(0);
    run(state, 0);
    advance(state, aRange(10));

    run(state, PURGE_PACE.keptMs - 1);
    expect(purgeableUpTo(state)).to.equal(0);
    expect(duePurge(state)).to.equal(undefined);
    run(state, MINUTE);
    expect(purgeableUpTo(state)).to.equal(10);
    expect(duePurge(state)).to.equal(10);
  });

  it('keeps what was loaded later, also within the same minute', () => {
    const state = openLoader(0);
    run(state, 0);
    advance(state, aRange(10));
    tick(state, NOON_ISH + 1_000);
    advance(state, aRange(11));
    run(state, 2 * MINUTE);
    advance(state, aRange(12));

    run(state, PURGE_PACE.keptMs - MINUTE);
    expect(purgeableUpTo(state)).to.equal(10);
    run(state, 2 * MINUTE);
    expect(purgeableUpTo(state)).to.equal(12);
  });

  it('stands still in an outage: a day without workers counts as a minute', () => {
    const state = openLoader(0);
    run(state, 0);
    advance(state, aRange(10));

    tick(state, NOON_ISH + 24 * 60 * MINUTE);
    expect(state.runningMs).to.equal(MINUTE);
    expect(purgeableUpTo(state)).to.equal(0);
  });

  it('does not run backwards with the clock', () => {
    const state = openLoader(0);
    run(state, MINUTE);

    tick(state, NOON_ISH - MINUTE);
    expect(state.runningMs).to.equal(MINUTE);
  });

  it('purges each record once, and every two minutes at most', () => {
    const state = openLoader(0);
    run(state, 0);
    advance(state, aRange(10));
    run(state, 2 * MINUTE);
    advance(state, aRange(20));
    run(state, PURGE_PACE.keptMs);
    expect(duePurge(state)).to.equal(20);

    purgedUpTo(state, 20);
    run(state, 10 * MINUTE);
    expect(duePurge(state)).to.equal(undefined);

    advance(state, aRange(30));
    run(state, 2 * MINUTE);
    advance(state, aRange(40));
    run(state, PURGE_PACE.keptMs - MINUTE);
    expect(duePurge(state)).to.equal(30);
    purgedUpTo(state, 30);
    run(state, PURGE_PACE.everyMs - 1);
    expect([purgeableUpTo(state), duePurge(state)]).to.deep.equal([40, undefined]);
    run(state, MINUTE);
    expect(duePurge(state)).to.equal(40);
  });

  it('goes on at the pace of before where a loader began at it', () => {
    const state = openLoader(0);
    run(state, 0);
    advance(state, aRange(10));

    run(state, SLOW_PURGE_PACE.keptMs - MINUTE);
    expect(duePurge(state, SLOW_PURGE_PACE)).to.equal(undefined);
    run(state, MINUTE);
    expect(duePurge(state, SLOW_PURGE_PACE)).to.equal(10);
  });

  it('forgets its marks where the log was made anew, so that it purges no young record', () => {
    const state = openLoader(0);
    run(state, 0);
    advance(state, aRange(1_000));
    run(state, PURGE_PACE.keptMs);
    purgedUpTo(state, 1_000);

    advance(state, aRange(3, 'life-2'));
    expect(state.position).to.deep.equal({ log: 'life-2', seq: 3 });
    expect(duePurge(state)).to.equal(undefined);
    run(state, PURGE_PACE.keptMs);
    expect(duePurge(state)).to.equal(3);
  });

  it('remembers a mark a minute at most, and goes on from JSON', () => {
    const state = openLoader(0);
    for (let n = 0; n < 600; n += 1) {
      tick(state, NOON_ISH + n * 1_000);
      advance(state, aRange(n + 1));
    }

    expect(state.marks).to.have.length(10);
    expect(throughJson(state)).to.deep.equal(state);
  });
});
