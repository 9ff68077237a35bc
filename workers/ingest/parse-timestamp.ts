/** Event times: RFC 3339 texts, or epoch milliseconds as a JSON number. */
import { wholeOfJsonNumber } from '../../shared/decimal.ts';

const RFC_3339 =
  /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:([Zz])|([+-])(\d{2}):(\d{2}))$/;

/**
 * Epoch milliseconds of a time; digits below the millisecond are cut.
 * @param digits those that a number came with
 * @returns undefined for anything that is no RFC 3339 text (section 5.6, real calendar days only)
 *   and no finite number
 */
export function parseTimestamp(
  value: unknown,
  digits: { ofTimestamp(): string },
): number | undefined {
  if (typeof value === 'number') {
    return Number.isFinite(value) ? wholeOfJsonNumber(digits.ofTimestamp()) : undefined;
  }
  if (typeof value !== 'string') return undefined;
  const match = RFC_3339.exec(value);
  if (match === null) return undefined;
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  const offset = offsetMinutes(match[9], Number(match[10]), Number(match[11]));
  if (offset === undefined || hour > 23 || minute > 59 || second > 60) return undefined;
  if (month < 1 || month > 12 || day < 1 || day > daysIn(year, month)) return undefined;
  const ms = Number((match[7] ?? '').slice(0, 3).padEnd(3, '0'));
  // Date.UTC reads the years 0 to 99 as 1900 to 1999; so many days are in 400 years.
  return (
    Date.UTC(year + 400, month - 1, day, hour, minute - offset, second, ms) - 146_097 * 86_400_000
  );
}

function offsetMinutes(
  sign: string | undefined,
  hours: number,
  minutes: number,
): number | undefined {
  if (sign === undefined) return 0;
  if (hours > 23 || minutes > 59) return undefined;
  return (hours * 60 + minutes) * (sign === '-' ? -1 : 1);
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] as const;

function daysIn(year: number, month: number): number {
  const isLeap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  return month === 2 && isLeap ? 29 : (DAYS[month - 1] ?? 0);
}
