import { expect } from 'chai';
import { type DatedLog, isPutBack, type LogEnd, placeIn } from '../../activities/put-back.ts';

/** Records by sequence, with the millisecond that each was taken in. */
type Records = Readonly<Record<number, number>>;

const nanos = (ms: number) => String(BigInt(ms) * 1_000_000n);

function aLog(records: Records, lastSeq = Math.max(0, ...Object.keys(records).map(Number))) {
  const all = Object.entries(records).map(([seq, ms]) => ({ seq: Number(seq), ms }));
  const last = all.at(-1);
  const end: LogEnd = {
    log: '1000',
    seq: last?.seq ?? 0,
    ...(last !== undefined && { at: nanos(last.ms) }),
    lastSeq,
  };
  const log: DatedLog = {
    timeOf: (seq) => {
      const ms = records[seq];
      return Promise.resolve(ms === undefined ? undefined : nanos(ms));
    },
    firstAfter: (_partition, at) => {
      const first = all.find(({ ms }) => BigInt(nanos(ms)) > BigInt(at));
      return Promise.resolve(first && { seq: first.seq, at: nanos(first.ms) });
    },
  };
  return { log, end };
}

const AT_33 = { log: '1000', seq: 33, at: nanos(7_033) };

describe('a rollup log', () => {
  for (const [what, records, lastSeq] of [
    ['ends where it was left', { 32: 7_032, 33: 7_033 }, 33],
    ['has grown since', { 33: 7_033, 34: 7_034, 35: 7_035 }, 35],
    ['was purged to its end', {}, 33],
    ['was purged to its end and has grown since', { 34: 7_034 }, 34],
  ] as const) {
    it(`goes on behind the loader's place where it ${what}`, async () => {
      const { log, end } = aLog(records, lastSeq);

      expect(await placeIn(log, 0, AT_33, end)).to.equal(AT_33);
    });
  }

  it('that was made anew goes on from its start', async () => {
    const { log, end } = aLog({ 1: 8_000 });

    expect(await placeIn(log, 0, { ...AT_33, log: '500' }, end)).to.deep.equal({
      log: '1000',
      seq: 0,
    });
  });

  it('that was put back has nothing to load until something is written anew', async () => {
    const { log, end } = aLog({ 29: 7_029, 30: 7_030 });

    expect(await placeIn(log, 0, AT_33, end)).to.equal(undefined);
  });

  for (const last of [31, 33, 40]) {
    it(`that was put back and written anew up to ${last} begins a later life with what is new`, async () => {
      const old = [28, 29, 30].map((seq) => [seq, 7_000 + seq]);
      const fresh = Array.from({ length: last - 30 }, (_, n) => [31 + n, 9_000 + n]);
      const { log, end } = aLog(Object.fromEntries([...old, ...fresh]) as Records);

      expect(await placeIn(log, 0, AT_33, end)).to.deep.equal({ log: '1000-9000', seq: 30 });
    });
  }

  it('that was put back twice has a life for each time', async () => {
    const after = { log: '1000-9000', seq: 32, at: nanos(9_001) };
    const { log, end } = aLog({ 29: 7_029, 30: 7_030, 31: 11_000, 32: 11_001, 33: 11_002 });

    expect(await placeIn(log, 0, after, end)).to.deep.equal({ log: '1000-11000', seq: 30 });
  });

  it('that was put back to a copy of after the place is as it was', async () => {
    const { log, end } = aLog({ 33: 7_033, 34: 9_000 });

    expect(await isPutBack(log, AT_33, end)).to.equal(false);
  });

  it('goes on behind what it holds where the loader knows no time', async () => {
    const { log, end } = aLog({ 29: 7_029, 30: 7_030 });

    expect(await placeIn(log, 0, { log: '1000', seq: 33 }, end)).to.deep.equal({
      log: '1000-7030',
      seq: 30,
    });
  });
});
