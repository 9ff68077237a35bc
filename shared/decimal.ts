/**
 * Exact decimal numbers as `bigint` counts of 10^-9, the scale of the ClickHouse columns
 * (`Decimal(38, 9)`). Money and durations never pass through a float.
 */

/** Digits after the point that are kept, and the most that are accepted. */
export const SCALE = 9;
/** Digits before the point that are accepted (CONTRACT, section 1). */
export const INTEGER_DIGITS_MAX = 18;

/** One, in units of 10^-9. */
export const ONE = 10n ** BigInt(SCALE);

const PLAIN = /^([+-]?)(\d+)(?:\.(\d+))?$/;
const JSON_NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/;

/**
 * Reads a plain decimal text such as `12`, `-0.5` or `+3.10`.
 * @returns units of 10^-9, or undefined where the text is no decimal or has more than 18 digits
 *   before or 9 after the point
 */
export function parseDecimal(text: string): bigint | undefined {
  const match = PLAIN.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = ''] = match;
  return toUnits(sign, whole, fraction);
}

/** A JSON number by its digits: the first one is no zero, and `point` of them stand before the point. */
interface Digits {
  readonly sign: string;
  /** Empty for zero. */
  readonly digits: string;
  /** Negative: zeros between the point and the first digit. Infinite where the exponent is. */
  readonly point: number;
}

function digitsOf(text: string): Digits | undefined {
  const match = JSON_NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = whole + fraction;
  const first = digits.search(/[1-9]/);
  if (first === -1) return { sign, digits: '', point: 0 };
  return { sign, digits: digits.slice(first), point: whole.length + Number(exponent) - first };
}

/**
 * Reads the text of a JSON number, exponent included (`1.5e3`): JSON writers choose that form freely, so it says
 * nothing about precision. What is below 10^-9 (a float's tail) is rounded, half to even. Takes as long as the text
 * is, whatever the exponent says.
 * @returns units of 10^-9, or undefined where the text is no JSON number or has more than 18 digits before the point
 */
export function parseJsonNumber(text: string): bigint | undefined {
  const number = digitsOf(text);
  if (number === undefined) return undefined;
  const { sign, digits, point } = number;
  // Checked before anything is padded: an exponent must not decide how much memory is taken.
  if (point > INTEGER_DIGITS_MAX) return undefined;
  const kept = point + SCALE;
  if (digits === '' || kept < 0) return 0n;
  const whole = BigInt(digits.slice(0, kept).padEnd(kept, '0') || '0');
  const units = whole + (isRoundedUp(digits.slice(kept), whole) ? 1n : 0n);
  if (units >= 10n ** BigInt(INTEGER_DIGITS_MAX + SCALE)) return undefined;
  return sign === '-' ? -units : units;
}

/** Half to even. @param rest the digits that are left out */
function isRoundedUp(rest: string, kept: bigint): boolean {
  const first = rest.charAt(0);
  if (first !== '5') return first > '5';
  return /[1-9]/.test(rest.slice(1)) || kept % 2n === 1n;
}

/** More digits than the whole part of any time has. */
const WHOLE_DIGITS_MAX = 16;
const PLAIN_DIGITS = /^\d+$/;

/**
 * The whole part of a JSON number by its digits: as a float, 1.9999999999999999 would be 2 already.
 * @returns undefined where the text is no JSON number; infinite above 10^16
 */
export function wholeOfJsonNumber(text: string): number | undefined {
  if (text.length <= WHOLE_DIGITS_MAX && PLAIN_DIGITS.test(text)) return Number(text);
  const number = digitsOf(text);
  if (number === undefined) return undefined;
  const { sign, digits, point } = number;
  const size =
    point > WHOLE_DIGITS_MAX
      ? Infinity
      : Number(digits.slice(0, Math.max(0, point)).padEnd(point, '0'));
  return sign === '-' ? -size : size;
}

/** Nearly all rows count something, and the loader reads millions of them. */
const COUNTS: ReadonlyMap<string, bigint> = new Map(
  Array.from({ length: 100 }, (_, n) => [String(n), BigInt(n) * ONE] as const),
);

/**
 * Reads what {@link formatDecimal} wrote, of any size: a sum may have more digits than an event may.
 * @throws RangeError on any other text; our own messages are the only source, so that is a bug
 */
export function readUnits(text: string): bigint {
  const count = COUNTS.get(text);
  if (count !== undefined) return count;
  const match = PLAIN.exec(text);
  if (match === null || (match[3]?.length ?? 0) > SCALE)
    throw new RangeError(`no decimal: ${text}`);
  const units = BigInt(`${match[2] ?? ''}${(match[3] ?? '').padEnd(SCALE, '0')}`);
  return match[1] === '-' ? -units : units;
}

function toUnits(sign: string, whole: string, fraction: string): bigint | undefined {
  if (whole.length > INTEGER_DIGITS_MAX || fraction.length > SCALE) return undefined;
  const units = BigInt(whole + fraction.padEnd(SCALE, '0'));
  return sign === '-' ? -units : units;
}

/** Writes units of 10^-9 as the shortest plain decimal text; {@link parseDecimal} reads it back. */
export function formatDecimal(units: bigint): string {
  if (units % ONE === 0n) return (units / ONE).toString();
  const negative = units < 0n;
  const digits = (negative ? -units : units).toString().padStart(SCALE + 1, '0');
  const whole = digits.slice(0, -SCALE);
  const fraction = digits.slice(-SCALE).replace(/0+$/, '');
  return `${negative ? '-' : ''}${whole}.${fraction}`;
}
