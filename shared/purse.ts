/**
 * Money by currency, with a bound: of more currencies than that the first ones of the alphabet are kept, and the rest
 * is one sum. Which ones stay does not depend on the order in which they come: one that was let go stays behind as many
 * that come before it, for ever.
 */
import { formatDecimal, readUnits } from './decimal.ts';
import { CURRENCIES_MAX, CURRENCY_CHARS_MAX } from './limits.ts';

/** Units of 10^-9 by currency; `''`: none was given. */
export type Purse = Map<string, bigint>;
export type PurseWire = Readonly<Record<string, string>>;

/** What is not kept by itself. */
export const OTHER_CURRENCIES = '(other)';

/** Adds, in place. A currency whose sum came to nothing keeps its place. */
export function addMoney(purse: Purse, currency: string, units: bigint): void {
  if (units === 0n) return;
  const isLong = currency.length > CURRENCY_CHARS_MAX;
  const key = isLong ? OTHER_CURRENCIES : currency;
  purse.set(key, (purse.get(key) ?? 0n) + units);
  const own = [...purse.keys()].filter((name) => name !== OTHER_CURRENCIES);
  if (own.length <= CURRENCIES_MAX) return;
  const last = own.reduce((a, b) => (a > b ? a : b));
  const rest = purse.get(last) ?? 0n;
  purse.delete(last);
  purse.set(OTHER_CURRENCIES, (purse.get(OTHER_CURRENCIES) ?? 0n) + rest);
}

/** As decimal texts. */
export function purseToWire(purse: Purse): PurseWire {
  return Object.fromEntries(
    Array.from(purse, ([currency, units]) => [currency, formatDecimal(units)]),
  );
}

/** The inverse of {@link purseToWire}. */
export function purseFromWire(wire: PurseWire = {}): Purse {
  return new Map(Object.entries(wire).map(([currency, text]) => [currency, readUnits(text)]));
}
