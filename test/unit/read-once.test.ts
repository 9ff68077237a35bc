import { expect } from 'chai';
import { createReadOnce } from '../../activities/read-once.ts';
import { RANGE_ROLLUPS_MAX } from '../../shared/limits.ts';
import type { LogRange } from '../../shared/ranges.ts';
import { type RangeSums, sumRollups } from '../../shared/rollup.ts';
import { aRollup } from '../support/builders.ts';

const range: LogRange = { partition: 0, log: 'life', from: 5, to: 6 };

/** @param end sequence of its last record */
function aLog(end = 10) {
  const reads: LogRange[] = [];
  return {
    reads,
    sumRange: (read: LogRange) => {
      reads.push(read);
      const sums = sumRollups([aRollup({ writeNo: read.from })]);
      return Promise.resolve({ ...sums, behind: end - read.to });
    },
  };
}

/** No bound to what its rows may be. */
const asItIs = (_range: LogRange, sums: RangeSums) => Promise.resolve(sums);

const FULL: LogRange = { partition: 0, log: 'life', from: 1, to: RANGE_ROLLUPS_MAX };
const after = (range: LogRange): LogRange => ({
  ...range,
  from: range.to + 1,
  to: range.to + RANGE_ROLLUPS_MAX,
});
const NEXT = after(FULL);
/** Lets what was begun go on. */
const aMoment = () => new Promise((resolve) => setImmediate(resolve));

describe('reading a range once', () => {
  it('announces what was read for loading', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log, asItIs);

    const loaded = await toLoad.sumRange(range);

    expect(await toAnnounce.sumRange(range)).to.equal(loaded);
    expect(log.reads).to.have.length(1);
  });

  it('keeps nothing once it was announced: an attempt after a failure reads the log', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log, asItIs);
    await toLoad.sumRange(range);
    await toAnnounce.sumRange(range);

    await toAnnounce.sumRange(range);

    expect(log.reads).to.have.length(2);
  });

  it('reads a range that somebody else has loaded', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log, asItIs);
    await toLoad.sumRange(range);

    const { sessions } = await toAnnounce.sumRange({ ...range, from: 6 });

    expect(sessions[0]?.writeNo).to.equal(6);
  });

  it('tells lives of the log, and partitions, apart', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log, asItIs);
    await toLoad.sumRange(range);
    await toLoad.sumRange({ ...range, partition: 1 });

    await toAnnounce.sumRange({ ...range, log: 'later' });
    await toAnnounce.sumRange({ ...range, partition: 1 });

    expect(log.reads).to.have.length(3);
  });

  it('keeps nothing of a read that failed', async () => {
    let away = true;
    const log = aLog();
    const unsteady = {
      sumRange: (read: LogRange) => (away ? Promise.reject(new Error('away')) : log.sumRange(read)),
    };
    const { toLoad, toAnnounce } = createReadOnce(unsteady, asItIs);
    await toLoad.sumRange(range).catch(() => undefined);
    away = false;

    expect(await toAnnounce.sumRange(range)).to.have.property('records', 1);
    expect(log.reads).to.have.length(1);
  });

  it('reads the next full range while this one is loaded, once', async () => {
    const log = aLog(NEXT.to);
    const { toLoad } = createReadOnce(log, asItIs);

    await toLoad.sumRange(FULL);
    expect(log.reads).to.deep.equal([FULL, NEXT]);

    const { sessions } = await toLoad.sumRange(NEXT);
    expect(sessions[0]?.writeNo).to.equal(NEXT.from);
    expect(log.reads).to.deep.equal([FULL, NEXT]);
  });

  it('reads two ranges ahead, one after the other, and goes on as they are loaded', async () => {
    const third = after(NEXT);
    const fourth = after(third);
    const log = aLog(after(fourth).to);
    const { toLoad } = createReadOnce(log, asItIs);

    await toLoad.sumRange(FULL);
    await aMoment();
    expect(log.reads).to.deep.equal([FULL, NEXT, third]);

    await toLoad.sumRange(NEXT);
    await aMoment();
    expect(log.reads).to.deep.equal([FULL, NEXT, third, fourth]);
  });

  it('reads nothing ahead of a range that is not full, or where less than a full one follows', async () => {
    const log = aLog(NEXT.to - 1);
    const { toLoad } = createReadOnce(log, asItIs);

    await toLoad.sumRange(FULL);
    await toLoad.sumRange({ ...FULL, to: FULL.to - 1 });

    expect(log.reads).to.have.length(2);
  });

  it('reads what was planned, where that is not what was read ahead', async () => {
    const log = aLog(NEXT.to);
    const { toLoad } = createReadOnce(log, asItIs);
    await toLoad.sumRange(FULL);

    const { sessions } = await toLoad.sumRange({ ...NEXT, from: NEXT.from + 1 });

    expect(sessions[0]?.writeNo).to.equal(NEXT.from + 1);
    expect(log.reads).to.have.length(3);
  });

  it('reads again what was read ahead of a log that was put back since', async () => {
    const log = aLog(NEXT.to);
    const dated = {
      sumRange: async (read: LogRange) => ({ ...(await log.sumRange(read)), lastAt: 'as it was' }),
    };
    const { toLoad } = createReadOnce(dated, asItIs);
    await toLoad.sumRange({ ...FULL, at: 'before' });

    await toLoad.sumRange({ ...NEXT, at: 'written anew' });
    expect(log.reads.map(({ from }) => from)).to.deep.equal([FULL.from, NEXT.from, NEXT.from]);
  });

  it('takes what was read ahead where its end is that of the plan', async () => {
    const log = aLog(NEXT.to);
    const dated = {
      sumRange: async (read: LogRange) => ({ ...(await log.sumRange(read)), lastAt: 'as it was' }),
    };
    const { toLoad } = createReadOnce(dated, asItIs);
    await toLoad.sumRange(FULL);

    await toLoad.sumRange({ ...NEXT, at: 'as it was' });
    expect(log.reads).to.have.length(2);
  });

  it('reads again what could not be read ahead', async () => {
    const log = aLog(NEXT.to);
    let failures = 0;
    const unsteady = {
      sumRange(read: LogRange) {
        const sums = log.sumRange(read);
        if (read.from !== NEXT.from || failures > 0) return sums;
        failures += 1;
        return Promise.reject(new Error('away'));
      },
    };
    const { toLoad } = createReadOnce(unsteady, asItIs);
    await toLoad.sumRange(FULL);

    const { sessions } = await toLoad.sumRange(NEXT);

    expect(sessions[0]?.writeNo).to.equal(NEXT.from);
    expect(failures).to.equal(1);
  });

  it('binds what it reads when its turn has come, and announces what was loaded', async () => {
    const log = aLog(NEXT.to);
    const bound: number[] = [];
    const { toLoad, toAnnounce } = createReadOnce(log, ({ from }, sums) => {
      bound.push(from);
      return Promise.resolve({ ...sums, records: 100 + from });
    });

    const loaded = await toLoad.sumRange(FULL);
    await aMoment();

    expect(bound).to.deep.equal([FULL.from]);
    expect(await toAnnounce.sumRange(FULL)).to.equal(loaded);
    expect(await toLoad.sumRange(NEXT)).to.have.property('records', 100 + NEXT.from);
    // By somebody who has not loaded it.
    expect(await toAnnounce.sumRange(FULL)).to.have.property('records', 100 + FULL.from);
    expect(bound).to.deep.equal([FULL.from, NEXT.from, FULL.from]);
  });
});
