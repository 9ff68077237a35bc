/**
 * Revenue by currency: as questions, and what of their rows is shown. Never a sum over currencies. Without a filter it is
 * that of the events, by what each says of itself (`metrics`, as the views read them); with one that of the sessions.
 */
import { formatDecimal, readUnits } from '../shared/decimal.ts';
import type { Audience } from './address.ts';
import {
  isFiltered,
  nameOfPart,
  ofAudience,
  PART,
  PURSE,
  type Query,
  type Scope,
  SESSIONS,
  sessionsIn,
} from './conditions.ts';
import { boundsOf, BUCKET_PART, metricsIn } from './metrics-in.ts';
import type { Parts } from './parts.ts';
import type { Span } from './period.ts';

export interface RevenueRow {
  readonly bucket: string;
  readonly currency: string;
  /** A decimal. */
  readonly revenue: string;
}

/** Revenue by part of the range and currency. */
export function revenueBy(scope: Scope, span: Span, parts: Parts): Query {
  const { sql, params } = isFiltered(scope)
    ? ofSessions(scope, span)
    : ofEvents(scope, span, parts);
  return {
    sql: `SELECT ${nameOfPart('part')} AS bucket, currency, toString(sum(amount)) AS revenue
      FROM (${sql}) GROUP BY part, currency HAVING sum(amount) != 0 ORDER BY part, currency`,
    params: { ...params, ...parts },
  };
}

function ofSessions(scope: Scope, span: Span): Query {
  const { sql, params } = sessionsIn(scope, span);
  return {
    sql: `SELECT s.part AS part, if(entry.1 = '', '(none)', entry.1) AS currency, entry.2 AS amount
      FROM (
        SELECT ${PART} AS part, ${PURSE} AS purse FROM ${SESSIONS} WHERE ${sql} AND ${ofAudience(scope.audience)}
      ) AS s
      ARRAY JOIN s.purse AS entry`,
    params,
  };
}

/** Under which dimensions all of it is, and what of it has a currency; bots are taken off, or are all there is to see. */
const PURSES: Readonly<
  Record<Audience, { readonly plus: readonly string[]; readonly less: readonly string[] }>
> = {
  everyone: { plus: ['', 'currency'], less: [] },
  people: { plus: ['', 'currency'], less: ['audience', 'bot:currency'] },
  bots: { plus: ['audience', 'bot:currency'], less: [] },
};

/** What has a currency is in the row of all as well: taken off there, the rest is what has none. */
function ofEvents({ project, audience }: Scope, span: Span, { starts }: Parts): Query {
  const { plus, less } = PURSES[audience];
  const rows = metricsIn(
    [{ metric: 'revenue', dimensions: [...plus, ...less] }],
    [...starts, span.end],
  );
  return {
    sql: `SELECT ${BUCKET_PART} AS part, entry.1 AS currency,
        m.value * entry.2 * if(has({less:Array(String)}, toString(m.dimension)), -1, 1) AS amount
      FROM ${rows}
      ARRAY JOIN if(endsWith(m.dimension, 'currency'),
        [(m.dimension_value, toInt64(1)), ('(none)', toInt64(-1))], [('(none)', toInt64(1))]) AS entry`,
    params: { project, less, ...boundsOf(span) },
  };
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
