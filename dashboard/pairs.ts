/**
 * What each point of a chart is compared with, by where it stands in the calendar and not by how many there are before
 * it: a day with the day as far from the start, or with the same date; an hour with the hour of the same name on that
 * day; a week or a month with the same days of the period before.
 *
 *     Mar 1–31 over Jan 29–Feb 28:  March  ↔  Jan 29–Feb 28   (and not January's three days)
 *     a day without 02:00:          01:00 ↔ 01:00, 03:00 ↔ 03:00, and nothing ↔ 02:00
 */
import type { Unit } from './address.ts';
import { daysFromTo, plusDays, plusMonths } from './days.ts';
import type { Bucket, HourBucket, Period } from './period.ts';

/** By bucket of what was asked for: the index of the one that it is compared with; null: there is none. */
export type Pairs = readonly (number | null)[];

type Compared = Pick<Period, 'current' | 'previous' | 'compare' | 'today'>;

/** The days, weeks or months of what is compared with, and which is whose. */
export function bucketsBefore(
  buckets: readonly Bucket[],
  unit: Exclude<Unit, 'hour'>,
  period: Compared,
): { readonly buckets: readonly Bucket[]; readonly pairs: Pairs } {
  const { previous, today } = period;
  if (previous === undefined) return { buckets: [], pairs: buckets.map(() => null) };
  const bucketOf = (key: string, to: string): Bucket => ({
    ...{ key, to, label: unit === 'month' ? key.slice(0, 7) : key, isPart: false },
    isUnderWay: key <= today && today <= to,
    isAhead: key > today,
  });
  if (unit === 'day') {
    const days = daysOf(previous.from, previous.to);
    const indexOf = new Map(days.map((day, index) => [day, index]));
    return {
      buckets: days.map((day) => bucketOf(day, day)),
      pairs: buckets.map(({ key }) => indexOf.get(partnerOf(key, period) ?? '') ?? null),
    };
  }
  const before: Bucket[] = [];
  const pairs = buckets.map(({ key }, index) => {
    const next = buckets[index + 1]?.key;
    const from = index === 0 ? previous.from : boundaryOf(key, period);
    const to = next === undefined ? previous.to : plusDays(boundaryOf(next, period), -1);
    return from > to ? null : before.push(bucketOf(from, to)) - 1;
  });
  return { buckets: before, pairs };
}

/** Which hour of the period before each hour is compared with. Of two hours of one name the second is that of a second one. */
export function pairsOfHours(
  hours: readonly HourBucket[],
  before: readonly HourBucket[],
  period: Compared,
): Pairs {
  const indexOf = new Map(namesOf(before, (day) => day).map((name, index) => [name, index]));
  return namesOf(hours, (day) => partnerOf(day, period)).map((name) => indexOf.get(name) ?? null);
}

/** Day, hour and how many of that name the day has had; by the hour alone, for clocks are changed by half an hour too. */
function namesOf(
  hours: readonly HourBucket[],
  dayOf: (day: string) => string | undefined,
): string[] {
  const seen = new Map<string, number>();
  return hours.map(({ label }) => {
    const name = `${dayOf(label.slice(0, 10)) ?? ''} ${label.slice(11, 13)}`;
    const times = (seen.get(name) ?? 0) + 1;
    seen.set(name, times);
    return `${name} ${times}`;
  });
}

/** The day that a day is compared with. The 29th of February has none in most years. */
function partnerOf(day: string, { current, previous, compare }: Compared): string | undefined {
  if (previous === undefined) return undefined;
  if (compare !== 'year') return plusDays(previous.from, daysFromTo(current.from, day) - 1);
  const partner = plusMonths(day, -12);
  return partner.slice(5) === day.slice(5) ? partner : undefined;
}

/** Where what begins with a day begins in the period before: with that day, or where there is no such date with the next. */
export function boundaryOf(day: string, period: Compared): string {
  return partnerOf(day, period) ?? plusDays(plusMonths(day, -12), 1);
}

function daysOf(from: string, to: string): string[] {
  return Array.from({ length: daysFromTo(from, to) }, (_, index) => plusDays(from, index));
}
