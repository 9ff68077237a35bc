/** Time buckets, all in UTC. A bucket is named by its start, in epoch milliseconds. */

export const GRANULARITIES = ['minute', 'quarter_hour', 'hour', 'day', 'week', 'month'] as const;
export type Granularity = (typeof GRANULARITIES)[number];

const MINUTE_MS = 60_000;
const QUARTER_HOUR_MS = 15 * MINUTE_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/**
 * Start of the bucket that holds a time. Weeks start on Sunday. A week that starts before 1970 is
 * named by 1970-01-01, the first value of ClickHouse's DateTime.
 * @param at epoch milliseconds, not negative
 */
export function bucketOf(at: number, granularity: Granularity): number {
  switch (granularity) {
    case 'minute':
      return at - (at % MINUTE_MS);
    case 'quarter_hour':
      return at - (at % QUARTER_HOUR_MS);
    case 'hour':
      return at - (at % HOUR_MS);
    case 'day':
      return at - (at % DAY_MS);
    case 'week': {
      const day = at - (at % DAY_MS);
      return Math.max(0, day - new Date(day).getUTCDay() * DAY_MS);
    }
    case 'month': {
      const date = new Date(at);
      return Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), 1);
    }
  }
}
