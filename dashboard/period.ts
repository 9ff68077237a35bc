/**
 * From what an address asks for to days, and from days to the points of a chart, in the time zone of
 * the project: by the rules of the product (shared/zones), never by those of Node or of a browser.
 */
import type { Week } from '../shared/setting-rules.ts';
import type { Zones } from '../shared/zones/index.ts';
import { AddressError, type Comparison, type Days, type Preset, type Unit } from './address.ts';
import { daysFromTo, firstOfMonth, firstOfWeek, msOfDay, plusDays, plusMonths } from './days.ts';

/** What of a project's settings decides about days. */
export interface ProjectClock {
  readonly timeZone: string;
  readonly week: Week;
}

/** What was asked for, in days. */
export interface Period {
  readonly current: Days;
  readonly compare: Comparison;
  /** What it is compared with. */
  readonly previous: Days | undefined;
  readonly unit: Unit;
  /** Today's date in the project. */
  readonly today: string;
}

/** A point of a chart. */
export interface Bucket {
  /** `2026-03-01` for days, the first day (of those asked for) of weeks and months; of an hour its start. */
  readonly key: string;
  /** For people: `2026-10-25 02:00 +02:00`, `2026-10-25`, `2026-10`. */
  readonly label: string;
  /** Its last day; undefined for hours. */
  readonly to: string | undefined;
  /** Only a part of it lies in what was asked for. */
  readonly isPart: boolean;
  /** It has begun and is not over: its numbers still grow. */
  readonly isUnderWay: boolean;
  /** It has not begun yet. */
  readonly isAhead: boolean;
}

/** An hour, as an instant. */
export interface HourBucket extends Bucket {
  /** Epoch seconds. */
  readonly start: number;
}

/** Ten years of days, and more points than a chart has pixels. */
const DAYS_MAX = 3_660;
const POINTS_MAX = { hour: 14, day: 1_100, week: DAYS_MAX, month: DAYS_MAX } as const;
const MINUTE_MS = 60_000;

/** @throws AddressError where the range is longer than can be shown */
export function resolvePeriod(
  {
    range,
    compare,
    unit,
  }: {
    readonly range: Preset | Days;
    readonly compare: Comparison;
    readonly unit: Unit | undefined;
  },
  { timeZone, week }: ProjectClock,
  zones: Zones,
  nowMs: number,
): Period {
  const today = zones.localDay(timeZone, nowMs);
  const current = typeof range === 'string' ? daysOfPreset(range, today, week) : range;
  const days = daysFromTo(current.from, current.to);
  if (days > DAYS_MAX) throw new AddressError('from and to may be ten years apart at most');
  const chosen = unit ?? unitFor(days);
  if (days > POINTS_MAX[chosen]) {
    throw new AddressError(
      `unit=${chosen} is for ${POINTS_MAX[chosen]} days at most; choose a longer unit or a shorter range`,
    );
  }
  const previous = previousOf(current, days, compare);
  return { current, compare, previous, unit: chosen, today };
}

function daysOfPreset(preset: Preset, today: string, week: Week): Days {
  const last = (days: number) => ({ from: plusDays(today, 1 - days), to: today });
  switch (preset) {
    case 'today':
      return last(1);
    case 'yesterday':
      return { from: plusDays(today, -1), to: plusDays(today, -1) };
    case '7d':
      return last(7);
    case '30d':
      return last(30);
    case '90d':
      return last(90);
    case '12mo':
      return { from: plusDays(plusMonths(today, -12), 1), to: today };
    case 'week':
      return { from: firstOfWeek(today, week), to: today };
    case 'month':
      return { from: firstOfMonth(today), to: today };
    case 'last-month': {
      const first = plusMonths(firstOfMonth(today), -1);
      return { from: first, to: plusDays(firstOfMonth(today), -1) };
    }
    case 'year':
      return { from: `${today.slice(0, 4)}-01-01`, to: today };
  }
}

function unitFor(days: number): Unit {
  if (days <= 2) return 'hour';
  if (days <= 92) return 'day';
  return days <= 400 ? 'week' : 'month';
}

/** As many days, right before; or the same dates of the year before, which a 29th of February alone does not have. */
function previousOf({ from, to }: Days, days: number, compare: Comparison): Days | undefined {
  switch (compare) {
    case 'none':
      return undefined;
    case 'previous':
      return { from: plusDays(from, -days), to: plusDays(from, -1) };
    case 'year':
      if (from === to && from.endsWith('-02-29')) return undefined;
      return { from: plusMonths(from, -12), to: plusMonths(to, -12) };
  }
}

/** The days, weeks or months of a range. Weeks and months are cut where the range begins and ends. */
export function bucketsOf(
  { from, to }: Days,
  unit: Exclude<Unit, 'hour'>,
  { week, today }: { readonly week: Week; readonly today: string },
): readonly Bucket[] {
  const buckets: Bucket[] = [];
  for (let key = from; key <= to;) {
    const { first, next } = wholeBucket(key, unit, week);
    const last = next > to ? to : plusDays(next, -1);
    buckets.push({
      key,
      label: unit === 'month' ? first.slice(0, 7) : key,
      to: last,
      isPart: first !== key || next > plusDays(to, 1),
      isUnderWay: key <= today && today <= last,
      isAhead: key > today,
    });
    key = next;
  }
  return buckets;
}

/** The bucket that a day is in: the last one that begins no later. */
export function bucketIndex(buckets: readonly Pick<Bucket, 'key'>[], day: string): number {
  let low = 0;
  let high = buckets.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((buckets[middle]?.key ?? '') <= day) low = middle;
    else high = middle - 1;
  }
  return low;
}

function wholeBucket(day: string, unit: Exclude<Unit, 'hour'>, week: Week) {
  switch (unit) {
    case 'day':
      return { first: day, next: plusDays(day, 1) };
    case 'week': {
      const first = firstOfWeek(day, week);
      return { first, next: plusDays(first, 7) };
    }
    case 'month': {
      const first = firstOfMonth(day);
      return { first, next: plusMonths(first, 1) };
    }
  }
}

/** When a day of the project begins and when the next one does, epoch milliseconds. */
export function instantsOf({ from, to }: Days, timeZone: string, zones: Zones) {
  return {
    startMs: startOfDay(from, timeZone, zones),
    endMs: startOfDay(plusDays(to, 1), timeZone, zones),
  };
}

/** Days, with the instants that part them: what puts a time into its day without a look at the zone. */
export interface Span extends Days {
  /** When each of `days` begins, epoch seconds, ascending. */
  readonly starts: readonly number[];
  /** The days of the range, but for such as the zone has left out. */
  readonly days: readonly string[];
  /** When the day after the last begins, epoch seconds; where the last day is broken off, when it is. */
  readonly end: number;
  /** Where the last day is broken off: the days before it, and what there is of it. */
  readonly broken?: { readonly whole: Span; readonly rest: Span };
}

/** The days of a range in a time zone, as instants. */
export function spanOf({ from, to }: Days, timeZone: string, zones: Zones): Span {
  const dayAt = new Map<number, string>();
  for (let day = from; day <= to; day = plusDays(day, 1)) {
    // A day that was left out would begin with the next one, which then takes its place.
    dayAt.set(startOfDay(day, timeZone, zones) / 1_000, day);
  }
  const end = startOfDay(plusDays(to, 1), timeZone, zones) / 1_000;
  dayAt.delete(end);
  return { from, to, starts: [...dayAt.keys()], days: [...dayAt.values()], end };
}

/** Where a zone has left a day out, that is when the next one begins. */
export function startOfDay(day: string, timeZone: string, zones: Zones): number {
  const noon = msOfDay(day) + 12 * 60 * MINUTE_MS;
  const near = noon - zones.offsetAt(timeZone, noon) * 1_000;
  const start = zones.startOfLocal(timeZone, 'day', near);
  return zones.localDay(timeZone, start) < day
    ? startOfDay(plusDays(day, 1), timeZone, zones)
    : start;
}

/** The hours of a range: where clocks are set back there are two of one name, told apart by their offset. */
export function hoursOf(
  days: Days,
  timeZone: string,
  zones: Zones,
  nowMs: number,
): readonly HourBucket[] {
  const { startMs, endMs } = instantsOf(days, timeZone, zones);
  const hours: HourBucket[] = [];
  for (let at = startMs; at < endMs;) {
    const next = nextHour(at, timeZone, zones);
    const label = clockAt(at, timeZone, zones);
    hours.push({
      ...{ start: at / 1_000, key: label, label, to: undefined, isPart: false },
      isUnderWay: at <= nowMs && nowMs < next,
      isAhead: at > nowMs,
    });
    at = next;
  }
  return hours;
}

/** Hours begin at a quarter of an hour of UTC (docs/decisions/032). */
function nextHour(start: number, timeZone: string, zones: Zones): number {
  for (let at = start + 15 * MINUTE_MS; ; at += 15 * MINUTE_MS) {
    const hour = zones.startOfLocal(timeZone, 'hour', at);
    if (hour > start) return hour;
  }
}

/** What clocks of the zone show, and their offset, as the column `local_hour` has it: `2026-10-25 02:00 +02:00`. */
export function clockAt(ms: number, timeZone: string, zones: Zones): string {
  const offset = zones.offsetAt(timeZone, ms);
  const shown = new Date(ms + offset * 1_000).toISOString();
  const ahead = new Date(Math.abs(offset) * 1_000).toISOString().slice(11, 16);
  return `${shown.slice(0, 10)} ${shown.slice(11, 16)} ${offset < 0 ? '-' : '+'}${ahead}`;
}
