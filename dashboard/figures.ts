/**
 * From rows to what the page shows: totals and series with the same parts, rates as sums over sums.
 * Money and durations are added up as exact decimals; a number leaves as a text where it may be money.
 */
import { formatDecimal, readUnits } from '../shared/decimal.ts';
import type { Bucket } from './period.ts';
import type { CountsRow, RevenueRow } from './queries.ts';

/** What a range, or a bucket of it, adds up to. Rates are null where there is nothing to divide by. */
export interface Figures {
  readonly visitors: number;
  readonly sessions: number;
  readonly pageViews: number;
  readonly conversions: number;
  /** 0 to 1. */
  readonly bounceRate: number | null;
  readonly engagementRate: number | null;
  readonly averageSeconds: number | null;
}

/** Sums that can be added up; seconds in units of 10^-9. */
export interface Counts {
  readonly sessions: number;
  readonly pageViews: number;
  readonly conversions: number;
  readonly ended: number;
  readonly bounced: number;
  readonly engaged: number;
  readonly seconds: bigint;
}

export const NO_COUNTS: Counts = {
  sessions: 0,
  pageViews: 0,
  conversions: 0,
  ended: 0,
  bounced: 0,
  engaged: 0,
  seconds: 0n,
};

export function countsOf(row: CountsRow): Counts {
  return {
    sessions: Number(row.sessions),
    pageViews: Number(row.page_views),
    conversions: Number(row.conversions),
    ended: Number(row.ended),
    bounced: Number(row.bounced),
    engaged: Number(row.engaged),
    seconds: readUnits(row.seconds),
  };
}

export function addCounts(a: Counts, b: Counts): Counts {
  return {
    sessions: a.sessions + b.sessions,
    pageViews: a.pageViews + b.pageViews,
    conversions: a.conversions + b.conversions,
    ended: a.ended + b.ended,
    bounced: a.bounced + b.bounced,
    engaged: a.engaged + b.engaged,
    seconds: a.seconds + b.seconds,
  };
}

export function figuresOf(counts: Counts, visitors: number): Figures {
  const { sessions, pageViews, conversions, ended, bounced, engaged, seconds } = counts;
  return {
    visitors,
    sessions,
    pageViews,
    conversions,
    bounceRate: ended === 0 ? null : bounced / ended,
    engagementRate: ended === 0 ? null : engaged / ended,
    // To the millisecond, which is what a duration has.
    averageSeconds: ended === 0 ? null : Number(seconds / 1_000_000n) / 1_000 / ended,
  };
}

/** The bucket that a day is in: the last one that begins no later. */
export function bucketIndex(buckets: readonly Bucket[], day: string): number {
  let low = 0;
  let high = buckets.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((buckets[middle]?.key ?? '') <= day) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Rows of days, put together by bucket. */
export function intoBuckets(rows: readonly CountsRow[], buckets: readonly Bucket[]): Counts[] {
  const sums = buckets.map(() => NO_COUNTS);
  for (const row of rows) {
    const index = bucketIndex(buckets, row.bucket);
    sums[index] = addCounts(sums[index] ?? NO_COUNTS, countsOf(row));
  }
  return sums;
}

/** Revenue of one currency: in all, and by bucket. Decimals as texts. */
export interface Revenue {
  readonly currency: string;
  readonly total: string;
  readonly byBucket: readonly string[];
}

/**
 * Revenue by currency, in the order of their codes. Never a sum over currencies.
 * @param indexOf which bucket a row is in
 */
export function revenueOf(
  rows: readonly RevenueRow[],
  bucketCount: number,
  indexOf: (bucket: string) => number,
): Revenue[] {
  const purses = new Map<string, bigint[]>();
  for (const { bucket, currency, revenue } of rows) {
    const purse = purses.get(currency) ?? Array.from({ length: bucketCount }, () => 0n);
    const index = indexOf(bucket);
    purse[index] = (purse[index] ?? 0n) + readUnits(revenue);
    purses.set(currency, purse);
  }
  return [...purses]
    .map(([currency, purse]) => ({
      currency,
      total: formatDecimal(purse.reduce((sum, units) => sum + units, 0n)),
      byBucket: purse.map(formatDecimal),
    }))
    .sort((a, b) => compare(a.currency, b.currency));
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
