import { expect } from 'chai';
import {
  type Arrival,
  dayOf,
  isSpent,
  judge,
  NOTHING_SPENT,
  type QuotaChange,
  quotaChanges,
  startOfDay,
} from '../../shared/quota.ts';

const DAY = startOfDay(20_000);
const HOUR = 3_600_000;
const always = (quota: QuotaChange['quota']): readonly QuotaChange[] => [{ from: 0, quota }];

/** Which of them are taken. */
function taken(arrivals: readonly Arrival[], changes: readonly QuotaChange[]): boolean[] {
  let spent = NOTHING_SPENT;
  return arrivals.map((arrival) => {
    const judged = judge(spent, arrival, changes);
    ({ spent } = judged);
    return judged.over === undefined;
  });
}

const at = (...hours: number[]) => hours.map((hour) => ({ at: DAY + hour * HOUR, bytes: 10 }));

describe('the quota of a project', () => {
  it('takes so many messages a day of UTC, and not one more', () => {
    expect(taken(at(1, 2, 3, 4, 23.9, 24, 25, 26), always({ maxMessagesPerDay: 3 }))).to.deep.equal(
      [true, true, true, false, false, true, true, true],
    );
    expect(taken(at(1), always({ maxMessagesPerDay: 0 }))).to.deep.equal([false]);
    expect(taken(at(1, 2), always({}))).to.deep.equal([true, true]);
  });

  it('takes so many bytes, and nothing more of the day once one is over', () => {
    const sizes = [60, 40, 1, 0].map((bytes, n) => ({ at: DAY + n, bytes }));
    const quota = always({ maxBytesPerDay: 100 });

    expect(taken(sizes, quota)).to.deep.equal([true, true, false, false]);
    const large = [90, 20, 5].map((bytes, n) => ({ at: DAY + n, bytes }));
    expect(taken(large, quota)).to.deep.equal([true, false, false]);
  });

  it('says what has been exceeded, on which day', () => {
    const judged = judge(NOTHING_SPENT, { at: DAY, bytes: 5e6 }, always({ maxBytesPerDay: 4e6 }));

    expect(judged.over).to.equal(
      'over quota: the project has had its 4MB of 2024-10-04 (UTC); replay it on another day, or when the quota is raised',
    );
    const small = judge(judged.spent, { at: DAY, bytes: 1 }, always({ maxBytesPerDay: 4e6 }));
    expect(small.over).to.equal(judged.over);
  });

  it('is that of when a message came, and what is over takes nothing of it', () => {
    const changes = [
      { from: DAY + 2 * HOUR, quota: { maxMessagesPerDay: 2 } },
      { from: DAY + 5 * HOUR, quota: { maxMessagesPerDay: 4 } },
      { from: DAY + 9 * HOUR, quota: {} },
    ];
    expect(taken(at(1, 2, 3, 4, 5, 6, 7, 8, 9, 10), changes)).to.deep.equal([
      ...[true, true, false, false, true, true, false, false, true, true],
    ]);
  });

  it('does not give a day twice where a clock goes back over midnight', () => {
    expect(taken(at(25, 23, 25, 23), always({ maxMessagesPerDay: 2 }))).to.deep.equal([
      ...[true, true, false, false],
    ]);
  });

  it('is known to be used up before something is over', () => {
    const changes = always({ maxMessagesPerDay: 1 });
    const { spent } = judge(NOTHING_SPENT, { at: DAY, bytes: 1 }, changes);

    expect(isSpent(NOTHING_SPENT, DAY, changes)).to.equal(false);
    expect(isSpent(spent, DAY + HOUR, changes)).to.equal(true);
    expect(isSpent(spent, DAY + 24 * HOUR, changes)).to.equal(false);
    expect(isSpent(spent, DAY, always({ maxMessagesPerDay: 2 }))).to.equal(false);
    const closed = judge(spent, { at: DAY, bytes: 1 }, changes).spent;
    expect(isSpent(closed, DAY, changes)).to.equal(true);
    expect(dayOf(DAY + HOUR)).to.equal(20_000);
  });

  it('counts from a second after it was set, and anew only where it is another one', () => {
    const of = (...all: [number, QuotaChange['quota']][]) =>
      all.map(([setAt, quota]) => ({ setAt, quota }));
    const [one, two] = [{ maxMessagesPerDay: 1 }, { maxMessagesPerDay: 1, maxBytesPerDay: 9 }];

    expect(quotaChanges(of([5, {}], [7, one], [8, one], [9, two], [10, {}]), true)).to.deep.equal([
      { from: 1_007, quota: one },
      { from: 1_009, quota: two },
      { from: 1_010, quota: {} },
    ]);
    // The first of five was not the first of all.
    expect(quotaChanges(of([5, one], [6, two]), false)).to.deep.equal([
      { from: 0, quota: one },
      { from: 1_006, quota: two },
    ]);
    expect(quotaChanges([], true)).to.deep.equal([]);
  });
});
