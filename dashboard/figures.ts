/**
 * From rows to what the page shows: totals and series with the same parts, rates as sums over sums.
 * Money and durations are added up as exact decimals; a number leaves as a text where it may be money.
 */
import { readUnits } from '../shared/decimal.ts';
import { type Bucket, bucketIndex } from './period.ts';
import type { CountsRow } from './queries.ts';

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

/** Rows of days, put together by bucket. */
export function intoBuckets(rows: readonly CountsRow[], buckets: readonly Bucket[]): Counts[] {
  const sums = buckets.map(() => NO_COUNTS);
  for (const row of rows) {
    const index = bucketIndex(buckets, row.bucket);
    sums[index] = addCounts(sums[index] ?? NO_COUNTS, countsOf(row));
  }
  return sums;
}
