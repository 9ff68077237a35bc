/**
 * The questions of the page, as queries. Pure: from what is looked at to SQL and its parameters.
 *
 * Two sources, one rule. Without a filter the numbers are those of the overview views, so that the page
 * says what `overview_daily` says: page views, conversions and revenue by the event, bounced and engaged
 * by the session's last event. With a filter everything is read as the view `visits` has it: the sessions
 * that began on a day, and all that became of them, as in `channels_daily` and its like. Both are the same
 * but for sessions that are under way when the range begins or ends (docs/dashboard.md).
 *
 * What the page counts of sessions it reads from the table, by the instants of its days, and sums of events
 * from views that read no sessions: the same numbers with less to read (docs/decisions/041).
 *
 * Visitors of more than a bucket are always counted anew: they cannot be added up.
 */
import type { Audience, Unit } from './address.ts';
import {
  isFiltered,
  nameOfPart,
  ofAudience,
  PART,
  type Query,
  type Scope,
  SESSIONS,
  sessionsIn,
  valueOf,
  visitorsOf,
} from './conditions.ts';
import { firstOfMonth, firstOfWeek } from './days.ts';
import type { DimensionName } from './dimensions.ts';
import type { Span } from './period.ts';
import type { Week } from '../shared/setting-rules.ts';

/** Counts of a bucket, as ClickHouse answers. Numbers of 64 bits come as texts or numbers. */
export interface CountsRow {
  /** A day; the start of an hour in epoch seconds. */
  readonly bucket: string;
  readonly sessions: string | number;
  readonly page_views: string | number;
  readonly conversions: string | number;
  /** What the rates and the duration are shares of. */
  readonly ended: string | number;
  readonly bounced: string | number;
  readonly engaged: string | number;
  /** A decimal. */
  readonly seconds: string;
}

/** An instant of the range, by hour. */
export interface Hours {
  /** Epoch seconds of each hour's start, ascending. */
  readonly starts: readonly number[];
  /** Epoch seconds of the end of the last one. */
  readonly end: number;
}

const ofView = (column: string, audience: Audience): string => {
  switch (audience) {
    case 'people':
      return `o.${column} - o.bot_${column}`;
    case 'bots':
      return `o.bot_${column}`;
    case 'everyone':
      return `o.${column}`;
  }
};

const overviewColumns = (audience: Audience): string =>
  [
    ['sessions', 'sessions'],
    ['page_views', 'page_views'],
    ['conversions', 'conversions'],
    ['sessions_by_last_event', 'ended'],
    ['bounced', 'bounced'],
    ['engaged', 'engaged'],
  ]
    .map(([column = '', name = '']) => `${ofView(column, audience)} AS ${name}`)
    .concat(`toString(${ofView('duration_seconds', audience)}) AS seconds`)
    .join(', ');

/**
 * The same out of hours of `metrics`, as `totals_daily` has it: what it says of all is under no dimension,
 * and what bots have of it once more under their own (docs/decisions/033).
 */
const metricColumns = (audience: Audience): string => {
  const sums = (measure: 'count' | 'value', metric: string): string => {
    const of = (dimension: string) =>
      `sumIf(m.${measure}, m.metric_type = '${metric}' AND m.dimension = '${dimension}')`;
    return ofRows(of, '', 'audience', audience);
  };
  const conversions = (dimension: string) =>
    `sumIf(m.count, m.dimension = '${dimension}' AND m.dimension_value IN ('purchase', 'conversion'))`;
  return [
    `${sums('count', 'sessions')} AS sessions`,
    `${sums('count', 'page_views')} AS page_views`,
    `${ofRows(conversions, 'event_type', 'bot:event_type', audience)} AS conversions`,
    `${sums('count', 'bounce_rate')} AS ended`,
    `toInt64(${sums('value', 'bounce_rate')}) AS bounced`,
    `${sums('count', 'engaged_sessions')} AS engaged`,
    `toString(${sums('value', 'avg_session_duration')}) AS seconds`,
  ].join(', ');
};

function ofRows(
  of: (dimension: string) => string,
  all: string,
  bots: string,
  audience: Audience,
): string {
  switch (audience) {
    case 'people':
      return `${of(all)} - ${of(bots)}`;
    case 'bots':
      return of(bots);
    case 'everyone':
      return of(all);
  }
}

const IN_HOURS = `m.granularity = 'hour' AND m.bucket >= toDateTime({start:Int64}, 'UTC')
    AND m.bucket < toDateTime({end:Int64}, 'UTC')`;

const SESSION_METRICS = ['sessions', 'page_views', 'bounce_rate', 'engaged_sessions']
  .concat('avg_session_duration')
  .map((metric) => `('${metric}', ''), ('${metric}', 'audience')`);

const TOTALS = `sojourn.metrics AS m
  WHERE m.project = {project:String} AND ${IN_HOURS} AND (m.metric_type, m.dimension) IN (
    ${SESSION_METRICS.join(', ')}, ('event_count', 'event_type'), ('event_count', 'bot:event_type'))`;

/** Which part of the range a bucket begins in; see {@link PART}. */
const BUCKET_PART = 'roundDown(toInt64(toUnixTimestamp(m.bucket)), {starts:Array(Int64)})';

const visitColumns = (audience: Audience): string => {
  const fits = ofAudience(audience);
  return [
    `countIf(${fits}) AS sessions`,
    `sumIf(v.page_views, ${fits}) AS page_views`,
    `sumIf(v.conversions, ${fits}) AS conversions`,
    `countIf(${fits}) AS ended`,
    `countIf(${fits} AND v.bounced) AS bounced`,
    `countIf(${fits} AND v.engaged) AS engaged`,
    `toString(sumIf(v.duration_seconds, ${fits})) AS seconds`,
  ].join(', ');
};

/** Counts by day: one row a day that has any. */
export function countsByDay(scope: Scope, span: Span): Query {
  const { project, audience } = scope;
  if (isFiltered(scope)) return byPart(scope, span, partsBy(span), visitColumns(audience));
  if (isOfWholeHours(span)) {
    return {
      sql: `SELECT ${nameOfPart('part')} AS bucket, * EXCEPT part FROM (
          SELECT ${BUCKET_PART} AS part, ${metricColumns(audience)} FROM ${TOTALS} GROUP BY part
        ) ORDER BY part`,
      params: { project, ...boundsOf(span), ...partsBy(span) },
    };
  }
  return {
    sql: `SELECT toString(o.day) AS bucket, ${overviewColumns(audience)}
      FROM sojourn.totals_daily AS o
      WHERE o.project = {project:String} AND o.day BETWEEN {from:Date} AND {to:Date} ORDER BY o.day`,
    params: { project, from: span.from, to: span.to },
  };
}

/** Whether all its days begin with an hour of UTC, by which metrics are kept. */
function isOfWholeHours({ starts, end }: Span): boolean {
  return [...starts, end].every((at) => at % 3_600 === 0);
}

/** Counts and visitors by hour: `visitors` beside the columns of {@link CountsRow}. */
export function countsByHour(scope: Scope, span: Span, hours: Hours): Query {
  if (isFiltered(scope)) {
    const columns = `${visitColumns(scope.audience)}, ${visitorsOf(scope.audience)} AS visitors`;
    return byPart(scope, span, partsOfHours(hours), columns);
  }
  return {
    sql: `SELECT toString(toUnixTimestamp(o.hour)) AS bucket, ${overviewColumns(scope.audience)},
        ${ofView('visitors', scope.audience)} AS visitors
      FROM sojourn.overview_hourly AS o
      WHERE o.project = {project:String} AND o.hour >= toDateTime({start:UInt32}, 'UTC')
        AND o.hour < toDateTime({end:UInt32}, 'UTC')
      ORDER BY o.hour`,
    params: { project: scope.project, start: hours.starts[0], end: hours.end },
  };
}

/** Parts of a range: when each begins, and what it is called. */
interface Parts {
  /** Epoch seconds, ascending. */
  readonly starts: readonly number[];
  readonly names: readonly string[];
}

/** Days; or weeks or months, called by their first day that is in the range, as bucketsOf() names them. */
function partsBy(span: Span, unit: Exclude<Unit, 'hour'> = 'day', week: Week = 'monday'): Parts {
  const startOf = new Map<string, number>();
  for (const [index, day] of span.days.entries()) {
    const first =
      unit === 'day' ? day : unit === 'week' ? firstOfWeek(day, week) : firstOfMonth(day);
    const name = first < span.from ? span.from : first;
    if (!startOf.has(name)) startOf.set(name, span.starts[index] ?? span.end);
  }
  // Of days that the zone has left out there is no part, but the query needs one.
  if (startOf.size === 0) startOf.set('', span.end);
  return { starts: [...startOf.values()], names: [...startOf.keys()] };
}

/** Hours, which are given, so that no zone of ClickHouse's own decides. */
function partsOfHours({ starts }: Hours): Parts {
  return { starts, names: starts.map(String) };
}

/** Sessions by the part of the range that they began in; one row a part that has any. */
function byPart(scope: Scope, span: Span, parts: Parts, columns: string): Query {
  const { sql, params } = sessionsIn(scope, span);
  return {
    sql: `SELECT ${nameOfPart('part')} AS bucket, * EXCEPT part FROM (
        SELECT ${PART} AS part, ${columns} FROM ${SESSIONS} WHERE ${sql} GROUP BY part
      ) ORDER BY part`,
    params: { ...params, ...parts },
  };
}

/** Visitors of each bucket, and of all of it in the row whose bucket is empty. */
export function visitorsBy(
  scope: Scope,
  span: Span,
  unit: Exclude<Unit, 'hour'> | undefined,
  week: Week,
): Query {
  const { sql, params } = sessionsIn(scope, span);
  const visitors = visitorsOf(scope.audience);
  const from = `FROM ${SESSIONS} WHERE ${sql}`;
  if (unit === undefined)
    return { sql: `SELECT '' AS bucket, ${visitors} AS visitors ${from}`, params };
  return {
    sql: `SELECT if(is_all, '', ${nameOfPart('part')}) AS bucket, visitors FROM (
        SELECT ${PART} AS part, grouping(part) = 1 AS is_all, ${visitors} AS visitors ${from}
        GROUP BY GROUPING SETS ((part), ())
      ) ORDER BY bucket`,
    params: { ...params, ...partsBy(span, unit, week) },
  };
}

export interface RevenueRow {
  readonly bucket: string;
  readonly currency: string;
  /** A decimal. */
  readonly revenue: string;
}

const BY_CURRENCY = `ARRAY JOIN CAST(v.revenue_by_currency, 'Array(Tuple(String, Decimal(38, 9)))') AS entry`;
const CURRENCY = `if(entry.1 = '', '(none)', entry.1)`;

/**
 * Revenue by day and currency. The view does not tell people from bots: what sessions of bots have is
 * taken off it, or is all there is to see.
 */
export function revenueByDay(scope: Scope, span: Span): Query {
  const { project, audience } = scope;
  const { sql, params } = sessionsIn(scope, span);
  const ofSessions = (condition: string, sign: '' | '-') =>
    `SELECT ${nameOfPart('v.part')} AS day, ${CURRENCY} AS currency, ${sign}entry.2 AS amount
     FROM (SELECT ${PART} AS part, revenue_by_currency FROM ${SESSIONS} WHERE ${sql} AND ${condition}) AS v ${BY_CURRENCY}`;
  const ofView = `SELECT toString(r.day) AS day, r.currency AS currency, r.revenue AS amount FROM sojourn.revenue_daily AS r
     WHERE r.project = {project:String} AND r.day BETWEEN {from:Date} AND {to:Date}`;
  const days = { from: span.from, to: span.to };
  const [parts, needed] =
    isFiltered(scope) || audience === 'bots'
      ? [[ofSessions(ofAudience(audience), '')], { ...params, ...partsBy(span) }]
      : audience === 'people'
        ? [[ofView, ofSessions('v.bot', '-')], { ...params, ...days, ...partsBy(span) }]
        : [[ofView], { project, ...days }];
  return {
    sql: `SELECT day AS bucket, currency, toString(sum(amount)) AS revenue
      FROM (${parts.join(' UNION ALL ')}) GROUP BY day, currency HAVING sum(amount) != 0 ORDER BY day, currency`,
    params: needed,
  };
}

/** Revenue by hour and currency, of the sessions that began in the hour. */
export function revenueByHour(scope: Scope, span: Span, hours: Hours): Query {
  const { sql, params } = byPart(
    scope,
    span,
    partsOfHours(hours),
    `sumMapIf(v.revenue_by_currency, ${ofAudience(scope.audience)}) AS revenues`,
  );
  return {
    sql: `SELECT bucket, if(entry.1 = '', '(none)', entry.1) AS currency, toString(entry.2) AS revenue
      FROM (${sql}) ARRAY JOIN CAST(revenues, 'Array(Tuple(String, Decimal(38, 9)))') AS entry
      WHERE entry.2 != 0 ORDER BY bucket, currency`,
    params,
  };
}

/** A row of a list. */
export interface ListRow {
  readonly name: string;
  readonly sessions: string | number;
  readonly visitors: string | number;
  readonly page_views: string | number;
  readonly conversions: string | number;
  readonly bounced: string | number;
  readonly engaged: string | number;
  readonly seconds: string;
}

/** Sessions by a dimension, the most first: what the views of that dimension say, with visitors of the whole range. */
export function listOf(scope: Scope, dimension: DimensionName, span: Span, limit: number): Query {
  const { sql, params } = sessionsIn(scope, span);
  const value = valueOf(dimension, 'listed');
  return {
    sql: `SELECT ${value.sql} AS name, ${visitorsOf(scope.audience)} AS visitors, ${visitColumns(scope.audience)}
      FROM ${SESSIONS} WHERE ${sql}
      GROUP BY name HAVING sessions > 0 ORDER BY sessions DESC, name LIMIT {limit:UInt32}`,
    params: { ...params, ...value.params, limit },
  };
}

/** Lists of what happened rather than of sessions, which do not keep it: no filter can be asked. */
export const EVENT_LISTS = ['pages', 'events'] as const;
export type EventList = (typeof EVENT_LISTS)[number];

/**
 * Page views by path; or purchases, conversions and custom events by type. The most first.
 * Where days begin within an hour of UTC, what of it is of the new day is kept by quarter of an hour besides, as the
 * view `pages_daily` reads it (docs/decisions/040).
 */
export function countedOf(scope: Scope, list: EventList, span: Span, limit: number): Query {
  const { project, audience } = scope;
  if (list === 'pages') {
    return {
      sql: `SELECT m.dimension_value AS name, ${pathViews(audience)} AS page_views FROM ${pathsIn(span)}
        GROUP BY name HAVING page_views != 0 ORDER BY page_views DESC, name LIMIT {limit:UInt32}`,
      params: { project, ...boundsOf(span), limit },
    };
  }
  return {
    sql: `SELECT o.event_type AS name, sum(${ofView('events', audience)}) AS events
      FROM sojourn.events_daily AS o
      WHERE o.project = {project:String} AND o.day BETWEEN {from:Date} AND {to:Date}
      GROUP BY name HAVING events != 0 ORDER BY events DESC, name LIMIT {limit:UInt32}`,
    params: { project, from: span.from, to: span.to, limit },
  };
}

const ONE_PATH = 'AND m.dimension_value = {name:String}';

/** Views by path in the hours of the range, as `m`; `which` tells which paths. */
function pathsIn(span: Span, which = ''): string {
  const wanted = `m.dimension IN ('path', 'bot:path') ${which}`;
  const hours = `sojourn.metrics AS m
    WHERE m.project = {project:String} AND ${IN_HOURS} AND m.metric_type = 'page_views' AND ${wanted}`;
  if (isOfWholeHours(span)) return hours;
  return `(
      SELECT m.bucket AS bucket, m.dimension AS dimension, m.dimension_value AS dimension_value, m.count AS count FROM ${hours}
      UNION ALL
      SELECT moved.1 AS bucket, m.dimension AS dimension, m.dimension_value AS dimension_value, moved.2 * m.count AS count
      FROM sojourn.metrics AS m
      ARRAY JOIN [(m.bucket, toInt64(1)), (toStartOfHour(m.bucket), toInt64(-1))] AS moved
      WHERE m.project = {project:String} AND m.granularity = 'quarter_hour' AND m.metric_type = 'page_views_by_quarter'
        AND ${wanted} AND m.bucket >= toDateTime({start:Int64}, 'UTC')
        AND m.bucket < toDateTime({end:Int64} + 3600, 'UTC') AND m.bucket != toStartOfHour(m.bucket)
        AND moved.1 >= toDateTime({start:Int64}, 'UTC') AND moved.1 < toDateTime({end:Int64}, 'UTC')
    ) AS m`;
}

function pathViews(audience: Audience): string {
  const of = (dimension: string) => `sumIf(m.count, m.dimension = '${dimension}')`;
  return ofRows(of, 'path', 'bot:path', audience);
}

const boundsOf = ({ starts, end }: Span) => ({ start: starts[0] ?? end, end });

/** One page's views, or one type's events, by day. */
export function oneByDay(
  scope: Scope,
  span: Span,
  of: { readonly list: EventList; readonly name: string },
): Query {
  const { project, audience } = scope;
  if (of.list === 'pages') {
    return {
      sql: `SELECT ${nameOfPart('part')} AS bucket, count FROM (
          SELECT ${BUCKET_PART} AS part, ${pathViews(audience)} AS count
          FROM ${pathsIn(span, ONE_PATH)} GROUP BY part
        ) ORDER BY part`,
      params: { project, ...boundsOf(span), ...partsBy(span), name: of.name },
    };
  }
  return {
    sql: `SELECT toString(o.day) AS bucket, sum(${ofView('events', audience)}) AS count
      FROM sojourn.events_daily AS o
      WHERE o.project = {project:String} AND o.day BETWEEN {from:Date} AND {to:Date} AND o.event_type = {name:String}
      GROUP BY o.day ORDER BY o.day`,
    params: { project, from: span.from, to: span.to, name: of.name },
  };
}
