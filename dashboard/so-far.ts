/**
 * A period that is not over is compared with as much of the one before: today until 15:20 with yesterday until 15:15.
 * Times are cut to quarters of an hour, by which events are kept (docs/decisions/034), and which every offset is made of.
 */
import type { Zones } from '../shared/zones/index.ts';
import { plusDays } from './days.ts';
import { boundaryOf } from './pairs.ts';
import { clockAt, type Period, type Span, spanOf, startOfDay } from './period.ts';

/** What a period is compared with. */
export interface Before {
  /** All of it. */
  readonly whole: Span;
  /** As much of it as has passed of the period itself. */
  readonly soFar: Span;
  /** Where `soFar` ends, as clocks show it: `2026-03-10 15:15 +01:00`; undefined: it is all of it. */
  readonly until: string | undefined;
}

const QUARTER_MS = 15 * 60_000;

/** @param nowMs epoch milliseconds */
export function beforeOf(
  period: Period,
  timeZone: string,
  zones: Zones,
  nowMs: number,
): Before | undefined {
  const { current, previous, today } = period;
  if (previous === undefined) return undefined;
  const whole = spanOf(previous, timeZone, zones);
  const day = boundaryOf(today, period);
  // A 29th of February that ends the range has no date in the year before: all of the dates before it are over there.
  const isAllOver = today < current.from || current.to < today || previous.to < day;
  if (isAllOver) return { whole, soFar: whole, until: undefined };
  const lastQuarter = nowMs - (nowMs % QUARTER_MS);
  const shown = clockAt(lastQuarter, timeZone, zones);
  // Where the day began within the quarter, the clock still shows yesterday.
  const clock = shown.slice(0, 10) < today ? '00:00' : shown.slice(11, 16);
  const untilMs = whenShown(day, clock, timeZone, zones);
  return {
    whole,
    soFar: cutAt(whole, day, untilMs / 1_000),
    until: clockAt(untilMs, timeZone, zones),
  };
}

/** When the clocks of a day first show a time or a later one. */
function whenShown(day: string, clock: string, timeZone: string, zones: Zones): number {
  const end = startOfDay(plusDays(day, 1), timeZone, zones);
  for (let at = startOfDay(day, timeZone, zones); at < end; at += QUARTER_MS) {
    const shown = clockAt(at, timeZone, zones);
    if (shown.slice(0, 10) === day && shown.slice(11, 16) >= clock) return at;
  }
  return end;
}

/** The days before a day, and the day itself until an instant. */
function cutAt({ from, days, starts }: Span, day: string, until: number): Span {
  const before = days.filter((one) => one < day).length;
  const start = starts[before] ?? until;
  return {
    ...{ from, to: day, end: until },
    days: days.slice(0, before + 1),
    starts: starts.slice(0, before + 1),
    broken: {
      whole: {
        from,
        to: plusDays(day, -1),
        days: days.slice(0, before),
        starts: starts.slice(0, before),
        end: start,
      },
      rest: { from: day, to: day, days: [day], starts: [start], end: until },
    },
  };
}
