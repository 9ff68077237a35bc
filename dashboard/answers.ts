/** The panels of the page: each takes what is looked at and answers with numbers, ready to be shown. */
import { ZONE_YEARS, type Zones } from '../shared/zones/index.ts';
import { AddressError, type Days, type Unit, type View } from './address.ts';
import { isFiltered } from './conditions.ts';
import type { Database } from './database.ts';
import type { DimensionName } from './dimensions.ts';
import { addCounts, countsOf, type Figures, figuresOf, intoBuckets, NO_COUNTS } from './figures.ts';
import { bucketsBefore, type Pairs, pairsOfHours } from './pairs.ts';
import { type Parts, partsOf, partsOfDays, partsOfHours } from './parts.ts';
import {
  type Bucket,
  bucketIndex,
  bucketsOf,
  clockAt,
  type HourBucket,
  hoursOf,
  type Period,
  resolvePeriod,
  type Span,
  spanOf,
} from './period.ts';
import { type AskedProject, findProject } from './projects.ts';
import {
  type CountsRow,
  countedOf,
  countsByDay,
  countsByHour,
  countsIn,
  type EventList,
  type ListRow,
  listOf,
  oneByDay,
  visitorsBy,
} from './queries.ts';
import { type Revenue, revenueBy, revenueOf, type RevenueRow } from './revenue.ts';
import { type Before, beforeOf } from './so-far.ts';

export interface AnswerDeps {
  readonly database: Database;
  readonly zones: Zones;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** What every answer begins with: the days that were meant, so that a relative address is told in full. */
export interface Head {
  readonly project: string;
  readonly timeZone: string;
  readonly week: string;
  readonly current: Days;
  readonly previous: Days | null;
  /** The totals of before end here, as clocks show it, for those of now are not over yet; null: all of `previous`. */
  readonly previousUntil: string | null;
  /** Why there is no `previous`, where one was asked for: its rows are deleted, all or some. */
  readonly previousMissing: 'deleted' | null;
  /** The first day that is kept, where some of the days are not. */
  readonly keptFrom: string | null;
  /** Since when clocks are known as they were, where some of the days are older. */
  readonly clocksFrom: string | null;
  readonly unit: Unit;
  readonly today: string;
  /** `overview`: by the event; `visits`: the sessions that began in the range. */
  readonly countedBy: 'overview' | 'visits';
  /** RFC 3339, UTC. */
  readonly asOf: string;
  /** The same as clocks of the project show it: `2026-03-11 15:04 +01:00`. */
  readonly clock: string;
}

export interface Asked extends View {
  readonly period: Period;
  /** What was asked for, and what it is compared with, as instants. */
  readonly current: Span;
  readonly before: Before | undefined;
  readonly settings: AskedProject;
  readonly head: Head;
}

/** Puts an address into days of its project. @throws AddressError */
export async function resolveView(
  { database, zones, now }: AnswerDeps,
  view: View,
  signal?: AbortSignal,
): Promise<Asked> {
  const settings = await findProject(database, zones, view.project, signal);
  const { timeZone, keptFrom } = settings;
  const nowMs = now();
  const wanted = resolvePeriod(view, settings, zones, nowMs);
  const current = spanOf(wanted.current, timeZone, zones);
  const wantedBefore = beforeOf(wanted, timeZone, zones, nowMs);
  // Of days that are deleted, all or some, what is left is no number to compare with.
  const isKept = ({ starts, end }: Span) => (starts[0] ?? end) >= keptFrom;
  const isMissing = wantedBefore !== undefined && !isKept(wantedBefore.whole);
  const before = isMissing ? undefined : wantedBefore;
  const period = isMissing ? { ...wanted, previous: undefined } : wanted;
  const head: Head = {
    project: view.project,
    timeZone,
    week: settings.week,
    current: period.current,
    previous: period.previous ?? null,
    previousUntil: before?.until ?? null,
    previousMissing: isMissing ? 'deleted' : null,
    keptFrom: isMissing || !isKept(current) ? zones.localDay(timeZone, keptFrom * 1_000) : null,
    clocksFrom: (period.previous ?? period.current).from < CLOCKS_FROM ? CLOCKS_FROM : null,
    unit: period.unit,
    today: period.today,
    countedBy: isFiltered(view) ? 'visits' : 'overview',
    asOf: new Date(nowMs).toISOString(),
    clock: clockAt(nowMs, timeZone, zones),
  };
  return { ...view, ...{ period, settings, head, current, before } };
}

/** Older days are told by the offset of this one (shared/zones/view-years.ts). */
const CLOCKS_FROM = `${ZONE_YEARS.from}-01-01`;

export interface Totals extends Figures {
  readonly revenue: readonly { readonly currency: string; readonly total: string }[];
}

export interface Summary extends Head {
  readonly totals: Totals;
  readonly before: Totals | null;
}

/** The figures of the range, and of what it is compared with: as much of that as has passed of the range. */
export async function summarize(
  deps: AnswerDeps,
  asked: Asked,
  signal?: AbortSignal,
): Promise<Summary> {
  const { before } = asked;
  const [totals, totalsBefore] = await Promise.all([
    totalsOf(deps, asked, asked.current, visitorParts(asked), signal),
    before &&
      totalsOf(
        deps,
        asked,
        before.soFar,
        before.until === undefined ? visitorParts(asked, before) : undefined,
        signal,
      ),
  ]);
  return { ...asked.head, totals, before: totalsBefore ?? null };
}

/** The parts of the chart: asked for by them, visitors are one question for both, which runs once. */
function visitorParts(asked: Asked, before?: Before): Parts | undefined {
  const { unit } = asked.period;
  if (unit === 'hour') return undefined;
  const buckets = bucketsOfRange(asked, unit);
  return before === undefined
    ? partsOf(asked.current, buckets)
    : partsOf(before.whole, bucketsBefore(buckets, unit, asked.period).buckets);
}

const bucketsOfRange = (
  { current, settings: { week }, period: { today } }: Asked,
  unit: Exclude<Unit, 'hour'>,
): readonly Bucket[] => bucketsOf(current, unit, { week, today });

async function totalsOf(
  { database }: AnswerDeps,
  asked: Asked,
  span: Span,
  parts: Parts | undefined,
  signal?: AbortSignal,
): Promise<Totals> {
  const [counts, visitors, revenue] = await Promise.all([
    Promise.all(countsIn(asked, span).map((query) => database.rows<CountsRow>(query, signal))),
    database.rows<VisitorsRow>(visitorsBy(asked, span, parts), signal),
    database.rows<RevenueRow>(revenueBy(asked, span, partsOfDays(span)), signal),
  ]);
  const ofAll = visitors.find(({ bucket }) => bucket === '');
  const sum = counts.flat().reduce((all, row) => addCounts(all, countsOf(row)), NO_COUNTS);
  return {
    ...figuresOf(sum, Number(ofAll?.visitors ?? 0)),
    revenue: revenueOf(revenue, 1, () => 0).map(({ currency, total }) => ({ currency, total })),
  };
}

interface VisitorsRow {
  readonly bucket: string;
  readonly visitors: string | number;
}

/** One line of the chart: a value a bucket, of each measure. */
export interface Series {
  readonly buckets: readonly Bucket[];
  readonly points: readonly Figures[];
  readonly revenue: readonly Revenue[];
}

export interface Chart extends Head {
  readonly series: Series;
  readonly before: Series | null;
  /** What each point of `series` is compared with, as an index of `before`; none without one. */
  readonly pairs: Pairs;
}

/** The same figures by hour, day, week or month. */
export async function chart(deps: AnswerDeps, asked: Asked, signal?: AbortSignal): Promise<Chart> {
  const { current, before, period, head } = asked;
  if (period.unit === 'hour') {
    const { zones, now } = deps;
    const hoursIn = (span: Span) => hoursOf(span, asked.settings.timeZone, zones, now());
    const hours = hoursIn(current);
    const hoursBefore = before && hoursIn(before.whole);
    const [series, seriesBefore] = await Promise.all([
      seriesOfHours(deps, asked, current, hours, signal),
      before && hoursBefore && seriesOfHours(deps, asked, before.whole, hoursBefore, signal),
    ]);
    const pairs = pairsOfHours(hours, hoursBefore ?? [], period);
    return { ...head, series, before: seriesBefore ?? null, pairs };
  }
  const buckets = bucketsOfRange(asked, period.unit);
  const paired = bucketsBefore(buckets, period.unit, period);
  const [series, seriesBefore] = await Promise.all([
    seriesOfDays(deps, asked, current, buckets, signal),
    before && seriesOfDays(deps, asked, before.whole, paired.buckets, signal),
  ]);
  return { ...head, series, before: seriesBefore ?? null, pairs: paired.pairs };
}

async function seriesOfDays(
  { database }: AnswerDeps,
  asked: Asked,
  span: Span,
  buckets: readonly Bucket[],
  signal?: AbortSignal,
): Promise<Series> {
  const [counts, visitors, revenue] = await Promise.all([
    database.rows<CountsRow>(countsByDay(asked, span), signal),
    database.rows<VisitorsRow>(visitorsBy(asked, span, partsOf(span, buckets)), signal),
    database.rows<RevenueRow>(revenueBy(asked, span, partsOfDays(span)), signal),
  ]);
  const visitorsIn = new Map(visitors.map((row) => [row.bucket, Number(row.visitors)]));
  return {
    buckets,
    points: intoBuckets(counts, buckets).map((sums, index) =>
      figuresOf(sums, visitorsIn.get(buckets[index]?.key ?? '') ?? 0),
    ),
    revenue: revenueOf(revenue, buckets.length, (day) => bucketIndex(buckets, day)),
  };
}

async function seriesOfHours(
  { database }: AnswerDeps,
  asked: Asked,
  span: Span,
  buckets: readonly HourBucket[],
  signal?: AbortSignal,
): Promise<Series> {
  const hours = { starts: buckets.map(({ start }) => start), end: span.end };
  const [counts, revenue] = await Promise.all([
    database.rows<CountsRow & VisitorsRow>(countsByHour(asked, span, hours), signal),
    database.rows<RevenueRow>(revenueBy(asked, span, partsOfHours(hours)), signal),
  ]);
  const rowOf = new Map(counts.map((row) => [Number(row.bucket), row]));
  const indexOf = new Map(hours.starts.map((start, index) => [start, index]));
  return {
    buckets,
    points: hours.starts.map((start) => {
      const row = rowOf.get(start);
      return row === undefined
        ? figuresOf(NO_COUNTS, 0)
        : figuresOf(countsOf(row), Number(row.visitors));
    }),
    revenue: revenueOf(revenue, buckets.length, (bucket) => indexOf.get(Number(bucket)) ?? 0),
  };
}

export interface ListItem {
  readonly name: string;
  /** What the list is sorted by: sessions, page views or events. */
  readonly count: number;
  readonly visitors?: number;
  readonly bounceRate?: number | null;
  readonly conversions?: number;
}

export interface List extends Head {
  readonly items: readonly ListItem[];
  /** There are more than these. */
  readonly isCut: boolean;
}

/** @throws AddressError where a filter is on and the list cannot follow it */
export async function list(
  { database }: AnswerDeps,
  asked: Asked,
  name: DimensionName | EventList,
  limit: number,
  signal?: AbortSignal,
): Promise<List> {
  const span = asked.current;
  const answer = (items: readonly ListItem[]): List => ({
    ...asked.head,
    items: items.slice(0, limit),
    isCut: items.length > limit,
  });
  if (name === 'pages' || name === 'events') {
    refuseFilters(asked, name);
    const query = countedOf(asked, name, span, limit + 1);
    const rows = await database.rows<EventListRow>(query, signal);
    return answer(
      rows.map((row) => ({ name: row.name, count: Number(row.page_views ?? row.events ?? 0) })),
    );
  }
  const rows = await database.rows<ListRow>(listOf(asked, name, span, limit + 1), signal);
  return answer(
    rows.map((row) => {
      const sessions = Number(row.sessions);
      return {
        name: row.name,
        count: sessions,
        visitors: Number(row.visitors),
        bounceRate: sessions === 0 ? null : Number(row.bounced) / sessions,
        conversions: Number(row.conversions),
      };
    }),
  );
}

interface EventListRow {
  readonly name: string;
  readonly page_views?: string | number;
  readonly events?: string | number;
}

/** @throws AddressError */
export function refuseFilters(asked: Pick<View, 'filters'>, name: EventList): void {
  if (isFiltered(asked)) {
    throw new AddressError(
      `${name} are counted by the event, and cannot be told by what is known of the session; remove the filters to see them`,
    );
  }
}

interface Counts {
  readonly buckets: readonly Bucket[];
  readonly counts: readonly number[];
}

export interface OneOverTime extends Head, Counts {
  readonly before: Counts | null;
  /** As in {@link Chart}. */
  readonly pairs: Pairs;
}

/** The views of a page, or the events of a type, over time. By hour they are not kept by the views: days, then. */
export async function oneOverTime(
  { database }: AnswerDeps,
  asked: Asked,
  of: { readonly list: EventList; readonly name: string },
  signal?: AbortSignal,
): Promise<OneOverTime> {
  refuseFilters(asked, of.list);
  const { current, before, period } = asked;
  const unit = period.unit === 'hour' ? 'day' : period.unit;
  const buckets = bucketsOfRange(asked, unit);
  const paired = bucketsBefore(buckets, unit, period);
  const countsOfBuckets = async (span: Span, own: readonly Bucket[]): Promise<Counts> => {
    const rows = await database.rows<{ bucket: string; count: string | number }>(
      oneByDay(asked, span, of),
      signal,
    );
    const counts = own.map(() => 0);
    for (const row of rows) {
      const index = bucketIndex(own, row.bucket);
      counts[index] = (counts[index] ?? 0) + Number(row.count);
    }
    return { buckets: own, counts };
  };
  const [now, then] = await Promise.all([
    countsOfBuckets(current, buckets),
    before && countsOfBuckets(before.whole, paired.buckets),
  ]);
  return { ...asked.head, ...now, before: then ?? null, pairs: paired.pairs };
}
