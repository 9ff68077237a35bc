import { expect } from 'chai';
import { createReadOnce } from '../../activities/read-once.ts';
import type { LogRange } from '../../shared/ranges.ts';
import { aRollup } from '../support/builders.ts';

const range: LogRange = { partition: 0, log: 'life', from: 5, to: 6 };

function aLog() {
  const reads: LogRange[] = [];
  return {
    reads,
    readRange: (read: LogRange) => {
      reads.push(read);
      return Promise.resolve([aRollup({ writeNo: read.from })]);
    },
  };
}

describe('reading a range once', () => {
  it('announces what was read for loading', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);

    const loaded = await toLoad.readRange(range);

    expect(await toAnnounce.readRange(range)).to.equal(loaded);
    expect(log.reads).to.have.length(1);
  });

  it('keeps nothing once it was announced: an attempt after a failure reads the log', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);
    await toLoad.readRange(range);
    await toAnnounce.readRange(range);

    await toAnnounce.readRange(range);

    expect(log.reads).to.have.length(2);
  });

  it('reads a range that somebody else has loaded', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);
    await toLoad.readRange(range);

    const [record] = await toAnnounce.readRange({ ...range, from: 6 });

    expect(record?.writeNo).to.equal(6);
  });

  it('tells lives of the log, and partitions, apart', async () => {
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce(log);
    await toLoad.readRange(range);
    await toLoad.readRange({ ...range, partition: 1 });

    await toAnnounce.readRange({ ...range, log: 'later' });
    await toAnnounce.readRange({ ...range, partition: 1 });

    expect(log.reads).to.have.length(3);
  });

  it('keeps nothing of a read that failed', async () => {
    let away = true;
    const log = aLog();
    const { toLoad, toAnnounce } = createReadOnce({
      readRange: (read) => (away ? Promise.reject(new Error('away')) : log.readRange(read)),
    });
    await toLoad.readRange(range).catch(() => undefined);
    away = false;

    expect(await toAnnounce.readRange(range)).to.have.length(1);
    expect(log.reads).to.have.length(1);
  });
});
