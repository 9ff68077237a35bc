/**
 * Hours, days, weeks and months of a zone. A bucket is named by its start, in epoch milliseconds; it ends where the next
 * one starts, so buckets of a unit part all time among them.
 *
 * Two rules settle what clock changes leave open:
 *
 * - A day begins when the clock first shows its midnight or, where the change leaves midnight out, anything later. It
 *   does not end because the clock is set back: in St. John's of 2010, where 00:01 became 23:01, the new day goes on.
 *   Weeks and months begin with their first day, or with the first later one where a zone has left that day out.
 * - An hour begins when the clock shows a full hour, or comes into another hour by a change. So an hour that is shown
 *   twice is two hours. Where clocks are changed by half an hour (Lord Howe) the hours around are half an hour or one
 *   and a half:
 *
 *       forward  01:00 ───── 02:00→02:30 ── 03:00      01:00 lasts 60 min, 02:30 lasts 30
 *       back     01:00 ───── 02:00→01:30 ── 02:00      01:00 lasts 90 min
 */
import { indexAt, offsetMsOf, type ZoneRules } from './rules.ts';

export const LOCAL_UNITS = ['hour', 'day', 'week-monday', 'week-sunday', 'month'] as const;
export type LocalUnit = (typeof LOCAL_UNITS)[number];

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** No clock has been further from UTC: Manila had -15:56 until 1844, Juneau +15:02 until 1867. */
const OFFSET_MS_MAX = 16 * HOUR_MS;

/** The start of the local bucket that holds a time. */
export function startOf(rules: ZoneRules, unit: LocalUnit, ms: number): number {
  if (unit === 'hour') return startOfHour(rules, ms);
  const day = floorTo(latestShown(rules, ms), DAY_MS);
  return firstShowing(rules, firstDayOf(unit, day));
}

/** The local day that holds a time, as a time of UTC. */
export function dayOf(rules: ZoneRules, ms: number): number {
  return floorTo(latestShown(rules, ms), DAY_MS);
}

function firstDayOf(unit: Exclude<LocalUnit, 'hour'>, day: number): number {
  const date = new Date(day);
  switch (unit) {
    case 'day':
      return day;
    case 'week-monday':
      return day - ((date.getUTCDay() + 6) % 7) * DAY_MS;
    case 'week-sunday':
      return day - date.getUTCDay() * DAY_MS;
    case 'month':
      return day - (date.getUTCDate() - 1) * DAY_MS;
  }
}

function startOfHour(rules: ZoneRules, ms: number): number {
  let at = ms;
  for (let index = indexAt(rules, ms); ; index -= 1) {
    const offsetMs = offsetMsOf(rules, index);
    const start = floorTo(at + offsetMs, HOUR_MS) - offsetMs;
    const change = rules[index];
    if (index === 0 || change === undefined || start >= change.at) return start;
    // The clock was changed within this hour. The hour is older than that only if it was shown before.
    at = change.at - 1;
    const before = floorTo(at + offsetMsOf(rules, index - 1), HOUR_MS);
    if (before !== floorTo(change.at + offsetMs, HOUR_MS)) return change.at;
  }
}

/** The latest that the clock has shown up to a time: what it shows, unless it has been set back just now. */
function latestShown(rules: ZoneRules, ms: number): number {
  const now = indexAt(rules, ms);
  let latest = ms + offsetMsOf(rules, now);
  for (let index = now; index > 0; index -= 1) {
    const at = rules[index]?.at ?? 0;
    // What was shown before that is too long ago to be later.
    if (at < ms - 2 * OFFSET_MS_MAX) break;
    latest = Math.max(latest, at - 1 + offsetMsOf(rules, index - 1));
  }
  return latest;
}

/** When the clock first shows a local time or a later one. */
function firstShowing(rules: ZoneRules, local: number): number {
  for (let index = indexAt(rules, local - OFFSET_MS_MAX); ; index += 1) {
    const shown = local - offsetMsOf(rules, index);
    const at = index === 0 ? shown : Math.max(shown, rules[index]?.at ?? shown);
    const next = rules[index + 1];
    if (next === undefined || at < next.at) return at;
  }
}

function floorTo(ms: number, unitMs: number): number {
  return Math.floor(ms / unitMs) * unitMs;
}
