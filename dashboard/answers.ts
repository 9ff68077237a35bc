/** The panels of the page: each takes what is looked at and answers with numbers, ready to be shown. */
import type { Zones } from '../shared/zones/index.ts';
import { AddressError, type Days, type Unit, type View } from './address.ts';
import { isFiltered } from './conditions.ts';
import type { Database } from './database.ts';
import type { DimensionName } from './dimensions.ts';
import {
  addCounts,
  bucketIndex,
  countsOf,
  type Figures,
  figuresOf,
  intoBuckets,
  NO_COUNTS,
  type Revenue,
  revenueOf,
} from './figures.ts';
import {
  type Bucket,
  bucketsOf,
  hoursOf,
  type Period,
  resolvePeriod,
  type Span,
  spanOf,
} from './period.ts';
import { findProject, type ProjectOnPage } from './projects.ts';
import {
  type CountsRow,
  countedOf,
  countsByDay,
  countsByHour,
  type EventList,
  type Hours,
  type ListRow,
  listOf,
  oneByDay,
  revenueByDay,
  revenueByHour,
  type RevenueRow,
  visitorsBy,
} from './queries.ts';

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
  readonly unit: Unit;
  readonly today: string;
  /** `overview`: by the event; `visits`: the sessions that began in the range. */
  readonly countedBy: 'overview' | 'visits';
  /** RFC 3339, UTC. */
  readonly asOf: string;
}

export interface Asked extends View {
  readonly period: Period;
  /** What was asked for, and what it is compared with, as instants. */
  readonly current: Span;
  readonly previous: Span | undefined;
  readonly settings: ProjectOnPage;
  readonly head: Head;
}

/** Puts an address into days of its project. @throws AddressError */
export async function resolveView(
  { database, zones, now }: AnswerDeps,
  view: View,
  signal?: AbortSignal,
): Promise<Asked> {
  const settings = await findProject(database, zones, view.project, signal);
  const period = resolvePeriod(view, settings, zones, now());
  const head: Head = {
    project: view.project,
    timeZone: settings.timeZone,
    week: settings.week,
    current: period.current,
    previous: period.previous ?? null,
    unit: period.unit,
    today: period.today,
    countedBy: isFiltered(view) ? 'visits' : 'overview',
    asOf: new Date(now()).toISOString(),
  };
  const inZone = (days: Days) => spanOf(days, settings.timeZone, zones);
  return {
    ...view,
    ...{ period, settings, head },
    current: inZone(period.current),
    previous: period.previous && inZone(period.previous),
  };
}

export interface Totals extends Figures {
  readonly revenue: readonly { readonly currency: string; readonly total: string }[];
}

export interface Summary extends Head {
  readonly totals: Totals;
  readonly before: Totals | null;
}

/** The figures of the range, and of what it is compared with. */
export async function summarize(
  deps: AnswerDeps,
  asked: Asked,
  signal?: AbortSignal,
): Promise<Summary> {
  const { current, previous } = asked;
  const [totals, before] = await Promise.all([
    totalsOf(deps, asked, current, signal),
    previous === undefined ? null : totalsOf(deps, asked, previous, signal),
  ]);
  return { ...asked.head, totals, before };
}

async function totalsOf(
  { database }: AnswerDeps,
  asked: Asked,
  span: Span,
  signal?: AbortSignal,
): Promise<Totals> {
  const { unit } = asked.period;
  const [counts, visitors, revenue] = await Promise.all([
    database.rows<CountsRow>(countsByDay(asked, span), signal),
    // The question of the chart, which runs once for both.
    database.rows<VisitorsRow>(
      visitorsBy(asked, span, unit === 'hour' ? undefined : unit, asked.settings.week),
      signal,
    ),
    database.rows<RevenueRow>(revenueByDay(asked, span), signal),
  ]);
  const ofAll = visitors.find(({ bucket }) => bucket === '');
  const sum = counts.reduce((all, row) => addCounts(all, countsOf(row)), NO_COUNTS);
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
}

/** The same figures by hour, day, week or month. */
export async function chart(deps: AnswerDeps, asked: Asked, signal?: AbortSignal): Promise<Chart> {
  const { current, previous } = asked;
  const [series, before] = await Promise.all([
    seriesOf(deps, asked, current, signal),
    previous === undefined ? null : seriesOf(deps, asked, previous, signal),
  ]);
  return { ...asked.head, series, before };
}

function seriesOf(
  deps: AnswerDeps,
  asked: Asked,
  span: Span,
  signal?: AbortSignal,
): Promise<Series> {
  const { unit } = asked.period;
  return unit === 'hour'
    ? seriesOfHours(deps, asked, span, signal)
    : seriesOfDays(deps, asked, span, unit, signal);
}

async function seriesOfDays(
  { database }: AnswerDeps,
  asked: Asked,
  span: Span,
  unit: Exclude<Unit, 'hour'>,
  signal?: AbortSignal,
): Promise<Series> {
  const { week } = asked.settings;
  const buckets = bucketsOf(span, unit, { week, today: asked.period.today });
  const [counts, visitors, revenue] = await Promise.all([
    database.rows<CountsRow>(countsByDay(asked, span), signal),
    database.rows<VisitorsRow>(visitorsBy(asked, span, unit, week), signal),
    database.rows<RevenueRow>(revenueByDay(asked, span), signal),
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
  { database, zones, now }: AnswerDeps,
  asked: Asked,
  span: Span,
  signal?: AbortSignal,
): Promise<Series> {
  const buckets = hoursOf(span, asked.settings.timeZone, zones, now());
  const hours: Hours = { starts: buckets.map(({ start }) => start), end: span.end };
  const [counts, revenue] = await Promise.all([
    database.rows<CountsRow & VisitorsRow>(countsByHour(asked, span, hours), signal),
    database.rows<RevenueRow>(revenueByHour(asked, span, hours), signal),
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
}

/** The views of a page, or the events of a type, over time. By hour they are not kept by the views: days, then. */
export async function oneOverTime(
  { database }: AnswerDeps,
  asked: Asked,
  of: { readonly list: EventList; readonly name: string },
  signal?: AbortSignal,
): Promise<OneOverTime> {
  refuseFilters(asked, of.list);
  const { current, previous } = asked;
  const { unit, today } = asked.period;
  const { week } = asked.settings;
  const ofDays = async (span: Span): Promise<Counts> => {
    const buckets = bucketsOf(span, unit === 'hour' ? 'day' : unit, { week, today });
    const rows = await database.rows<{ bucket: string; count: string | number }>(
      oneByDay(asked, span, of),
      signal,
    );
    const counts = buckets.map(() => 0);
    for (const row of rows) {
      const index = bucketIndex(buckets, row.bucket);
      counts[index] = (counts[index] ?? 0) + Number(row.count);
    }
    return { buckets, counts };
  };
  const [now, before] = await Promise.all([
    ofDays(current),
    previous === undefined ? null : ofDays(previous),
  ]);
  return { ...asked.head, ...now, before };
}
