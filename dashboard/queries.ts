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
 * Visitors of more than a bucket are always counted anew: they cannot be added up. Revenue is in revenue.ts.
 */
import type { Audience } from './address.ts';
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
import type { DimensionName } from './dimensions.ts';
import { boundsOf, BUCKET_PART, IN_HOURS, metricsIn, ofRows } from './metrics-in.ts';
import { areWholeHours, type Hours, type Parts, partsOfDays, partsOfHours } from './parts.ts';
import type { Span } from './period.ts';

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
  const sums = (measure: 'count' | 'value', metric: string) => sumOf(measure, metric, audience);
  return [
    `${sums('count', 'sessions')} AS sessions`,
    `${pageViews(audience)} AS page_views`,
    `${conversions(audience)} AS conversions`,
    `${sums('count', 'bounce_rate')} AS ended`,
    `toInt64(${sums('value', 'bounce_rate')}) AS bounced`,
    `${sums('count', 'engaged_sessions')} AS engaged`,
    `toString(${sums('value', 'avg_session_duration')}) AS seconds`,
  ].join(', ');
};

function sumOf(measure: 'count' | 'value', metric: string, audience: Audience): string {
  const of = (dimension: string) =>
    `sumIf(m.${measure}, m.metric_type = '${metric}' AND m.dimension = '${dimension}')`;
  return ofRows(of, '', 'audience', audience);
}

const pageViews = (audience: Audience): string => sumOf('count', 'page_views', audience);

function conversions(audience: Audience): string {
  const of = (dimension: string) =>
    `sumIf(m.count, m.dimension = '${dimension}' AND m.dimension_value IN ('purchase', 'conversion'))`;
  return ofRows(of, 'event_type', 'bot:event_type', audience);
}

const SESSION_METRICS = ['sessions', 'page_views', 'bounce_rate', 'engaged_sessions']
  .concat('avg_session_duration')
  .map((metric) => `('${metric}', ''), ('${metric}', 'audience')`);

const TOTALS = `sojourn.metrics AS m
  WHERE m.project = {project:String} AND ${IN_HOURS} AND (m.metric_type, m.dimension) IN (
    ${SESSION_METRICS.join(', ')}, ('event_count', 'event_type'), ('event_count', 'bot:event_type'))`;

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

/** What the counts of a range are the sum of: of whole days, and of a day that is broken off. */
export function countsIn(scope: Scope, span: Span): readonly Query[] {
  const { broken } = span;
  if (isFiltered(scope) || broken === undefined) return [countsByDay(scope, span)];
  const rest = countsOfRest(scope, broken.rest);
  return broken.whole.days.length === 0 ? [rest] : [countsByDay(scope, broken.whole), rest];
}

/** Counts by day: one row a day that has any. Days are whole, but where a filter is on. */
export function countsByDay(scope: Scope, span: Span): Query {
  const { project, audience } = scope;
  if (isFiltered(scope)) return byPart(scope, span, partsOfDays(span), visitColumns(audience));
  if (areWholeHours([...span.starts, span.end])) {
    return {
      sql: `SELECT ${nameOfPart('part')} AS bucket, * EXCEPT part FROM (
          SELECT ${BUCKET_PART} AS part, ${metricColumns(audience)} FROM ${TOTALS} GROUP BY part
        ) ORDER BY part`,
      params: { project, ...boundsOf(span), ...partsOfDays(span) },
    };
  }
  return {
    sql: `SELECT toString(o.day) AS bucket, ${overviewColumns(audience)}
      FROM sojourn.totals_daily AS o
      WHERE o.project = {project:String} AND o.day BETWEEN {from:Date} AND {to:Date} ORDER BY o.day`,
    params: { project, from: span.from, to: span.to },
  };
}

const START = `fromUnixTimestamp64Milli({start:Int64} * 1000, 'UTC')`;
const END = `fromUnixTimestamp64Milli({end:Int64} * 1000, 'UTC')`;

/** Counts of a part of a day, in one row: sessions by their own times, events to the quarter of an hour. */
function countsOfRest({ project, audience }: Scope, span: Span): Query {
  const began = `v.started_at >= ${START}`;
  const ended = `v.last_event_at < ${END}`;
  const fits = ofAudience(audience);
  const events = metricsIn(
    [
      { metric: 'page_views', dimensions: ['', 'audience'] },
      { metric: 'event_count', dimensions: ['event_type', 'bot:event_type'] },
    ],
    [...span.starts, span.end],
  );
  return {
    sql: `SELECT {day:String} AS bucket, s.sessions AS sessions, e.page_views AS page_views, e.conversions AS conversions,
        s.ended AS ended, s.bounced AS bounced, s.engaged AS engaged, s.seconds AS seconds
      FROM (
        SELECT countIf(${began}) AS sessions, countIf(${ended}) AS ended, countIf(${ended} AND v.bounced) AS bounced,
          countIf(${ended} AND v.engaged) AS engaged, toString(sumIf(v.duration_seconds, ${ended})) AS seconds
        FROM ${SESSIONS}
        WHERE v.project = {project:String} AND NOT v.excluded AND ${fits}
          AND v.last_event_at >= ${START} AND v.started_at < ${END}
      ) AS s
      CROSS JOIN (
        SELECT ${pageViews(audience)} AS page_views, ${conversions(audience)} AS conversions FROM ${events}
      ) AS e`,
    params: { project, day: span.from, ...boundsOf(span) },
  };
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

/** Visitors of each part, and of all of it in the row whose bucket is empty. @param parts undefined: of all of it alone */
export function visitorsBy(scope: Scope, span: Span, parts?: Parts): Query {
  const { sql, params } = sessionsIn(scope, span);
  const visitors = visitorsOf(scope.audience);
  const from = `FROM ${SESSIONS} WHERE ${sql}`;
  if (parts === undefined)
    return { sql: `SELECT '' AS bucket, ${visitors} AS visitors ${from}`, params };
  return {
    sql: `SELECT if(is_all, '', ${nameOfPart('part')}) AS bucket, visitors FROM (
        SELECT ${PART} AS part, grouping(part) = 1 AS is_all, ${visitors} AS visitors ${from}
        GROUP BY GROUPING SETS ((part), ())
      ) ORDER BY bucket`,
    params: { ...params, ...parts },
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

/** Views by path, as `m`; `which` tells which paths. */
const pathsIn = ({ starts, end }: Span, which = ''): string =>
  metricsIn([{ metric: 'page_views', dimensions: ['path', 'bot:path'] }], [...starts, end], which);

function pathViews(audience: Audience): string {
  const of = (dimension: string) => `sumIf(m.count, m.dimension = '${dimension}')`;
  return ofRows(of, 'path', 'bot:path', audience);
}

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
      params: { project, ...boundsOf(span), ...partsOfDays(span), name: of.name },
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
