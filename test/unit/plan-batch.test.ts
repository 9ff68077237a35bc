import { expect } from 'chai';
import {
  gatherTime,
  planBatch,
  type PlannableLog,
  type Waiting,
} from '../../activities/plan-batch.ts';
import { RANGE_BYTES_MAX, RANGE_ROLLUPS_MAX } from '../../shared/limits.ts';
import type { LogPosition } from '../../shared/ranges.ts';

const MINUTE = 60_000;

/** A log whose end is a function of the time, and somebody who waits for it by that clock. */
function waitingFor(
  endAt: (now: number) => LogPosition,
  stopAt = Infinity,
  recordBytes = 2_000,
  arrivesAt = (now: number) => endAt(now).seq !== endAt(now + 80).seq,
) {
  const stop = new AbortController();
  let now = 0;
  let heartbeats = 0;
  const pass = (ms: number) => {
    now += ms;
    if (now >= stopAt) stop.abort();
  };
  let looks = 0;
  const log: PlannableLog = {
    end: () => {
      looks += 1;
      const end = endAt(now);
      return Promise.resolve({ ...end, lastSeq: end.seq, recordBytes });
    },
    nextArrival: (_partition, ms) => {
      const arrives = arrivesAt(now);
      // Of the wait for a first record only the heartbeat before it takes time.
      if (!arrives && ms < 1_000) pass(ms);
      return Promise.resolve(arrives);
    },
    timeOf: () => Promise.resolve(undefined),
    firstAfter: () => Promise.resolve(undefined),
  };
  const waiting: Waiting = {
    // Before each wait of two seconds; waiting itself takes no time here.
    heartbeat: () => {
      heartbeats += 1;
      pass(2_000);
    },
    stop: stop.signal,
    patienceMs: 5 * MINUTE,
    gatherMs: () => 400,
    sleep: (ms) => {
      pass(ms);
      return Promise.resolve();
    },
    now: () => now,
  };
  return {
    plan: (after: LogPosition) => planBatch(log, waiting, { partition: 0, after }),
    clock: () => now,
    heartbeats: () => heartbeats,
    looks: () => looks,
  };
}

const at = (seq: number, log = 'life'): LogPosition => ({ log, seq });

describe('planning a range', () => {
  it('takes everything after the last one, and what comes while it gathers', async () => {
    const { plan, clock } = waitingFor((now) => at(now < 400 ? 12 : 15));

    expect(await plan(at(10))).to.deep.equal({ partition: 0, log: 'life', from: 11, to: 15 });
    expect(clock()).to.equal(480);
  });

  it('waits until the pulse is over that records come in, and no longer', async () => {
    const { plan, clock } = waitingFor((now) => at(now < 500 ? 40 + now : 540));

    expect(await plan(at(10))).to.include({ from: 11, to: 540 });
    expect(clock()).to.be.within(500, 640);
  });

  it('goes on at its limit where records come without a break', async () => {
    const { plan, clock } = waitingFor((now) => at(40 + now));

    expect(await plan(at(10))).to.include({ from: 11 });
    expect(clock()).to.be.within(700, 780);
  });

  it('does not gather where there is a full range, and takes no more than that', async () => {
    const { plan, clock } = waitingFor(() => at(RANGE_ROLLUPS_MAX * 2));

    expect(await plan(at(10))).to.include({ from: 11, to: 10 + RANGE_ROLLUPS_MAX });
    expect(clock()).to.equal(0);
  });

  it('takes fewer records where they are large: all of a range are in memory', async () => {
    const { plan } = waitingFor(() => at(RANGE_ROLLUPS_MAX), Infinity, 256 * 1024);

    expect(await plan(at(0))).to.include({ from: 1, to: RANGE_BYTES_MAX / (256 * 1024) });
  });

  it('waits for something to come, and says that it waits', async () => {
    const { plan, heartbeats } = waitingFor((now) => at(now < MINUTE ? 10 : 11));

    expect(await plan(at(10))).to.include({ from: 11, to: 11 });
    expect(heartbeats()).to.be.at.least(20);
  });

  it('looks once more when the pulse is over whose first record it has heard of', async () => {
    const { plan, clock, looks } = waitingFor(
      (now) => at(now < 2_000 ? 10 : Math.min(20, 10 + Math.floor((now - 2_000) / 50))),
      Infinity,
      2_000,
      (now) => now < 2_500,
    );

    expect(await plan(at(10))).to.include({ from: 11, to: 20 });
    expect(clock()).to.be.within(2_500, 2_660);
    expect(looks()).to.equal(2);
  });

  it('goes on at its limit where it hears of records without a break', async () => {
    const { plan, clock } = waitingFor(
      (now) => at(now < 2_000 ? 10 : 10 + now),
      Infinity,
      2_000,
      () => true,
    );

    expect(await plan(at(10))).to.include({ from: 11 });
    expect(clock()).to.be.within(2_700, 2_780);
  });

  it('gives up when its patience is over', async () => {
    const { plan, clock } = waitingFor(() => at(10));

    expect(await plan(at(10))).to.equal(null);
    expect(clock()).to.be.within(5 * MINUTE, 5 * MINUTE + 2_000);
  });

  it('gives up when it is told to stop', async () => {
    const { plan, clock } = waitingFor(() => at(10), MINUTE);

    expect(await plan(at(10))).to.equal(null);
    expect(clock()).to.equal(MINUTE);
  });

  it('starts from the first record of a log that was made anew', async () => {
    const { plan } = waitingFor(() => at(3, 'life-2'));

    expect(await plan(at(1_000, 'life-1'))).to.deep.equal({
      partition: 0,
      log: 'life-2',
      from: 1,
      to: 3,
    });
  });

  it('starts from the first record where nothing has been loaded yet', async () => {
    const { plan } = waitingFor(() => at(2));

    expect(await plan({ log: '', seq: 0 })).to.include({ from: 1, to: 2 });
  });

  it('says when the last record of the range was taken', async () => {
    const { plan } = waitingFor(() => ({ ...at(12), at: '7012' }));

    expect(await plan({ ...at(10), at: '7010' })).to.deep.equal({
      partition: 0,
      log: 'life',
      from: 11,
      to: 12,
      at: '7012',
    });
  });

  it('waits where the log was put back and nothing was written since', async () => {
    const { plan, clock } = waitingFor(() => ({ ...at(8), at: '7008' }));

    expect(await plan({ ...at(10), at: '7010' })).to.equal(null);
    expect(clock()).to.be.within(5 * MINUTE, 5 * MINUTE + 2_000);
  });

  it('plans again where the log was put back while it gathered', async () => {
    const { plan, clock } = waitingFor((now) => ({ ...at(now === 0 ? 12 : 8), at: '7008' }));

    expect(await plan({ ...at(10), at: '7010' })).to.equal(null);
    expect(clock()).to.be.at.least(5 * MINUTE);
  });

  it('does not mix two lives of the log', async () => {
    const { plan } = waitingFor((now) => (now < 400 ? at(12) : at(1, 'life-2')));

    expect(await plan(at(10))).to.deep.equal({ partition: 0, log: 'life-2', from: 1, to: 1 });
  });
});

describe('the time to gather records', () => {
  it('is a moment after a quiet one, and longer the sooner the next load would follow', () => {
    expect(gatherTime(Infinity)).to.equal(80);
    expect(gatherTime(400)).to.equal(80);
    expect(gatherTime(300)).to.equal(100);
    expect(gatherTime(0)).to.equal(400);
  });
});
