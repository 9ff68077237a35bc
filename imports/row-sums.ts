/** Adds up metric rows of very many sessions; also takes away. */
import { type Amount, addAmount, type Contributions } from '../shared/contributions.ts';
import { ONE } from '../shared/decimal.ts';

export interface RowSums {
  /** @param key as `rowKeyText` makes it */
  add(key: string, amount: Amount): void;
  /** @param sign -1 to take away */
  addAll(rows: ReadonlyMap<string, Amount>, sign?: 1 | -1): void;
  /** Rows that came to nothing are absent. */
  sums(): Contributions;
}

interface Sum {
  whole: number;
  units: bigint;
  count: number;
}

export function createRowSumsOf(): RowSums {
  const rows = new Map<string, Sum>();
  const add = (key: string, { value, count }: Amount, sign: number) => {
    let sum = rows.get(key);
    if (sum === undefined) {
      sum = { whole: 0, units: 0n, count: 0 };
      rows.set(key, sum);
    }
    sum.count += sign * count;
    if (value === ONE) sum.whole += sign;
    else if (value !== 0n) sum.units += sign === 1 ? value : -value;
  };
  return {
    add(key, amount) {
      add(key, amount, 1);
    },
    addAll(more, sign = 1) {
      for (const [key, amount] of more) add(key, amount, sign);
    },
    sums() {
      const made: Contributions = new Map();
      for (const [key, { whole, units, count }] of rows) {
        addAmount(made, key, { value: units + BigInt(whole) * ONE, count });
      }
      return made;
    },
  };
}
