/**
 * Metric rows and their arithmetic. What a session writes is always a difference of two of these:
 * `contributions(now) - contributions(already written)`, negative values included.
 */
import { formatDecimal, ONE, readUnits } from './decimal.ts';
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

/** A row in messages: its key ({@link rowKeyText}), then the value as decimal text, then the count. */
export type KeyedRow = readonly [key: string, value: string, count: number];

/** A row as it was written until the key was one text. */
export type WideRow = readonly [
  metric: string,
  granularity: Granularity,
  bucketSeconds: number,
  dimension: string,
  dimensionValue: string,
  value: string,
  count: number,
];

export type WireRow = KeyedRow | WideRow;

/** Needs no escape in JSON. */
const SEPARATOR = '|';

/** One text for a row key. The dimension value comes last: only it may hold the separator. */
export function rowKeyText(key: RowKey): string {
  const { metric, granularity, bucket, dimension, dimensionValue } = key;
  return `${metric}${SEPARATOR}${granularity}${SEPARATOR}${bucket}${SEPARATOR}${dimension}${SEPARATOR}${dimensionValue}`;
}

/** The inverse of {@link rowKeyText}. Of the loader's own work most is this. */
export function parseRowKey(text: string): RowKey {
  const afterMetric = text.indexOf(SEPARATOR);
  const afterGranularity = text.indexOf(SEPARATOR, afterMetric + 1);
  const afterBucket = text.indexOf(SEPARATOR, afterGranularity + 1);
  const afterDimension = text.indexOf(SEPARATOR, afterBucket + 1);
  const granularity = text.slice(afterMetric + 1, afterGranularity);
  return {
    metric: text.slice(0, afterMetric),
    granularity: isGranularity(granularity) ? granularity : 'hour',
    bucket: Number(text.slice(afterGranularity + 1, afterBucket)),
    dimension: text.slice(afterBucket + 1, afterDimension),
    dimensionValue: text.slice(afterDimension + 1),
  };
}

const KNOWN: ReadonlySet<string> = new Set(GRANULARITIES);

function isGranularity(text: string): text is Granularity {
  return KNOWN.has(text);
}

/** Adds an amount to a row, in place. */
export function addAmount<K>(rows: Map<K, Amount>, key: K, amount: Amount): void {
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
export function toWire(rows: ReadonlyMap<string, Amount>): KeyedRow[] {
  return Array.from(rows, ([key, { value, count }]) => [key, formatDecimal(value), count]);
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
    const [key, value, count] = keyedRow(row);
    addAmount(rows, key, { value: readUnits(value), count });
  }
}

/** Adds up millions of rows, as the loader does: {@link addRows} without a new number for each. */
export function createRowSums(): {
  add(wire: readonly WireRow[]): void;
  /** What was added; rows that came to nothing are absent. */
  sums(): Contributions;
} {
  const rows = new Map<string, { units: bigint; whole: number; count: number }>();
  return {
    add(wire) {
      for (const row of wire) {
        const [key, value, count] = keyedRow(row);
        let sum = rows.get(key);
        if (sum === undefined) {
          sum = { units: 0n, whole: 0, count: 0 };
          rows.set(key, sum);
        }
        sum.count += count;
        if (isSmallCount(value)) sum.whole += Number(value);
        else sum.units += readUnits(value);
      }
    },
    sums() {
      const made: Contributions = new Map();
      for (const [key, { units, whole, count }] of rows) {
        addAmount(made, key, { value: units + BigInt(whole) * ONE, count });
      }
      return made;
    },
  };
}

/** A whole number of which ten billion still add up exactly without big integers. */
function isSmallCount(value: string): boolean {
  return value.length <= 5 && !value.includes('.');
}

/** A row in either form, as it is written today. */
export function keyedRow(row: WireRow): KeyedRow {
  if (row.length === 3) return row;
  const [metric, granularity, bucketSeconds, dimension, dimensionValue, value, count] = row;
  const bucket = bucketSeconds * 1_000;
  const key = rowKeyText({ metric, granularity, bucket, dimension, dimensionValue });
  return [key, value, count];
}
