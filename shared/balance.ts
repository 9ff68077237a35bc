/**
 * What the log holds of a session, less what its events add by themselves, as data: no later catalogue and no
 * repeated task can think otherwise of it. Rows that differ in their bucket only share one table, so that a
 * long dimension value is held, and travels, once and not once a day.
 */
import {
  addAmount,
  type Amount,
  type Contributions,
  keyedRow,
  type KeyedRow,
  type WireRow,
} from './contributions.ts';
import { formatDecimal, readUnits } from './decimal.ts';

/** Amounts by bucket (epoch milliseconds). */
export type Table = Map<number, Amount>;
export type ReadonlyTable = ReadonlyMap<number, Amount>;

/** Tables by family, see {@link familyOf}. None is empty. */
export type Balance = Map<string, Table>;

const SEPARATOR = '|';

/** Rows of one metric, granularity, dimension and value. The value comes last: only it may hold the separator. */
export function familyOf(
  metric: string,
  granularity: string,
  dimension: string,
  dimensionValue: string,
): string {
  return `${metric}|${granularity}|${dimension}|${dimensionValue}`;
}

/** The row key of one bucket of a family, as `rowKeyText` makes it. */
export function rowKeyOf(family: string, bucket: number): string {
  const at = family.indexOf(SEPARATOR, family.indexOf(SEPARATOR) + 1) + 1;
  return `${family.slice(0, at)}${bucket}${SEPARATOR}${family.slice(at)}`;
}

/** Adds a row, in place. */
export function addRow(balance: Balance, key: string, amount: Amount): void {
  const at = key.indexOf(SEPARATOR, key.indexOf(SEPARATOR) + 1) + 1;
  const end = key.indexOf(SEPARATOR, at);
  const family = key.slice(0, at) + key.slice(end + 1);
  let table = balance.get(family);
  if (table === undefined) {
    table = new Map();
    balance.set(family, table);
  }
  addAmount(table, Number(key.slice(at, end)), amount);
  if (table.size === 0) balance.delete(family);
}

/** Adds rows as they travel, in place. */
export function addWireRows(balance: Balance, wire: readonly WireRow[]): void {
  for (const row of wire) {
    const [key, value, count] = keyedRow(row);
    addRow(balance, key, { value: readUnits(value), count });
  }
}

/** Takes rows off, in place. */
export function subtractRows(balance: Balance, rows: Contributions): void {
  for (const [key, { value, count }] of rows)
    addRow(balance, key, { value: -value, count: -count });
}

/** All rows, each with its whole key: for what is known to be small. */
export function balanceRows(balance: Balance): KeyedRow[] {
  return Array.from(balance, ([family, table]) =>
    Array.from(table, ([bucket, amount]) => rowOf(family, bucket, amount)),
  ).flat();
}

/** How many rows there are. */
export function rowCount(balance: Balance): number {
  let rows = 0;
  for (const table of balance.values()) rows += table.size;
  return rows;
}

function rowOf(family: string, bucket: number, { value, count }: Amount): KeyedRow {
  return [rowKeyOf(family, bucket), formatDecimal(value), count];
}

/** As much as one record takes of what has to be added to `balance` to get `target`. */
export interface Owed {
  readonly rows: readonly KeyedRow[];
  readonly owesMore: boolean;
}

/**
 * Worked out no further than the record goes. Families that are in the log come first: where one is being taken
 * back, it goes before another is begun, so few are ever halfway (`tables.ts` rests on that).
 */
export function owedRows(
  target: ReadonlyMap<string, ReadonlyTable>,
  balance: Balance,
  most: { readonly rows: number; readonly bytes: number },
): Owed {
  const rows: KeyedRow[] = [];
  let bytes = 0;
  for (const row of differences(target, balance)) {
    bytes += rowBytes(row);
    if (rows.length >= most.rows || (rows.length > 0 && bytes > most.bytes)) {
      return { rows, owesMore: true };
    }
    rows.push(row);
  }
  return { rows, owesMore: false };
}

const NONE: ReadonlyTable = new Map();
const NOTHING: Amount = { value: 0n, count: 0 };

function* differences(
  target: ReadonlyMap<string, ReadonlyTable>,
  balance: Balance,
): Generator<KeyedRow> {
  for (const [family, table] of balance) {
    yield* differencesOf(family, target.get(family) ?? NONE, table);
  }
  for (const [family, table] of target) {
    if (!balance.has(family)) yield* differencesOf(family, table, NONE);
  }
}

function* differencesOf(
  family: string,
  target: ReadonlyTable,
  written: ReadonlyTable,
): Generator<KeyedRow> {
  for (const [bucket, now] of target) {
    const { value, count } = written.get(bucket) ?? NOTHING;
    const more = { value: now.value - value, count: now.count - count };
    if (more.value !== 0n || more.count !== 0) yield rowOf(family, bucket, more);
  }
  for (const [bucket, { value, count }] of written) {
    if (!target.has(bucket)) yield rowOf(family, bucket, { value: -value, count: -count });
  }
}

/** Bytes that a row takes as JSON, at the most. */
export function rowBytes([key, value]: KeyedRow): number {
  return jsonBytes(key) + value.length + 20;
}

const SHORT = /^[\x20-\x21\x23-\x5b\x5d-\x7e]*$/;

/** Bytes that a text takes in JSON, quotes included. */
export function jsonBytes(text: string): number {
  if (SHORT.test(text)) return text.length + 2;
  let bytes = 2;
  for (let i = 0; i < text.length; i += 1) {
    const code = text.charCodeAt(i);
    if (code < 0x20) bytes += 6;
    else if (code === 0x22 || code === 0x5c) bytes += 2;
    else if (code < 0x80) bytes += 1;
    else if (code < 0x800) bytes += 2;
    else if (code < 0xd800 || code > 0xdfff) bytes += 3;
    // Four for a character of two halves; a half alone is escaped.
    else bytes += isHalfOfOne(text, i) ? 2 : 6;
  }
  return bytes;
}

function isHalfOfOne(text: string, at: number): boolean {
  return (text.codePointAt(at) ?? 0) > 0xffff || (text.codePointAt(at - 1) ?? 0) > 0xffff;
}
