/** Which point is compared with which, how far back a period that is not over looks, and what the page says of it. */
import { expect } from 'chai';
import type { Days, Unit } from '../../dashboard/address.ts';
import { bucketsBefore, pairsOfHours } from '../../dashboard/pairs.ts';
import { bucketsOf, hoursOf, resolvePeriod } from '../../dashboard/period.ts';
import { beforeOf } from '../../dashboard/so-far.ts';
import { loadViewZones, loadZones } from '../../platform/zones.ts';

const zones = loadZones();
const NOW = Date.parse('2026-06-01T12:00:00Z');

const periodOf = (
  range: Parameters<typeof resolvePeriod>[0]['range'],
  compare: 'previous' | 'year' = 'previous',
  { timeZone = 'UTC', nowMs = NOW } = {},
) => resolvePeriod({ range, compare, unit: undefined }, { timeZone, week: 'monday' }, zones, nowMs);

/** `2026-03-01 = 2026-01-29..2026-02-28` */
function comparisons(range: Days, unit: Exclude<Unit, 'hour'>, compare?: 'previous' | 'year') {
  const period = periodOf(range, compare);
  const buckets = bucketsOf(period.current, unit, { week: 'monday', today: period.today });
  const before = bucketsBefore(buckets, unit, period);
  return buckets.map(({ key }, index) => {
    const pair = before.pairs[index] ?? -1;
    const other = before.buckets[pair];
    return `${key} = ${other === undefined ? 'none' : `${other.key}..${other.to ?? ''}`}`;
  });
}

describe('what each point is compared with', () => {
  it('is as many days of the period before, also for months and weeks of other lengths', () => {
    expect(comparisons({ from: '2026-03-01', to: '2026-03-31' }, 'month')).to.deep.equal([
      '2026-03-01 = 2026-01-29..2026-02-28',
    ]);
    expect(comparisons({ from: '2026-03-01', to: '2026-04-30' }, 'month')).to.deep.equal([
      '2026-03-01 = 2025-12-30..2026-01-29',
      '2026-04-01 = 2026-01-30..2026-02-28',
    ]);
    // From a Wednesday on, and ten days before that from a Sunday on.
    expect(comparisons({ from: '2026-03-11', to: '2026-03-20' }, 'week')).to.deep.equal([
      '2026-03-11 = 2026-03-01..2026-03-05',
      '2026-03-16 = 2026-03-06..2026-03-10',
    ]);
    expect(comparisons({ from: '2026-03-01', to: '2026-03-02' }, 'day')).to.deep.equal([
      '2026-03-01 = 2026-02-27..2026-02-27',
      '2026-03-02 = 2026-02-28..2026-02-28',
    ]);
  });

  it('is the same date a year before, and nothing for a date that it had not', () => {
    expect(
      comparisons({ from: '2025-02-27', to: '2025-03-02' }, 'day', 'year').slice(1, 3),
    ).to.deep.equal(['2025-02-28 = 2024-02-28..2024-02-28', '2025-03-01 = 2024-03-01..2024-03-01']);
    expect(comparisons({ from: '2024-02-28', to: '2024-03-01' }, 'day', 'year')).to.deep.equal([
      '2024-02-28 = 2023-02-28..2023-02-28',
      '2024-02-29 = none',
      '2024-03-01 = 2023-03-01..2023-03-01',
    ]);
    expect(comparisons({ from: '2025-01-01', to: '2025-12-31' }, 'month', 'year')[1]).to.equal(
      '2025-02-01 = 2024-02-01..2024-02-29',
    );
    expect(comparisons({ from: '2025-01-01', to: '2025-12-31' }, 'month', 'year')[11]).to.equal(
      '2025-12-01 = 2024-12-01..2024-12-31',
    );
  });

  const hours = (day: string, timeZone: string) => {
    const period = periodOf({ from: day, to: day }, 'previous', { timeZone });
    const own = hoursOf(period.current, timeZone, zones, NOW);
    const before = hoursOf(period.previous ?? period.current, timeZone, zones, NOW);
    return pairsOfHours(own, before, period).map((pair, index) => {
      const clock = (label = 'none') => label.slice(label.length > 4 ? 11 : 0);
      return `${clock(own[index]?.label)} = ${clock(before[pair ?? -1]?.label)}`;
    });
  };

  it('is the hour of the same name, where a day has 23 or 25 of them too', () => {
    expect(hours('2026-03-29', 'Europe/Berlin').slice(1, 4)).to.deep.equal([
      '01:00 +01:00 = 01:00 +01:00',
      '03:00 +02:00 = 03:00 +01:00',
      '04:00 +02:00 = 04:00 +01:00',
    ]);
    expect(hours('2026-03-30', 'Europe/Berlin')[2]).to.equal('02:00 +02:00 = none');
    expect(hours('2026-10-25', 'Europe/Berlin').slice(2, 5)).to.deep.equal([
      '02:00 +02:00 = 02:00 +02:00',
      '02:00 +01:00 = none',
      '03:00 +01:00 = 03:00 +02:00',
    ]);
    // A day that begins at 01:00, and clocks that are changed by half an hour.
    expect(hours('2026-04-25', 'Africa/Cairo')[0]).to.equal('00:00 +03:00 = none');
    expect(hours('2026-10-04', 'Australia/Lord_Howe')[2]).to.equal('02:30 +11:00 = 02:00 +10:30');
  });
});

describe('a period that is not over', () => {
  const until = (
    range: Parameters<typeof periodOf>[0],
    now: string,
    timeZone = 'Europe/Berlin',
    compare?: 'year',
  ) => {
    const nowMs = Date.parse(now);
    const before = beforeOf(periodOf(range, compare, { timeZone, nowMs }), timeZone, zones, nowMs);
    const days = before?.soFar.broken?.whole.days ?? [];
    return [before?.until, days.length];
  };

  it('is compared with as much of the one before, to the quarter of an hour', () => {
    expect(until('today', '2026-03-11T14:20:00Z')).to.deep.equal(['2026-03-10 15:15 +01:00', 0]);
    expect(until('7d', '2026-03-11T14:20:00Z')).to.deep.equal(['2026-03-04 15:15 +01:00', 6]);
    expect(until('today', '2026-03-11T14:20:00Z', 'Asia/Kathmandu')).to.deep.equal([
      '2026-03-10 20:00 +05:45',
      0,
    ]);
    const month = { from: '2026-03-01', to: '2026-03-31' };
    expect(until(month, '2026-03-11T14:20:00Z')).to.deep.equal(['2026-02-08 15:15 +01:00', 10]);
    expect(until('today', '2026-03-11T14:20:00Z', 'Europe/Berlin', 'year')).to.deep.equal([
      '2025-03-11 15:15 +01:00',
      0,
    ]);
  });

  it('goes by what the clocks show, where they are changed', () => {
    expect(until('today', '2026-03-29T10:00:00Z')).to.deep.equal(['2026-03-28 12:00 +01:00', 0]);
    expect(until('today', '2026-03-30T00:30:00Z')).to.deep.equal(['2026-03-29 03:00 +02:00', 0]);
    // 02:30, the second one.
    expect(until('today', '2026-10-25T01:30:00Z')).to.deep.equal(['2026-10-24 02:30 +02:00', 0]);
    expect(until('today', '2026-03-10T23:05:00Z')).to.deep.equal(['2026-03-10 00:00 +01:00', 0]);
  });

  it('is the whole of it once it is over, or has not begun', () => {
    expect(until('yesterday', '2026-03-11T14:20:00Z')).to.deep.equal([undefined, 0]);
    const ahead = { from: '2026-04-01', to: '2026-04-02' };
    expect(until(ahead, '2026-03-11T14:20:00Z')).to.deep.equal([undefined, 0]);
  });

  it('is the whole of it on a 29th of February that ends the range, for the year before has none', () => {
    const now = '2028-02-29T14:20:00Z';
    for (const range of ['today', '7d', 'month', 'year'] as const) {
      expect(until(range, now, 'Europe/Berlin', 'year'), range).to.deep.equal([undefined, 0]);
    }
    // Where the range goes on, so do the days it is compared with.
    const spring = { from: '2028-02-01', to: '2028-03-31' };
    expect(until(spring, now, 'Europe/Berlin', 'year')).to.deep.equal([
      '2027-03-01 15:15 +01:00',
      28,
    ]);
    expect(until('today', now)).to.deep.equal(['2028-02-28 15:15 +01:00', 0]);
  });
});

describe('the zones of the page', () => {
  it('are those of the views: before 2012 the offset of its January', () => {
    const shown = loadViewZones();
    const summer = Date.UTC(2010, 6, 10);

    expect(zones.offsetAt('Europe/Berlin', summer)).to.equal(7_200);
    expect(shown.offsetAt('Europe/Berlin', summer)).to.equal(3_600);
    expect(shown.offsetAt('Europe/Berlin', Date.UTC(2012, 6, 10))).to.equal(7_200);
    expect(shown.offsetAt('Europe/Berlin', Date.UTC(2060, 6, 10))).to.equal(3_600);
    expect(shown.zoneNames()).to.deep.equal(zones.zoneNames());
    expect(() => shown.offsetAt('Mars/Base', 0)).to.throw(RangeError);
  });
});

/** Scripts of the page that need no browser. */
interface PageScripts {
  formatPeriod: (head: object) => string;
  formatBucket: (bucket: object, unit: string) => string;
  formatBefore: (bucket: object, unit: string) => string;
  linesOfOne: (data: object) => {
    readonly before: { readonly texts: readonly string[]; readonly values: readonly unknown[] };
  };
}
const page = async (file: string) =>
  (await import(new URL(`../../dashboard/page/${file}`, import.meta.url).href)) as PageScripts;

describe('what the page says of a comparison', () => {
  const head = {
    timeZone: 'Europe/Berlin',
    current: { from: '2026-03-11', to: '2026-03-11' },
    ...{ previous: null, previousUntil: null, previousMissing: null, keptFrom: null },
    clocksFrom: null,
  };

  it('names the days, how far they go, and why there are none', async () => {
    const { formatPeriod } = await page('format.js');
    const previous = { from: '2026-03-10', to: '2026-03-10' };

    expect(formatPeriod(head)).to.equal('Wed, Mar 11, 2026, days of Europe/Berlin');
    expect(
      formatPeriod({ ...head, previous, previousUntil: '2026-03-10 15:15 +01:00' }),
    ).to.contain('; compared with Tue, Mar 10, 2026 until 15:15');
    expect(
      formatPeriod({ ...head, previousMissing: 'deleted', keptFrom: '2026-03-11' }),
    ).to.contain('; not compared; days before Wed, Mar 11, 2026 are deleted');
    expect(formatPeriod({ ...head, clocksFrom: '2012-01-01' })).to.contain(
      'days before 2012 are told by the clocks of January 2012',
    );
  });

  it('marks what still grows, and gives weeks and months of before their own days', async () => {
    const { formatBucket, formatBefore } = await page('format.js');
    const bucket = { key: '2026-03-11', label: '2026-03-11', isPart: true, isUnderWay: true };

    expect(formatBucket(bucket, 'day')).to.equal('Wed, Mar 11, 2026 (so far)');
    expect(formatBucket({ ...bucket, isUnderWay: false }, 'week')).to.contain('(part)');
    expect(formatBefore({ ...bucket, to: '2026-03-12' }, 'week')).to.equal(
      'Wed, Mar 11, 2026 to Thu, Mar 12, 2026',
    );
  });

  it('has nothing beside a point without a partner', async () => {
    const { linesOfOne } = await page('lines.js');
    const buckets = [{ key: 'a' }, { key: 'b' }];
    const { before } = linesOfOne({
      buckets,
      counts: [1, 2],
      before: { buckets, counts: [3, 4] },
      pairs: [1, null],
    });

    expect(before.values).to.deep.equal([4, null]);
    expect(before.texts).to.deep.equal(['4', '']);
  });
});
