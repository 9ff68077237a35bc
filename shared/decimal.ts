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
const JSON_NUMBER = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,4}))?$/;

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

/**
 * Reads the text of a JSON number, exponent included (`1.5e3`): JSON writers choose that form freely,
 * so it says nothing about precision. Same limits and result as {@link parseDecimal}.
 */
export function parseJsonNumber(text: string): bigint | undefined {
  const match = JSON_NUMBER.exec(text);
  if (match === null) return undefined;
  const [, sign = '', whole = '', fraction = '', exponent] = match;
  if (exponent === undefined) return toUnits(sign, whole, fraction);

  const shift = Number(exponent);
  const digits = whole + fraction;
  const point = whole.length + shift;
  if (/^0*$/.test(digits)) return 0n;
  // Checked before anything is padded: an exponent must not decide how much memory is taken.
  if (Math.abs(shift) > 64) return undefined;
  const padded = digits.padStart(digits.length + Math.max(0, 1 - point), '0');
  const at = Math.max(1, point);
  const wholeShifted = padded
    .slice(0, at)
    .padEnd(at, '0')
    .replace(/^0+(?=\d)/, '');
  return toUnits(sign, wholeShifted, padded.slice(at).replace(/0+$/, ''));
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
