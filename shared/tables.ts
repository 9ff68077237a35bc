/**
 * Amounts by bucket as text, small enough that a session of every day since 1970 fits a payload: a day that
 * follows a day, with one page view, takes two bytes. Lossless, whatever the amounts are.
 */
import type { Balance, ReadonlyTable, Table } from './balance.ts';
import type { Granularity } from './buckets.ts';
import { addAmount, type Amount } from './contributions.ts';
import { formatDecimal, ONE, readUnits } from './decimal.ts';
import type { TalliesWire } from './session-facts.ts';

const MINUTE_MS = 60_000;
/** Whole numbers of these are what buckets are apart. */
const UNIT_MS: Readonly<Record<Granularity, number>> = {
  minute: MINUTE_MS,
  quarter_hour: 15 * MINUTE_MS,
  hour: 60 * MINUTE_MS,
  day: 1_440 * MINUTE_MS,
  week: 1_440 * MINUTE_MS,
  month: 1_440 * MINUTE_MS,
};

/**
 * Entries in the order of their buckets: the distance from the one before, in units and base 36; then `*` and the
 * count where that is not 1; then `=` and the value where that is not the count.
 */
export function encodeTable(table: ReadonlyTable, granularity: string): string {
  const unit = unitOf(granularity);
  let last = 0;
  const entries = sorted(table).map(([bucket, { value, count }]) => {
    const distance = ((bucket - last) / unit).toString(36);
    last = bucket;
    const times = count === 1 ? '' : `*${count}`;
    return `${distance}${times}${value === BigInt(count) * ONE ? '' : `=${formatDecimal(value)}`}`;
  });
  return entries.join(' ');
}

/** The inverse of {@link encodeTable}. */
export function decodeTable(text: string, granularity: string): Table {
  const unit = unitOf(granularity);
  const table: Table = new Map();
  let bucket = 0;
  for (const entry of text === '' ? [] : text.split(' ')) {
    const [head = '', value] = entry.split('=');
    const [distance = '', times = '1'] = head.split('*');
    bucket += parseInt(distance, 36) * unit;
    const count = Number(times);
    table.set(bucket, {
      value: value === undefined ? BigInt(count) * ONE : readUnits(value),
      count,
    });
  }
  return table;
}

function unitOf(granularity: string): number {
  return granularity in UNIT_MS ? UNIT_MS[granularity as Granularity] : 1;
}

function sorted(table: ReadonlyTable): (readonly [number, Amount])[] {
  return [...table].sort(([a], [b]) => a - b);
}

/** Tables by `metric granularity`. */
export type Tallies = Map<string, Table>;
export type TalliesText = Readonly<Record<string, string>>;

export function encodeTallies(tallies: ReadonlyMap<string, ReadonlyTable>): TalliesText {
  return Object.fromEntries(
    Array.from(tallies, ([name, table]) => [name, encodeTable(table, granularityOf(name, ' '))]),
  );
}

/** The inverse of {@link encodeTallies}. */
export function decodeTallies(texts: TalliesText): Tallies {
  return new Map(
    Object.entries(texts).map(([name, text]) => [
      name,
      decodeTable(text, granularityOf(name, ' ')),
    ]),
  );
}

/** The tally of a name, made where there is none. */
export function tallyNamed(tallies: Tallies, name: string): Table {
  let tally = tallies.get(name);
  if (tally === undefined) {
    tally = new Map();
    tallies.set(name, tally);
  }
  return tally;
}

/** Tallies as they were until they had a bound in bytes. */
export function talliesToWire(tallies: Tallies): TalliesWire {
  return Array.from(tallies, ([name, tally]) =>
    Array.from(
      tally,
      ([bucket, { value, count }]) => [`${name} ${bucket}`, formatDecimal(value), count] as const,
    ),
  ).flat();
}

/** The inverse of {@link talliesToWire}. */
export function talliesFromWire(wire: TalliesWire): Tallies {
  const tallies: Tallies = new Map();
  for (const [key, value, count] of wire) {
    const at = key.lastIndexOf(' ');
    const tally = tallyNamed(tallies, key.slice(0, at));
    addAmount(tally, Number(key.slice(at + 1)), { value: readUnits(value), count });
  }
  return tallies;
}

/** The second word. */
function granularityOf(name: string, separator: string): string {
  return name.split(separator, 2)[1] ?? '';
}

/**
 * A family of the balance as it travels. The table, or what differs from the session's tally of that metric: then
 * the third part tells how many of its buckets, in order, are as there, how many missing, as there, and so on.
 */
export type FamilyText = readonly [family: string, table: string, alike?: readonly number[]];

/** Below this a table says for itself what it has. */
const LARGE = 8;

/** @param tallies of the same session: most tables of a balance are parts of these */
export function encodeBalance(
  balance: Balance,
  tallies: ReadonlyMap<string, ReadonlyTable>,
): FamilyText[] {
  return Array.from(balance, ([family, table]): FamilyText => {
    const granularity = granularityOf(family, '|');
    const tally = table.size < LARGE ? undefined : tallies.get(tallyOf(family));
    if (tally === undefined) return [family, encodeTable(table, granularity)];
    const { alike, rest } = compared(table, tally);
    return [family, encodeTable(rest, granularity), alike];
  });
}

/** The inverse of {@link encodeBalance}. */
export function decodeBalance(
  families: readonly FamilyText[],
  tallies: ReadonlyMap<string, ReadonlyTable>,
): Balance {
  return new Map(
    families.map(([family, text, alike]) => {
      const table = decodeTable(text, granularityOf(family, '|'));
      if (alike !== undefined) addAlike(table, tallies.get(tallyOf(family)) ?? new Map(), alike);
      return [family, table];
    }),
  );
}

function tallyOf(family: string): string {
  const [metric = '', granularity = ''] = family.split('|', 2);
  return `${metric} ${granularity}`;
}

function compared(table: ReadonlyTable, tally: ReadonlyTable): { alike: number[]; rest: Table } {
  const alike = [0];
  const rest: Table = new Map(table);
  let isAlike = true;
  for (const [bucket, { value, count }] of sorted(tally)) {
    const own = table.get(bucket);
    const is = own?.value === value && own.count === count;
    if (is) rest.delete(bucket);
    if (is !== isAlike) alike.push(0);
    isAlike = is;
    alike[alike.length - 1] = (alike.at(-1) ?? 0) + 1;
  }
  return { alike, rest };
}

function addAlike(table: Table, tally: ReadonlyTable, alike: readonly number[]): void {
  const entries = sorted(tally);
  let at = 0;
  alike.forEach((length, index) => {
    if (index % 2 === 0) {
      for (const [bucket, amount] of entries.slice(at, at + length))
        addAmount(table, bucket, amount);
    }
    at += length;
  });
}
