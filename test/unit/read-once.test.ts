import { expect } from 'chai';
import { createReadOnce } from '../../activities/read-once.ts';
import type { LogRange } from '../../shared/ranges.ts';
import { sumRollups } from '../../shared/rollup.ts';
import { aRollup } from '../support/builders.ts';

const range: LogRange = { partition: 0, log: 'life', from: 5, to: 6 };

function aLog() {
  const reads: LogRange[] = [];
  return {
    reads,
    sumRange: (read: LogRange) => {
      reads.push(read);
      return Promise.resolve(sumRollups([aRollup({ writeNo: read.from })]));
    },
  };
}

describe('reading a range once', () => {
  it('announces what was read for loading', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);

    const loaded = await toLoad.sumRange(range);

    expect(await toAnnounce.sumRange(range)).to.equal(loaded);
    expect(log.reads).to.have.length(1);
  });

  it('keeps nothing once it was announced: an attempt after a failure reads the log', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);
    await toLoad.sumRange(range);
    await toAnnounce.sumRange(range);

    await toAnnounce.sumRange(range);

    expect(log.reads).to.have.length(2);
  });

  it('reads a range that somebody else has loaded', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);
    await toLoad.sumRange(range);

    const { sessions } = await toAnnounce.sumRange({ ...range, from: 6 });

    expect(sessions[0]?.writeNo).to.equal(6);
  });

  it('tells lives of the log, and partitions, apart', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);
    await toLoad.sumRange(range);
    await toLoad.sumRange({ ...range, partition: 1 });

    await toAnnounce.sumRange({ ...range, log: 'later' });
    await toAnnounce.sumRange({ ...range, partition: 1 });

    expect(log.reads).to.have.length(3);
  });

  it('keeps nothing of a read that failed', async () => {
    let away = true;
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce({
      sumRange: (read) => (away ? Promise.reject(new Error('away')) : log.sumRange(read)),
    });
    await toLoad.sumRange(range).catch(() => undefined);
    away = false;

    expect(await toAnnounce.sumRange(range)).to.have.property('records', 1);
    expect(log.reads).to.have.length(1);
  });
});
