import { expect } from 'chai';
import { AddressError, type Days } from '../../dashboard/address.ts';
import { figuresOf, intoBuckets, NO_COUNTS } from '../../dashboard/figures.ts';
import { bucketsOf, hoursOf, instantsOf, resolvePeriod, spanOf } from '../../dashboard/period.ts';
import { revenueOf } from '../../dashboard/revenue.ts';
import { loadZones } from '../../platform/zones.ts';

const zones = loadZones();
const UTC = { timeZone: 'UTC', week: 'monday' } as const;
const at = Date.parse('2026-03-11T20:00:00Z');
const ask = { range: '7d', compare: 'previous', unit: undefined } as const;

const daysOf = (
  range: Parameters<typeof resolvePeriod>[0]['range'],
  clock: Parameters<typeof resolvePeriod>[1] = UTC,
) => resolvePeriod({ ...ask, range }, clock, zones, at).current;

describe('the days of the page', () => {
  it('begin with today in the zone of the project', () => {
    expect(daysOf('today').to).to.equal('2026-03-11');
    expect(daysOf('today', { timeZone: 'Asia/Kolkata', week: 'monday' }).to).to.equal('2026-03-12');
    expect(daysOf('today', { timeZone: 'Pacific/Kiritimati', week: 'monday' }).to).to.equal(
      '2026-03-12',
    );
  });

  it('are those that presets name', () => {
    expect(daysOf('yesterday')).to.deep.equal({ from: '2026-03-10', to: '2026-03-10' });
    expect(daysOf('7d')).to.deep.equal({ from: '2026-03-05', to: '2026-03-11' });
    expect(daysOf('12mo')).to.deep.equal({ from: '2025-03-12', to: '2026-03-11' });
    expect(daysOf('week')).to.deep.equal({ from: '2026-03-09', to: '2026-03-11' });
    expect(daysOf('week', { timeZone: 'UTC', week: 'sunday' }).from).to.equal('2026-03-08');
    expect(daysOf('month').from).to.equal('2026-03-01');
    expect(daysOf('last-month')).to.deep.equal({ from: '2026-02-01', to: '2026-02-28' });
    expect(daysOf('year').from).to.equal('2026-01-01');
  });

  it('are compared with as many before, or a year before', () => {
    const previous = (compare: 'previous' | 'year' | 'none', range: Days) =>
      resolvePeriod({ ...ask, range, compare }, UTC, zones, at).previous;

    expect(previous('previous', { from: '2026-03-01', to: '2026-03-31' })).to.deep.equal({
      from: '2026-01-29',
      to: '2026-02-28',
    });
    expect(previous('year', { from: '2024-02-29', to: '2024-03-01' })).to.deep.equal({
      from: '2023-02-28',
      to: '2023-03-01',
    });
    expect(previous('year', { from: '2024-02-29', to: '2024-02-29' })).to.equal(undefined);
    expect(previous('none', { from: '2026-03-01', to: '2026-03-31' })).to.equal(undefined);
  });

  it('are known by the instants that part them', () => {
    const { starts, days, end } = spanOf(
      { from: '2026-03-28', to: '2026-03-30' },
      'Europe/Berlin',
      zones,
    );

    expect(days).to.deep.equal(['2026-03-28', '2026-03-29', '2026-03-30']);
    expect(
      [...starts, end].map((at) => new Date(at * 1_000).toISOString().slice(5, 16)),
    ).to.deep.equal(['03-27T23:00', '03-28T23:00', '03-29T22:00', '03-30T22:00']);
  });

  it('are without one that the zone has left out', () => {
    // Samoa went from the 29th to the 31st of December.
    const around = spanOf({ from: '2011-12-29', to: '2011-12-31' }, 'Pacific/Apia', zones);
    const none = spanOf({ from: '2011-12-30', to: '2011-12-30' }, 'Pacific/Apia', zones);

    expect(around.days).to.deep.equal(['2011-12-29', '2011-12-31']);
    expect(around.end - (around.starts[0] ?? 0)).to.equal(2 * 86_400);
    expect(none.starts).to.deep.equal([]);
  });

  it('are refused where there are too many to show', () => {
    const range = { from: '2010-01-01', to: '2026-01-01' };
    const hours = { from: '2026-01-01', to: '2026-02-01' };

    expect(() => resolvePeriod({ ...ask, range }, UTC, zones, at)).to.throw(
      AddressError,
      /ten years/,
    );
    expect(() => resolvePeriod({ ...ask, range: hours, unit: 'hour' }, UTC, zones, at)).to.throw(
      AddressError,
      /14 days/,
    );
  });
});

describe('the points of a chart', () => {
  const today = '2026-03-11';

  it('are days, weeks of either kind and months, cut where the range is', () => {
    const days = { from: '2026-02-26', to: '2026-03-12' };
    const keys = (unit: 'day' | 'week' | 'month', week: 'monday' | 'sunday' = 'monday') =>
      bucketsOf(days, unit, { week, today }).map(
        ({ key, isPart }) => `${key}${isPart ? ' part' : ''}`,
      );

    expect(keys('day')).to.have.length(15);
    expect(bucketsOf(days, 'day', { week: 'monday', today }).at(-1)?.isAhead).to.equal(true);
    expect(keys('week')).to.deep.equal(['2026-02-26 part', '2026-03-02', '2026-03-09 part']);
    expect(keys('week', 'sunday')).to.deep.equal([
      '2026-02-26 part',
      '2026-03-01',
      '2026-03-08 part',
    ]);
    expect(keys('month')).to.deep.equal(['2026-02-26 part', '2026-03-01 part']);
  });

  it('are hours with two of one name where clocks are set back, and one left out where they are put forward', () => {
    const labels = (day: string, timeZone: string) =>
      hoursOf({ from: day, to: day }, timeZone, zones, at).map(({ label }) => label.slice(11));

    expect(labels('2026-10-25', 'Europe/Berlin').slice(1, 5)).to.deep.equal([
      '01:00 +02:00',
      '02:00 +02:00',
      '02:00 +01:00',
      '03:00 +01:00',
    ]);
    expect(labels('2026-03-29', 'Europe/Berlin')).to.have.length(23);
    expect(labels('2026-04-05', 'Australia/Lord_Howe').slice(0, 3)).to.deep.equal([
      '00:00 +11:00',
      '01:00 +11:00',
      '02:00 +10:30',
    ]);
    expect(labels('2026-03-11', 'Asia/Kathmandu')[0]).to.equal('00:00 +05:45');
  });

  it('lie between the instants at which the days begin and end', () => {
    const { startMs, endMs } = instantsOf(
      { from: '2026-03-29', to: '2026-03-29' },
      'Europe/Berlin',
      zones,
    );

    expect(new Date(startMs).toISOString()).to.equal('2026-03-28T23:00:00.000Z');
    expect(new Date(endMs).toISOString()).to.equal('2026-03-29T22:00:00.000Z');
    // A day that begins at 01:00.
    const cairo = instantsOf({ from: '2026-04-24', to: '2026-04-24' }, 'Africa/Cairo', zones);
    expect(new Date(cairo.startMs).toISOString()).to.equal('2026-04-23T22:00:00.000Z');
  });
});

describe('the figures of the page', () => {
  const row = {
    bucket: '2026-03-02',
    sessions: '3',
    page_views: '7',
    conversions: 1,
    ended: '4',
    bounced: '1',
    engaged: '3',
    seconds: '0.1',
  };

  it('are sums over sums, and nothing where there is nothing to divide by', () => {
    const buckets = bucketsOf({ from: '2026-03-01', to: '2026-03-08' }, 'week', {
      week: 'monday',
      today: '2026-03-08',
    });
    const counts = intoBuckets([row, { ...row, bucket: '2026-03-08', seconds: '0.2' }], buckets);

    expect(counts.map(({ sessions }) => sessions)).to.deep.equal([0, 6]);
    expect(figuresOf(counts[1] ?? NO_COUNTS, 5)).to.deep.equal({
      visitors: 5,
      sessions: 6,
      pageViews: 14,
      conversions: 2,
      bounceRate: 0.25,
      engagementRate: 0.75,
      averageSeconds: 0.0375,
    });
    expect(figuresOf(NO_COUNTS, 0)).to.include({ bounceRate: null, averageSeconds: null });
  });

  it('add money up by currency alone, exactly', () => {
    const revenue = revenueOf(
      [
        { bucket: '0', currency: 'USD', revenue: '0.1' },
        { bucket: '1', currency: 'USD', revenue: '0.2' },
        { bucket: '0', currency: 'EUR', revenue: '123456789012345678901.000000001' },
        { bucket: '1', currency: 'EUR', revenue: '-0.000000001' },
      ],
      2,
      Number,
    );

    expect(revenue).to.deep.equal([
      {
        currency: 'EUR',
        total: '123456789012345678901',
        byBucket: ['123456789012345678901.000000001', '-0.000000001'],
      },
      { currency: 'USD', total: '0.3', byBucket: ['0.1', '0.2'] },
    ]);
  });
});
