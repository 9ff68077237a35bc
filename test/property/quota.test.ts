/** The quota of a project against a naive count, and whatever is between two messages: another process, a change that means nothing. */
import { expect } from 'chai';
import fc from 'fast-check';
import { grouped } from '../../collect/grouped.ts';
import { parseCount } from '../../platform/quota-kept.ts';
import {
  type Arrival,
  dayOf,
  judge,
  NOTHING_SPENT,
  type Quota,
  quotaAt,
  type QuotaChange,
  type Spent,
} from '../../shared/quota.ts';

const HOUR = 3_600_000;
const START = dayOf(Date.UTC(2026, 10, 30)) * 24 * HOUR;

const quotas: fc.Arbitrary<Quota> = fc.record(
  { maxMessagesPerDay: fc.nat(6), maxBytesPerDay: fc.nat(60) },
  { requiredKeys: [] },
);

/** Some days of messages, in order. */
const arrivals: fc.Arbitrary<readonly Arrival[]> = fc
  .array(fc.record({ afterMs: fc.nat(9 * HOUR), bytes: fc.nat(30) }), { maxLength: 40 })
  .map((all) => {
    let at = START;
    return all.map(({ afterMs, bytes }) => ({ at: (at += afterMs), bytes }));
  });

const changes: fc.Arbitrary<readonly QuotaChange[]> = fc
  .array(fc.record({ afterMs: fc.nat(60 * HOUR), quota: quotas }), { maxLength: 4 })
  .map((all) => {
    let from = START - 10 * HOUR;
    return all.map(({ afterMs, quota }) => ({ from: (from += afterMs + 1), quota }));
  });

/** Which are taken: of a day so many, until one of them is over, from there on none before another quota. */
function naive(all: readonly Arrival[], timeline: readonly QuotaChange[]): boolean[] {
  const verdicts: boolean[] = [];
  for (const [n, { at, bytes }] of all.entries()) {
    const sameDay = all
      .map((one, m) => ({ ...one, isTaken: verdicts[m], quota: quotaAt(timeline, one.at) }))
      .slice(0, n)
      .filter((one) => dayOf(one.at) === dayOf(at));
    const quota = quotaAt(timeline, at);
    const isClosed = sameDay.some((one) => one.isTaken === false && one.quota === quota);
    const taken = sameDay.filter(({ isTaken }) => isTaken);
    const { maxMessagesPerDay = Infinity, maxBytesPerDay = Infinity } = quota.quota;
    const sum = taken.reduce((total, one) => total + one.bytes, bytes);
    verdicts.push(!isClosed && taken.length + 1 <= maxMessagesPerDay && sum <= maxBytesPerDay);
  }
  return verdicts;
}

/** @param between what becomes of the state before each message */
function judgeAll(
  all: readonly Arrival[],
  timeline: readonly QuotaChange[],
  between: (spent: Spent) => Spent = (spent) => spent,
): boolean[] {
  let spent = NOTHING_SPENT;
  return all.map((arrival) => {
    const judged = judge(between(spent), arrival, timeline);
    ({ spent } = judged);
    return judged.over === undefined;
  });
}

/** Kept in NATS, and read by another process. */
function kept(spent: Spent): Spent {
  const read = parseCount(JSON.stringify({ stream: 's', seq: 1, at: 5, spent, quota: {} }));
  if (read === undefined) throw new Error('what was kept cannot be read');
  return read.spent;
}

describe('the quota of a project, whatever comes', () => {
  it('is what a naive count says', () => {
    fc.assert(
      fc.property(arrivals, changes, (all, timeline) => {
        expect(judgeAll(all, timeline)).to.deep.equal(naive(all, timeline));
      }),
    );
  });

  it('is the same where others go on with the count after each message', () => {
    fc.assert(
      fc.property(arrivals, changes, (all, timeline) => {
        expect(judgeAll(all, timeline, kept)).to.deep.equal(judgeAll(all, timeline));
      }),
    );
  });

  it('is not touched by what is set later', () => {
    fc.assert(
      fc.property(arrivals, changes, fc.nat(40), (all, timeline, n) => {
        const some = all.slice(0, n);
        const until = some.at(-1)?.at ?? START;
        const known = timeline.filter(({ from }) => from <= until);
        expect(judgeAll(some, known)).to.deep.equal(judgeAll(all, timeline).slice(0, n));
      }),
    );
  });

  it('never takes more of a day than the highest that was set', () => {
    fc.assert(
      fc.property(arrivals, changes, quotas, (all, timeline, first) => {
        const whole = [{ from: 0, quota: first }, ...timeline];
        const verdicts = judgeAll(all, whole);
        const most = Math.max(...whole.map(({ quota }) => quota.maxMessagesPerDay ?? Infinity));
        const byDay = grouped(
          all.filter((_, n) => verdicts[n]),
          ({ at }) => dayOf(at),
        );
        for (const taken of byDay.values()) expect(taken.length).to.be.at.most(most);
      }),
    );
  });
});
