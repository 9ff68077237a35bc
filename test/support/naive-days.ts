/**
 * Overviews counted a second time, event by event and as naively as possible. Local days are those of the fixture, which Python
 * has counted; local hours are found by walking back minute by minute. Shares nothing with the views.
 */
import { readFileSync } from 'node:fs';
import type { ReferenceEvent, ReferenceSession } from './reference.ts';
import { unitsOf } from './reference.ts';

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** The first day of the fixture. */
const FIRST_DAY = Date.UTC(2024, 0, 1);

/** Starts of the local days of 2024 to 2027 by zone, epoch milliseconds. */
export function readDayStarts(): Map<string, number[]> {
  const text = readFileSync(new URL('../fixtures/local-days.txt', import.meta.url), 'utf8');
  const starts = new Map<string, number[]>();
  for (const line of text.trim().split('\n').slice(1)) {
    const [names = '', first = '', ...runs] = line.split(' ');
    const own = [Number(first) * 1_000];
    for (const run of runs) {
      const [times = 0, seconds = 0] = run.split('x').map(Number);
      for (let n = 0; n < times; n += 1) own.push((own.at(-1) ?? 0) + seconds * 1_000);
    }
    for (const name of names.split(',')) starts.set(name, own);
  }
  return starts;
}

export type DayOf = (at: number) => string;

/** `YYYY-MM-DD` */
export function dayOfStarts(starts: readonly number[]): DayOf {
  return (at) => {
    const number = starts.findLastIndex((start) => start <= at);
    return new Date(FIRST_DAY + number * DAY_MS).toISOString().slice(0, 10);
  };
}

/** Start of the local hour: the last minute with which the clock showed a full hour or came into another. */
export function hourOfOffsets(offsetAt: (at: number) => number): (at: number) => number {
  const shown = (at: number) => new Date(at + offsetAt(at) * 1_000);
  return (at) => {
    let minute = at - (at % MINUTE_MS);
    while (
      shown(minute).getUTCMinutes() !== 0 &&
      shown(minute).getUTCHours() === shown(minute - MINUTE_MS).getUTCHours()
    ) {
      minute -= MINUTE_MS;
    }
    return minute;
  };
}

export const MONDAY = 1;
export const SUNDAY = 0;

/** The day that a week begins with. */
export function weekOf(day: string, firstWeekday: number): string {
  let at = Date.parse(day);
  while (new Date(at).getUTCDay() !== firstWeekday) at -= DAY_MS;
  return new Date(at).toISOString().slice(0, 10);
}

/** A session, with what it consists of. */
export interface NaiveVisit {
  readonly id: string;
  readonly events: readonly ReferenceEvent[];
  readonly session: ReferenceSession;
  readonly isNew: boolean | undefined;
}

/** Sums by column; money and seconds in units of 10^-9. */
export type NaiveRow = Record<string, bigint>;

export const COLUMNS = [
  ...['visitors', 'sessions', 'new_users', 'returning_users', 'converted', 'page_views', 'events'],
  ...['conversions', 'revenue', 'sessions_by_last_event', 'bounced', 'engaged'],
  ...['duration_seconds', 'session_page_views'],
] as const;

/** The rows of an overview, by bucket. */
export function naiveOverview(
  visits: readonly NaiveVisit[],
  bucketOf: (at: number) => string,
): Map<string, NaiveRow> {
  const rows = new Map<string, NaiveRow>();
  const visitors = new Map<string, Set<string>>();
  const add = (at: number, isBot: boolean, column: string, amount = 1n) => {
    const bucket = bucketOf(at);
    const row = rows.get(bucket) ?? {};
    rows.set(bucket, row);
    for (const name of isBot ? [column, `bot_${column}`] : [column]) {
      row[name] = (row[name] ?? 0n) + amount;
    }
  };
  const addVisitor = (at: number, isBot: boolean, visitor: string) => {
    for (const name of isBot ? ['visitors', 'bot_visitors'] : ['visitors']) {
      const key = `${bucketOf(at)} ${name}`;
      visitors.set(key, (visitors.get(key) ?? new Set()).add(visitor));
    }
  };
  for (const visit of visits) {
    const { session: s, events } = visit;
    const isBot = s.attributes['bot'] !== undefined;
    const first = s.firstEventAt;
    const last = s.lastEventAt;
    addVisitor(first, isBot, visitorOf(visit));
    add(first, isBot, 'sessions');
    if (visit.isNew !== undefined) {
      add(first, false, visit.isNew ? 'new_users' : 'returning_users');
    }
    if (s.conversions > 0) add(first, isBot, 'converted');
    add(last, isBot, 'sessions_by_last_event');
    if (s.bounced) add(last, isBot, 'bounced');
    if (s.engaged) add(last, isBot, 'engaged');
    add(last, isBot, 'duration_seconds', BigInt(last - first) * 1_000_000n);
    add(last, isBot, 'session_page_views', BigInt(s.pageViews));
    for (const event of events) {
      const { at, isOfBot, isView, isConversion, isCounted, revenue } = readEvent(event);
      if (isView) add(at, isOfBot, 'page_views');
      if (isCounted) add(at, isOfBot, 'events');
      if (isConversion) add(at, isOfBot, 'conversions');
      if (isConversion && revenue !== 0n) add(at, isOfBot, 'revenue', revenue);
    }
  }
  for (const [key, seen] of visitors) {
    const [bucket = '', name = ''] = key.split(/ (?=\w+$)/);
    const row = rows.get(bucket);
    if (row !== undefined) row[name] = BigInt(seen.size);
  }
  return rows;
}

/** By visitor id, else user id, else the session itself. */
export function visitorOf({ id, session: { attributes } }: NaiveVisit): string {
  const { visitorId, userId } = attributes;
  return visitorId !== undefined
    ? `v ${visitorId}`
    : userId !== undefined
      ? `u ${userId}`
      : `s ${id}`;
}

/** What of an event counts where. */
export function readEvent({ timestamp, eventType, properties = {} }: ReferenceEvent): {
  readonly at: number;
  readonly isOfBot: boolean;
  readonly isView: boolean;
  readonly isConversion: boolean;
  readonly isCounted: boolean;
  readonly revenue: bigint;
  readonly currency: string;
  readonly conversionType: string;
  readonly path: string;
} {
  const isConversion = ['purchase', 'conversion'].includes(eventType);
  return {
    at: new Date(timestamp).getTime(),
    isOfBot: properties['bot'] !== undefined,
    isView: eventType === 'pageview',
    isConversion,
    isCounted: isConversion || eventType === 'signup',
    revenue: unitsOf(String(properties['revenue'] ?? '')),
    currency: String(properties['currency'] ?? ''),
    conversionType: String(properties['conversionType'] ?? ''),
    path: String(properties['path'] ?? ''),
  };
}
