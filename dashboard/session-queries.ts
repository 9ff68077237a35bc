/** Sessions one by one, and who is there now. */
import { ofAudience, PURSE, type Query, type Scope, SESSIONS, sessionsIn } from './conditions.ts';
import type { Span } from './period.ts';

export interface SessionRow {
  readonly session_id: string;
  readonly first_run_id: string;
  /** Epoch milliseconds. */
  readonly started_ms: string | number;
  readonly last_event_ms: string | number;
  readonly duration_seconds: string;
  readonly page_views: string | number;
  readonly events: string | number;
  readonly conversions: string | number;
  readonly engaged: boolean;
  readonly bounced: boolean;
  readonly converted: boolean;
  readonly revenue_by_currency: Readonly<Record<string, string>>;
  readonly entry_path: string;
  readonly exit_path: string;
  readonly user_id: string;
  readonly new_user: boolean | null;
  readonly visitor_id: string;
  readonly visitor: string;
  readonly source: string;
  readonly channel: string;
  readonly medium: string;
  readonly campaign: string;
  readonly referrer_host: string;
  readonly device_type: string;
  readonly country: string;
  readonly browser: string;
  readonly os: string;
  readonly language: string;
  readonly bot: boolean;
  readonly excluded: boolean;
  readonly state: string;
  readonly end_reason: string;
  /** Epoch milliseconds. */
  readonly updated_ms: string | number;
  readonly version: string | number;
}

/** Money is text: a JSON number would go through a float. */
const columnsOf = (visitor: string): string => `
  v.session_id AS session_id, v.first_run_id AS first_run_id,
  toUnixTimestamp64Milli(v.started_at) AS started_ms, toUnixTimestamp64Milli(v.last_event_at) AS last_event_ms,
  toString(v.duration_seconds) AS duration_seconds, v.page_views AS page_views, v.events AS events,
  v.conversions AS conversions, v.engaged AS engaged, v.bounced AS bounced, v.converted AS converted,
  CAST(arrayMap(entry -> (entry.1, toString(entry.2)), ${PURSE}), 'Map(String, String)') AS revenue_by_currency,
  v.entry_path AS entry_path, v.exit_path AS exit_path, v.user_id AS user_id, v.new_user AS new_user,
  v.visitor_id AS visitor_id, ${visitor} AS visitor, v.traffic_source AS source, v.channel AS channel,
  v.medium AS medium, v.campaign AS campaign, v.referrer_host AS referrer_host, v.device_type AS device_type,
  v.country AS country, v.browser AS browser, v.os AS os, v.language AS language, v.bot AS bot,
  v.excluded AS excluded, v.state AS state, v.end_reason AS end_reason,
  toUnixTimestamp64Milli(v.updated_at) AS updated_ms, v.version AS version`;

/** Who it was, by the definition of `visits`. */
const VISITOR = `multiIf(v.visitor_id != '', concat('v ', v.visitor_id), v.user_id != '', concat('u ', v.user_id), concat('s ', v.first_run_id))`;

/** Where a list of sessions goes on: after this one. */
export interface Cursor {
  readonly startedMs: number;
  readonly firstRunId: string;
}

/** Sessions that began on one of the days, the newest first. */
export function sessionsOf(
  scope: Scope,
  span: Span,
  limit: number,
  after: Cursor | undefined,
): Query {
  const { sql, params } = sessionsIn(scope, span);
  const later =
    after === undefined
      ? ''
      : `AND (v.started_at, v.first_run_id) < (fromUnixTimestamp64Milli({afterMs:Int64}, 'UTC'), {afterRun:String})`;
  return {
    sql: `SELECT ${columnsOf(VISITOR)} FROM ${SESSIONS}
      WHERE ${sql} AND ${ofAudience(scope.audience)} ${later}
      ORDER BY v.started_at DESC, v.first_run_id DESC LIMIT {limit:UInt32}`,
    params: {
      ...params,
      limit,
      ...(after && { afterMs: after.startedMs, afterRun: after.firstRunId }),
    },
  };
}

/** One session, one that an operator has excluded too. Of several of its id the newest, unless a run is named. */
export function sessionOf(
  project: string,
  sessionId: string,
  firstRunId: string | undefined,
): Query {
  return {
    sql: `SELECT ${columnsOf(VISITOR)} FROM sojourn.sessions_current AS v
      WHERE v.project = {project:String} AND v.session_id = {sessionId:String}
        ${firstRunId === undefined ? '' : 'AND v.first_run_id = {firstRunId:String}'}
      ORDER BY v.first_run_id DESC LIMIT 1`,
    params: { project, sessionId, ...(firstRunId !== undefined && { firstRunId }) },
  };
}

/** Visitors who are there now: the one definition, that of the view. */
export function visitorsNow(project: string): Query {
  return {
    sql: `SELECT n.visitors AS visitors, n.bot_visitors AS bot_visitors
      FROM sojourn.visitors_now AS n WHERE n.project = {project:String}`,
    params: { project },
  };
}

/** Visitors whose session was under way in a minute, for the last minutes; in the row of minute 0 all of them. */
export function lastMinutes(project: string, firstMinute: number, lastMinute: number): Query {
  return {
    sql: `SELECT minute, uniqExact(visitor) AS visitors, uniqExactIf(visitor, bot) AS bot_visitors
      FROM (
        SELECT ${VISITOR} AS visitor, v.bot AS bot,
          arrayJoin(range(greatest(intDiv(toUnixTimestamp(v.started_at), 60), {first:UInt32}),
            least(intDiv(toUnixTimestamp(v.last_event_at), 60), {last:UInt32}) + 1)) AS minute
        FROM sojourn.sessions_current AS v
        WHERE v.project = {project:String} AND NOT v.excluded
          AND v.last_event_at >= toDateTime({first:UInt32} * 60, 'UTC')
          AND v.started_at < toDateTime(({last:UInt32} + 1) * 60, 'UTC')
      )
      GROUP BY GROUPING SETS ((minute), ()) ORDER BY minute`,
    params: { project, first: firstMinute, last: lastMinute },
  };
}

/** Projects that have sessions or settings. */
export const PROJECTS: Query = {
  sql: `SELECT p.project AS project, any(p.time_zone) AS time_zone, any(p.week) AS week, any(p.dimensions) AS dimensions
    FROM (
      SELECT project, time_zone, week, mapKeys(dimensions) AS dimensions FROM sojourn.projects FINAL
      UNION ALL
      SELECT DISTINCT project, 'UTC' AS time_zone, 'monday' AS week, CAST([], 'Array(String)') AS dimensions
      FROM sojourn.sessions WHERE project NOT IN (SELECT project FROM sojourn.projects)
    ) AS p
    GROUP BY p.project ORDER BY p.project LIMIT 20000`,
  params: {},
};

export interface ProjectRow {
  readonly project: string;
  readonly time_zone: string;
  readonly week: 'monday' | 'sunday';
  readonly dimensions: readonly string[];
}
