/**
 * Adds up metric rows of very many sessions; also takes away. By the parts of their keys: to make one text of them for each
 * row that is added would be most of the work.
 */
import type { Granularity } from '../shared/buckets.ts';
import { type Amount, addAmount, type Contributions, rowKeyText } from '../shared/contributions.ts';
import { ONE } from '../shared/decimal.ts';
import type { AddRow } from '../shared/session.ts';

export interface RowSums {
  readonly add: AddRow;
  /** Rows that came to nothing are absent. */
  sums(): Contributions;
}

interface Sum {
  whole: number;
  units: bigint;
  count: number;
}

/** Sums of a line of the catalogue by dimension, value and bucket. */
interface LineSums {
  readonly metric: string;
  readonly granularity: Granularity;
  readonly dimensions: Map<string, Map<string, Map<number, Sum>>>;
}

export function createRowSumsOf(): RowSums {
  /** By the line itself; several lines may have rows of one key. */
  const lines = new Map<object, LineSums>();
  const linesOf = (line: { readonly metric: string; readonly granularity: Granularity }) => {
    const { metric, granularity } = line;
    const made: LineSums = { metric, granularity, dimensions: new Map() };
    lines.set(line, made);
    return made;
  };
  return {
    add(line, bucket, [dimension, value], amount) {
      const { dimensions } = lines.get(line) ?? linesOf(line);
      const values = dimensions.get(dimension) ?? within(dimensions, dimension);
      const buckets = values.get(value) ?? within(values, value);
      let sum = buckets.get(bucket);
      if (sum === undefined) {
        sum = { whole: 0, units: 0n, count: 0 };
        buckets.set(bucket, sum);
      }
      addTo(sum, amount);
    },
    sums() {
      const made: Contributions = new Map();
      for (const { metric, granularity, dimensions } of lines.values()) {
        for (const [dimension, values] of dimensions) {
          for (const [dimensionValue, buckets] of values) {
            for (const [bucket, { whole, units, count }] of buckets) {
              const key = { metric, granularity, bucket, dimension, dimensionValue };
              const value = units + BigInt(whole) * ONE;
              addAmount(made, rowKeyText(key), { value, count });
            }
          }
        }
      }
      return made;
    },
  };
}

function within<K, L, V>(map: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const made = new Map<L, V>();
  map.set(key, made);
  return made;
}

function addTo(sum: Sum, { value, count }: Amount): void {
  sum.count += count;
  if (value === ONE) sum.whole += 1;
  else if (value !== 0n) sum.units += value;
}
