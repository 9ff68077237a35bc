/**
 * The questions of the page, as queries. Pure: from what is looked at to SQL and its parameters.
 *
 * Two sources, one rule. Without a filter the numbers are those of the overview views, so that the page
 * says what `overview_daily` says: page views, conversions and revenue by the event, bounced and engaged
 * by the session's last event. With a filter everything is read from `visits`: the sessions that began
 * on a day, and all that became of them, as in `channels_daily` and its like. Both are the same but for
 * sessions that are under way when the range begins or ends (docs/dashboard.md).
 *
 * Visitors of more than a bucket are always counted anew: they cannot be added up.
 */
import type { Audience, Days, Unit } from './address.ts';
import {
  isFiltered,
  ofAudience,
  type Query,
  type Scope,
  sessionsIn,
  valueOf,
  visitorsOf,
} from './conditions.ts';
import type { DimensionName } from './dimensions.ts';
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
export function countsByDay(scope: Scope, days: Days): Query {
  if (isFiltered(scope)) {
    const { sql, params } = sessionsIn(scope, days);
    return {
      sql: `SELECT toString(v.day) AS bucket, ${visitColumns(scope.audience)}
        FROM sojourn.visits AS v WHERE ${sql} GROUP BY v.day ORDER BY v.day`,
      params,
    };
  }
  return {
    sql: `SELECT toString(o.day) AS bucket, ${overviewColumns(scope.audience)}
      FROM sojourn.overview_daily AS o
      WHERE o.project = {project:String} AND o.day BETWEEN {from:Date} AND {to:Date} ORDER BY o.day`,
    params: { project: scope.project, ...days },
  };
}

/** Counts and visitors by hour: `visitors` beside the columns of {@link CountsRow}. */
export function countsByHour(scope: Scope, days: Days, hours: Hours): Query {
  if (isFiltered(scope)) {
    return byHour(
      scope,
      days,
      hours,
      `${visitColumns(scope.audience)}, ${visitorsOf(scope.audience)} AS visitors`,
    );
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

/** Sessions by the hour of their first event: hours are given, so that no zone of ClickHouse's own decides. */
function byHour(scope: Scope, days: Days, { starts }: Hours, columns: string): Query {
  const { sql, params } = sessionsIn(scope, days);
  return {
    sql: `SELECT toString(toUnixTimestamp(h.start)) AS bucket, ${columns}
      FROM (SELECT * FROM sojourn.visits AS v WHERE ${sql}) AS v
      ASOF JOIN (
        SELECT {project:String} AS project, toDateTime(arrayJoin({starts:Array(UInt32)}), 'UTC') AS start
      ) AS h ON v.project = h.project AND toDateTime(v.started_at, 'UTC') >= h.start
      GROUP BY h.start ORDER BY h.start`,
    params: { ...params, starts },
  };
}

/** Visitors of each bucket, and of all of it in the row whose bucket is empty. */
export function visitorsBy(
  scope: Scope,
  days: Days,
  unit: Exclude<Unit, 'hour'> | undefined,
  week: Week,
): Query {
  const { sql, params } = sessionsIn(scope, days);
  const visitors = visitorsOf(scope.audience);
  const from = `FROM sojourn.visits AS v WHERE ${sql}`;
  if (unit === undefined)
    return { sql: `SELECT '' AS bucket, ${visitors} AS visitors ${from}`, params };
  // The first day of a bucket that is in the range, as bucketsOf() names it.
  const bucket = `toString(greatest(${startOf(unit, week)}, {from:Date}))`;
  return {
    sql: `SELECT ${bucket} AS bucket, ${visitors} AS visitors ${from}
      GROUP BY GROUPING SETS ((bucket), ()) ORDER BY bucket`,
    params,
  };
}

/** Of a date; no time zone comes in. */
function startOf(unit: Exclude<Unit, 'hour'>, week: Week): string {
  switch (unit) {
    case 'day':
      return 'v.day';
    case 'week':
      return `toStartOfWeek(v.day, ${week === 'monday' ? 1 : 0})`;
    case 'month':
      return 'toStartOfMonth(v.day)';
  }
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
export function revenueByDay(scope: Scope, days: Days): Query {
  const { sql, params } = sessionsIn(scope, days);
  const ofSessions = (condition: string, sign: '' | '-') =>
    `SELECT v.day AS day, ${CURRENCY} AS currency, ${sign}entry.2 AS amount
     FROM (SELECT day, revenue_by_currency FROM sojourn.visits AS v WHERE ${sql} AND ${condition}) AS v ${BY_CURRENCY}`;
  const ofView = `SELECT r.day AS day, r.currency AS currency, r.revenue AS amount FROM sojourn.revenue_daily AS r
     WHERE r.project = {project:String} AND r.day BETWEEN {from:Date} AND {to:Date}`;
  const parts =
    isFiltered(scope) || scope.audience === 'bots'
      ? [ofSessions(ofAudience(scope.audience), '')]
      : scope.audience === 'people'
        ? [ofView, ofSessions('v.bot', '-')]
        : [ofView];
  return {
    sql: `SELECT toString(day) AS bucket, currency, toString(sum(amount)) AS revenue
      FROM (${parts.join(' UNION ALL ')}) GROUP BY day, currency HAVING sum(amount) != 0 ORDER BY day, currency`,
    params,
  };
}

/** Revenue by hour and currency, of the sessions that began in the hour. */
export function revenueByHour(scope: Scope, days: Days, hours: Hours): Query {
  const { sql, params } = byHour(
    scope,
    days,
    hours,
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
export function listOf(scope: Scope, dimension: DimensionName, days: Days, limit: number): Query {
  const { sql, params } = sessionsIn(scope, days);
  const value = valueOf(dimension, 'listed');
  return {
    sql: `SELECT ${value.sql} AS name, ${visitorsOf(scope.audience)} AS visitors, ${visitColumns(scope.audience)}
      FROM sojourn.visits AS v WHERE ${sql}
      GROUP BY name HAVING sessions > 0 ORDER BY sessions DESC, name LIMIT {limit:UInt32}`,
    params: { ...params, ...value.params, limit },
  };
}

/** Lists of what happened rather than of sessions, which do not keep it: no filter can be asked. */
export const EVENT_LISTS = ['pages', 'events'] as const;
export type EventList = (typeof EVENT_LISTS)[number];

/** View, what it is by, and what is counted. */
const COUNTED = {
  pages: ['pages_daily', 'path', 'page_views'],
  events: ['events_daily', 'event_type', 'events'],
} as const satisfies Record<EventList, readonly [view: string, column: string, measure: string]>;

/** Page views by path; or purchases, conversions and custom events by type. The most first. */
export function countedOf(scope: Scope, list: EventList, days: Days, limit: number): Query {
  const [view, column, measure] = COUNTED[list];
  return {
    sql: `SELECT o.${column} AS name, sum(${ofView(measure, scope.audience)}) AS ${measure}
      FROM sojourn.${view} AS o
      WHERE o.project = {project:String} AND o.day BETWEEN {from:Date} AND {to:Date}
      GROUP BY name HAVING ${measure} != 0 ORDER BY ${measure} DESC, name LIMIT {limit:UInt32}`,
    params: { project: scope.project, ...days, limit },
  };
}

/** One page's views, or one type's events, by day. */
export function oneByDay(
  scope: Scope,
  days: Days,
  of: { readonly list: EventList; readonly name: string },
): Query {
  const [view, column, measure] = COUNTED[of.list];
  return {
    sql: `SELECT toString(o.day) AS bucket, sum(${ofView(measure, scope.audience)}) AS count
      FROM sojourn.${view} AS o
      WHERE o.project = {project:String} AND o.day BETWEEN {from:Date} AND {to:Date} AND o.${column} = {name:String}
      GROUP BY o.day ORDER BY o.day`,
    params: { project: scope.project, ...days, name: of.name },
  };
}
