/** A year of metrics and sessions, made inside ClickHouse: as many rows, keys and versions as wanted. */
import type { ClickHouseClient } from '@clickhouse/client';

const PROJECTS = ['shop', 'blog', 'docs'] as const;
const HOURS = 365 * 24;
const DAYS = 365;
/** Data comes in the order of time; so many inserts leave parts for merges, as life does. */
const INSERTS = 12;

/** Rows that are there once an hour: metric, dimension, its value. */
const HOURLY_ROWS: readonly (readonly [string, string, string])[] = [
  ...['page_views', 'sessions', 'engaged_sessions', 'bounce_rate'].map(total),
  ...['avg_session_duration', 'pages_per_session', 'revenue'].map(total),
  ['revenue', 'currency', 'EUR'],
  ['revenue', 'currency', 'USD'],
  ['event_count', 'event_type', 'purchase'],
  ['event_count', 'event_type', 'add_to_cart'],
  ['conversion_rate', 'conversion_type', 'newsletter'],
];

/** And once a quarter of an hour: metric, dimension, its value. */
const QUARTERLY_ROWS: readonly (readonly [string, string, string])[] = [
  ...['page_views_by_quarter', 'revenue_by_quarter'].map(total),
  ['event_count_by_quarter', 'event_type', 'purchase'],
  ['event_count_by_quarter', 'event_type', 'add_to_cart'],
];

/** And once a day: metric, dimension, how many values it has. */
const DAILY_ROWS: readonly (readonly [string, string, number])[] = [
  ['page_views', 'device_type', 3],
  ['page_views', 'traffic_source', 20],
  ['page_views', 'browser', 8],
  ['page_views', 'os', 6],
  ['page_views', 'country', 50],
  ['sessions', 'traffic_source', 20],
  ['sessions', 'device_type', 3],
  ['sessions', 'country', 50],
  ['engaged_sessions', 'traffic_source', 20],
  ['new_users', '', 1],
  ['returning_users', '', 1],
];

function total(metric: string): readonly [string, string, string] {
  return [metric, '', ''];
}

/** Value and count, alike in every place: what matters is that they differ. */
const AMOUNTS = `
  toInt64(200 + cityHash64(bucket, dimension_value) % 300) AS count,
  toDecimal128(multiIf(metric_type = 'bounce_rate', intDiv(count, 3), metric_type = 'avg_session_duration',
    count * 95, metric_type = 'pages_per_session', count * 4, metric_type = 'revenue', count * 20, count), 9) AS value`;

const COLUMNS =
  'project, metric_type, granularity, bucket, dimension, dimension_value, value, count';

/** @returns how many rows there are now */
export async function fillMetrics(admin: ClickHouseClient, wanted: number): Promise<number> {
  const fixed =
    HOURS * (HOURLY_ROWS.length + 4 * QUARTERLY_ROWS.length) +
    DAYS * DAILY_ROWS.reduce((sum, [, , n]) => sum + n, 0);
  const projects = wanted < 1_000_000 ? PROJECTS.slice(0, 1) : PROJECTS;
  const paths = Math.max(10, Math.round((wanted / projects.length - fixed) / HOURS));
  for (const project of projects) {
    for (let part = 0; part < INSERTS; part += 1) {
      const hours = Math.ceil(HOURS / INSERTS);
      const insert = (rows: string) =>
        admin.command({
          query: `INSERT INTO sojourn.metrics (${COLUMNS}) SELECT ${COLUMNS} FROM (SELECT *, ${AMOUNTS} FROM (${rows}))`,
          clickhouse_settings: { insert_deduplicate: 0 },
        });
      // The newest part ends now.
      const from = (INSERTS - 1 - part) * hours;
      await insert(pathRows(project, from, hours, paths));
      await insert(totalRows(project, HOURLY_ROWS, 'hour', from, hours));
      await insert(totalRows(project, QUARTERLY_ROWS, 'quarter_hour', 4 * from, 4 * hours));
    }
    for (const row of DAILY_ROWS) {
      await admin.command({
        query: `INSERT INTO sojourn.metrics (${COLUMNS}) SELECT ${COLUMNS} FROM (SELECT *, ${AMOUNTS} FROM (${dayRows(project, row)}))`,
        clickhouse_settings: { insert_deduplicate: 0 },
      });
    }
  }
  return countOf(admin, 'metrics');
}

function pathRows(project: string, from: number, hours: number, paths: number): string {
  return `SELECT '${project}' AS project, 'page_views' AS metric_type, 'hour' AS granularity,
      toStartOfHour(now('UTC')) - toIntervalHour(${from} + intDiv(number, ${paths})) AS bucket,
      'path' AS dimension, concat('/page/', toString(number % ${paths})) AS dimension_value
    FROM numbers(${hours * paths})`;
}

function totalRows(
  project: string,
  rows: readonly (readonly [string, string, string])[],
  granularity: 'hour' | 'quarter_hour',
  from: number,
  buckets: number,
): string {
  const list = rows.map((row) => `(${row.map((text) => `'${text}'`).join(', ')})`);
  const seconds = granularity === 'hour' ? 3_600 : 900;
  return `SELECT '${project}' AS project, row.1 AS metric_type, '${granularity}' AS granularity,
      toStartOfHour(now('UTC')) - toIntervalSecond(${seconds} * (${from} + number)) AS bucket,
      row.2 AS dimension, row.3 AS dimension_value
    FROM numbers(${buckets}) ARRAY JOIN [${list.join(', ')}] AS row`;
}

function dayRows(
  project: string,
  [metric, dimension, values]: readonly [string, string, number],
): string {
  const value = dimension === '' ? `''` : `concat('${dimension}-', toString(number % ${values}))`;
  return `SELECT '${project}' AS project, '${metric}' AS metric_type, 'day' AS granularity,
      toStartOfDay(now('UTC')) - toIntervalDay(intDiv(number, ${values})) AS bucket,
      '${dimension}' AS dimension, ${value} AS dimension_value
    FROM numbers(${DAYS * values})`;
}

/**
 * Sessions in the order they came; every tenth was written while it was open, too.
 * @returns how many rows there are now
 */
export async function fillSessions(admin: ClickHouseClient, wanted: number): Promise<number> {
  const each = Math.ceil(wanted / INSERTS);
  for (let part = 0; part < INSERTS; part += 1) {
    for (const version of [1, 2]) {
      await admin.command({
        query: sessionInsert(wanted, part * each, Math.min(each, wanted - part * each), version),
        clickhouse_settings: { insert_deduplicate: 0 },
      });
    }
  }
  return countOf(admin, 'sessions');
}

function sessionInsert(all: number, from: number, count: number, version: number): string {
  const users = Math.max(1, Math.round(all / 4));
  const yearSeconds = DAYS * 86_400;
  return `INSERT INTO sojourn.sessions (project, session_id, first_run_id, started_at, last_event_at, duration_seconds,
      page_views, events, conversions, engaged, bounced, converted, revenue, entry_path, exit_path, user_id, new_user,
      traffic_source, device_type, country, browser, os, visitor_id, channel, bot, state, end_reason, updated_at, version)
    SELECT * EXCEPT (begun) FROM (SELECT if(id % 10 < 8, 'shop', 'blog') AS project,
      lower(hex(sipHash128(id))) AS session_id,
      -- As Temporal names runs: the leading 48 bits are the time in milliseconds.
      lower(leftPad(hex(toUnixTimestamp64Milli(started_at)), 12, '0')) AS begun,
      concat(substring(begun, 1, 8), '-', substring(begun, 9, 4), '-', lower(hex(cityHash64(id)))) AS first_run_id,
      toDateTime64(now('UTC'), 3, 'UTC') - toIntervalSecond(toInt64(${yearSeconds} * (1 - (id + 1) / ${all}))) AS started_at,
      started_at + toIntervalSecond(h % 900) AS last_event_at,
      toDecimal64(h % 900, 3) AS duration_seconds,
      1 + h % 9 AS page_views, page_views + 1 AS events, if(h % 25 = 0, 1, 0) AS conversions,
      page_views > 1 AS engaged, page_views = 1 AS bounced, conversions > 0 AS converted,
      toDecimal128(conversions * 20, 9) AS revenue,
      concat('/page/', toString(h % 200)) AS entry_path, concat('/page/', toString(h % 190)) AS exit_path,
      if(h % 5 < 3, concat('u-', toString(h % ${users})), '') AS user_id,
      if(user_id = '', NULL, h % 2 = 0) AS new_user,
      concat('source-', toString(h % 20)) AS traffic_source, concat('device-', toString(h % 3)) AS device_type,
      concat('country-', toString(h % 50)) AS country, concat('browser-', toString(h % 8)) AS browser,
      concat('os-', toString(h % 6)) AS os,
      concat('v-', toString(h % ${users * 2})) AS visitor_id, concat('channel-', toString(h % 9)) AS channel,
      h % 50 = 1 AS bot,
      if(${version} = 1, 'open', 'ended') AS state, if(${version} = 1, '', 'session_end') AS end_reason,
      last_event_at AS updated_at, ${version} AS version
    FROM (SELECT number + ${from} AS id, cityHash64(id, 'session') AS h FROM numbers(${count}))
    WHERE ${version} = 2 AND id + 50 < ${all} OR ${version} = 1 AND (id % 10 = 0 OR id + 50 >= ${all}))`;
}

async function countOf(admin: ClickHouseClient, table: string): Promise<number> {
  const result = await admin.query({
    query: `SELECT count() AS n FROM sojourn.${table}`,
    format: 'JSONEachRow',
  });
  const [row] = await result.json<{ n: string | number }>();
  return Number(row?.n ?? 0);
}
