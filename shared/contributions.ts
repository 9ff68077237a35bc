/**
 * Metric rows and their arithmetic. What a session writes is always a difference of two of these:
 * `contributions(now) - contributions(already written)`, negative values included.
 */
import { formatDecimal, readUnits } from './decimal.ts';
import { type Granularity, GRANULARITIES } from './buckets.ts';

export interface RowKey {
  readonly metric: string;
  readonly granularity: Granularity;
  /** Start of the bucket, epoch milliseconds UTC. */
  readonly bucket: number;
  /** `''`: the row of no dimension. */
  readonly dimension: string;
  readonly dimensionValue: string;
}

/** `value` in units of 10^-9. */
export interface Amount {
  readonly value: bigint;
  readonly count: number;
}

/** Sums by row key (see {@link rowKeyText}). A row whose value and count are both 0 is absent. */
export type Contributions = Map<string, Amount>;

/** A row in messages: key, then the value as decimal text, then the count. */
export type WireRow = readonly [
  metric: string,
  granularity: Granularity,
  bucketSeconds: number,
  dimension: string,
  dimensionValue: string,
  value: string,
  count: number,
];

const SEPARATOR = '\t';

/** One text for a row key. The dimension value comes last: only it may hold the separator. */
export function rowKeyText(key: RowKey): string {
  const { metric, granularity, bucket, dimension, dimensionValue } = key;
  return `${metric}${SEPARATOR}${granularity}${SEPARATOR}${bucket}${SEPARATOR}${dimension}${SEPARATOR}${dimensionValue}`;
}

/** The inverse of {@link rowKeyText}. */
export function parseRowKey(text: string): RowKey {
  const [metric = '', granularity = '', bucket = '', dimension = '', ...rest] =
    text.split(SEPARATOR);
  return {
    metric,
    granularity: GRANULARITIES.find((g) => g === granularity) ?? 'hour',
    bucket: Number(bucket),
    dimension,
    dimensionValue: rest.join(SEPARATOR),
  };
}

/** Adds an amount to a row, in place. */
export function addAmount(rows: Contributions, key: string, amount: Amount): void {
  const old = rows.get(key);
  const sum =
    old === undefined
      ? amount
      : { value: old.value + amount.value, count: old.count + amount.count };
  if (sum.value === 0n && sum.count === 0) rows.delete(key);
  else rows.set(key, sum);
}

/** Adds all rows of `more` to `rows`, in place. */
export function addAll(rows: Contributions, more: ReadonlyMap<string, Amount>): void {
  for (const [key, amount] of more) addAmount(rows, key, amount);
}

/** Takes all rows of `less` off `rows`, in place. */
export function subtractAll(rows: Contributions, less: ReadonlyMap<string, Amount>): void {
  for (const [key, { value, count }] of less)
    addAmount(rows, key, { value: -value, count: -count });
}

/** What has to be added to `written` to get `now`. */
export function difference(
  now: ReadonlyMap<string, Amount>,
  written: ReadonlyMap<string, Amount>,
): Contributions {
  const rows: Contributions = new Map(now);
  subtractAll(rows, written);
  return rows;
}

/** Rows as they travel. */
export function toWire(rows: ReadonlyMap<string, Amount>): WireRow[] {
  return [...rows].map(([text, { value, count }]) => {
    const key = parseRowKey(text);
    return [
      key.metric,
      key.granularity,
      key.bucket / 1_000,
      key.dimension,
      key.dimensionValue,
      formatDecimal(value),
      count,
    ];
  });
}

/** The inverse of {@link toWire}; rows with the same key are summed. */
export function fromWire(wire: readonly WireRow[]): Contributions {
  const rows: Contributions = new Map();
  addRows(rows, wire);
  return rows;
}

/** Adds rows as they travel to `rows`, in place. */
export function addRows(rows: Contributions, wire: readonly WireRow[]): void {
  for (const row of wire) {
    addAmount(rows, keyOfWire(row), { value: readUnits(row[5]), count: row[6] });
  }
}

/**
 * As {@link addRows}, for millions of them: what the loader does.
 * @param rows made by this function alone, whose amounts nobody else holds: they are changed in place
 */
export function addWire(rows: Contributions, wire: readonly WireRow[]): void {
  for (const row of wire) {
    const key = keyOfWire(row);
    const sum = rows.get(key) as { value: bigint; count: number } | undefined;
    if (sum === undefined) {
      addAmount(rows, key, { value: readUnits(row[5]), count: row[6] });
      continue;
    }
    sum.value += readUnits(row[5]);
    sum.count += row[6];
    if (sum.value === 0n && sum.count === 0) rows.delete(key);
  }
}

function keyOfWire([
  metric,
  granularity,
  bucketSeconds,
  dimension,
  dimensionValue,
]: WireRow): string {
  return rowKeyText({
    metric,
    granularity,
    bucket: bucketSeconds * 1_000,
    dimension,
    dimensionValue,
  });
}
