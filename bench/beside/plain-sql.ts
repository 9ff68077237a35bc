/**
 * The rows of the product in plain SQL: raw events as they are, what sessions they make, and what both add up to. As many
 * passes over as few columns as ClickHouse likes best.
 */

const ONE_ROW = `toDecimal128(1, 9)`;

/** Events as the file has them. Repeated ones are told by their ids, when somebody looks (`FINAL`). */
export const createRaw = (database: string): string => `
CREATE TABLE ${database}.raw
(
    sessionId String, eventId String, eventType LowCardinality(String), timestamp Int64, userId String,
    properties Tuple(path String, trafficSource LowCardinality(String), country LowCardinality(String),
        deviceType LowCardinality(String), browser LowCardinality(String), os LowCardinality(String),
        revenue Decimal(38, 9), currency LowCardinality(String))
)
ENGINE = ReplacingMergeTree
ORDER BY (sessionId, eventId)`;

/** The sessions in figures, for what is made of them. */
export const createVisits = (database: string): string => `
CREATE TABLE ${database}.visits
(
    session_id String, first_at Int64, last_at Int64, events UInt64, page_views UInt64, conversions UInt64,
    end_seen Bool, revenue Decimal(38, 9), entry_path String, exit_path String, user_id String,
    traffic_source String, device_type String, country String, browser String, os String, channel String,
    page_days Array(Date), revenue_days Array(Tuple(Date, Decimal(38, 9))),
    purse Map(LowCardinality(String), Decimal(38, 9)),
    engaged Bool MATERIALIZED last_at - first_at >= 10000 OR page_views >= 2 OR conversions > 0,
    bounced Bool MATERIALIZED page_views = 1 AND conversions = 0
)
ENGINE = MergeTree
ORDER BY tuple()`;

const EARLIEST = '(timestamp, eventId)';
const earliest = (value: string) => `argMinIf(${value}, ${EARLIEST}, ${value} != '')`;
/** How a visitor came, by the sources that there are; the file says nothing more. */
const CHANNEL = `transform(toString(source), ['google', 'newsletter', 'social'], ['Organic Search', 'Email', 'Organic Social'], '')`;

export const insertVisits = (database: string): string => `
INSERT INTO ${database}.visits
WITH
    properties.path AS path, toString(properties.trafficSource) AS source, properties.revenue AS money,
    toString(properties.country) AS land, toString(properties.deviceType) AS device,
    toString(properties.browser) AS agent, toString(properties.os) AS system, ${CHANNEL} AS way,
    eventType = 'pageview' AS is_page, eventType IN ('purchase', 'conversion') AS is_conversion,
    toDate(fromUnixTimestamp64Milli(timestamp, 'UTC')) AS day
SELECT
    sessionId, min(timestamp), max(timestamp), count(), countIf(is_page), countIf(is_conversion),
    max(eventType = 'session_end'), sumIf(money, is_conversion),
    argMinIf(path, ${EARLIEST}, is_page AND path != ''), argMaxIf(path, ${EARLIEST}, is_page AND path != ''),
    ${earliest('userId')}, ${earliest('source')}, ${earliest('device')}, ${earliest('land')},
    ${earliest('agent')}, ${earliest('system')}, ${earliest('way')},
    groupArrayIf(day, is_page), groupArrayIf((day, money), is_conversion AND money != 0),
    sumMapIf(map(properties.currency, money), is_conversion AND money != 0)
FROM ${database}.raw FINAL
GROUP BY sessionId`;

/** Sessions of a user are in the order of their first events. */
export const insertSessions = (database: string): string => `
INSERT INTO ${database}.sessions
    (project, session_id, first_run_id, started_at, last_event_at, duration_seconds, page_views, events, conversions,
     engaged, bounced, converted, revenue, entry_path, exit_path, user_id, new_user, traffic_source, device_type,
     country, browser, os, channel, revenue_by_currency, state, end_reason, catalogue, updated_at, version)
WITH min((first_at, session_id)) OVER (PARTITION BY user_id) AS first_of_user
SELECT
    {project: String}, session_id, concat(substring(lower(hex(first_at)), 5), '-', session_id),
    fromUnixTimestamp64Milli(first_at, 'UTC'), fromUnixTimestamp64Milli(last_at, 'UTC'),
    toDecimal64(last_at - first_at, 3) / 1000, page_views, events, conversions,
    engaged, bounced, conversions > 0, revenue, entry_path, exit_path, user_id,
    if(user_id = '', NULL, first_of_user = (first_at, session_id)), traffic_source, device_type,
    country, browser, os, channel, purse, 'ended', if(end_seen, 'session_end', 'idle'), 3,
    fromUnixTimestamp64Milli(if(end_seen, last_at, last_at + 1800000), 'UTC'), 1
FROM ${database}.visits`;

interface Lines {
  readonly from: string;
  readonly where?: string;
  /** The time of each, an expression of epoch milliseconds or a date. */
  readonly at: string;
  readonly value: string;
}

const TOTAL = `('', '')`;
const SPLITS = ['channel', 'entry_path', 'browser', 'os'];
const byColumns = (columns: readonly string[]) =>
  columns.map((column) => `('${column}', ${column})`).join(', ');

const BUCKETS = {
  quarter_hour: (at: string) => `intDiv(${at}, 900000) * 900`,
  hour: (at: string) => `intDiv(${at}, 3600000) * 3600`,
  day: (at: string) => `intDiv(${at}, 86400000) * 86400`,
} as const;

/** One query of metric rows, by each of the places: a dimension with its value. */
function lines(
  metric: string,
  granularity: keyof typeof BUCKETS,
  places: string,
  { from, where = 'true', at, value }: Lines,
): string {
  return `
SELECT '${metric}' AS metric, '${granularity}' AS granularity, ${BUCKETS[granularity](at)} AS bucket,
    place.1 AS dimension, place.2 AS dimension_value, sum(${value}) AS value, count() AS amount
FROM ${from} ARRAY JOIN [${places}] AS place
WHERE (${where}) AND (place.1 = '' OR place.2 != '')
GROUP BY bucket, dimension, dimension_value`;
}

/** All that the catalogue makes of such events. */
export function insertMetrics(database: string): string {
  const visits = `${database}.visits`;
  const events = `${database}.raw FINAL`;
  const page: Lines = {
    ...{ from: events, where: `eventType = 'pageview'`, at: 'timestamp', value: ONE_ROW },
  };
  const notable: Lines = {
    ...page,
    where: `eventType NOT IN ('pageview', 'session_start', 'session_end')`,
  };
  const money: Lines = {
    ...page,
    where: `eventType IN ('purchase', 'conversion') AND properties.revenue != 0`,
    value: 'properties.revenue',
  };
  const began: Lines = { from: visits, at: 'first_at', value: ONE_ROW };
  const ended: Lines = { ...began, at: 'last_at' };
  const engaged: Lines = { ...ended, where: 'engaged' };
  const bounced: Lines = { ...ended, value: 'toDecimal128(bounced, 9)' };
  const user = (isNew: boolean): Lines => ({
    ...{ from: `${database}.sessions`, where: `user_id != '' AND new_user = ${isNew}` },
    ...{ at: 'toUnixTimestamp64Milli(started_at)', value: ONE_ROW },
  });
  const inDays = (days: string): Pick<Lines, 'from' | 'at'> => ({
    from: `(SELECT *, arrayJoin(${days}) AS of_day FROM ${visits})`,
    at: `toInt64(toUInt16(${days === 'page_days' ? 'of_day' : 'of_day.1'})) * 86400000`,
  });
  const pageDays: Lines = { ...began, ...inDays('page_days') };
  const moneyDays: Lines = { ...began, ...inDays('revenue_days'), value: 'of_day.2' };
  const byPath = `('path', properties.path)`;
  const byType = `('event_type', toString(eventType))`;
  const byCurrency = `('currency', toString(properties.currency))`;
  const first = ['traffic_source', 'device_type', 'country'];
  const queries = [
    lines('page_views', 'hour', `${TOTAL}, ${byPath}`, page),
    lines('page_views_by_quarter', 'quarter_hour', TOTAL, page),
    lines('page_views', 'day', byColumns([...first, 'browser', 'os']), pageDays),
    lines('event_count', 'hour', byType, notable),
    lines('event_count_by_quarter', 'quarter_hour', byType, notable),
    lines('revenue', 'hour', `${TOTAL}, ${byCurrency}`, money),
    lines('revenue_by_quarter', 'quarter_hour', `${TOTAL}, ${byCurrency}`, money),
    lines('revenue', 'day', byColumns(SPLITS), moneyDays),
    lines('sessions', 'hour', TOTAL, began),
    lines('sessions', 'day', byColumns([...first, ...SPLITS]), began),
    lines('new_users', 'day', TOTAL, user(true)),
    lines('returning_users', 'day', TOTAL, user(false)),
    lines('engaged_sessions', 'hour', TOTAL, engaged),
    lines('engaged_sessions', 'day', byColumns(['traffic_source', ...SPLITS]), engaged),
    lines('bounce_rate', 'hour', TOTAL, bounced),
    lines('bounce_rate', 'day', byColumns(SPLITS), bounced),
    lines('avg_session_duration', 'hour', TOTAL, {
      ...ended,
      value: 'toDecimal128(last_at - first_at, 9) / 1000',
    }),
    lines('pages_per_session', 'hour', TOTAL, { ...ended, value: 'toDecimal128(page_views, 9)' }),
  ];
  return `
INSERT INTO ${database}.metrics (project, metric_type, granularity, bucket, dimension, dimension_value, value, count)
SELECT {project: String}, metric, granularity, toDateTime(bucket, 'UTC'), dimension, dimension_value, value, amount
FROM (${queries.join('\nUNION ALL')})`;
}
