/** What dashboards ask: the typical questions of docs/bi.md, and each view as a chart reads it. */

export interface Question {
  readonly name: string;
  readonly sql: string;
}

const SESSIONS_AND_PAGE_VIEWS_BY_HOUR = `
  SELECT bucket AS hour,
         sumIf(value, metric_type = 'sessions') AS sessions,
         sumIf(value, metric_type = 'page_views') AS page_views
  FROM sojourn.metrics
  WHERE project = 'shop' AND granularity = 'hour' AND dimension = ''
    AND metric_type IN ('sessions', 'page_views') AND bucket >= now() - INTERVAL 24 HOUR
  GROUP BY hour ORDER BY hour`;

const MOST_VIEWED_PAGES = `
  SELECT dimension_value AS path, sum(value) AS page_views
  FROM sojourn.metrics
  WHERE project = 'shop' AND metric_type = 'page_views' AND granularity = 'hour'
    AND dimension = 'path' AND bucket >= now() - INTERVAL 7 DAY
  GROUP BY path ORDER BY page_views DESC LIMIT 20`;

const BOUNCE_RATE_BY_DAY = `
  SELECT toDate(hour) AS day, sum(bounced) / sum(sessions) AS rate
  FROM sojourn.bounce_rate WHERE project = 'shop' GROUP BY day ORDER BY day`;

const SOURCES_THAT_STAY = `
  SELECT dimension_value AS traffic_source,
         sumIf(value, metric_type = 'sessions') AS sessions,
         sumIf(value, metric_type = 'engaged_sessions') AS engaged,
         round(100 * engaged / sessions, 1) AS engaged_percent
  FROM sojourn.metrics
  WHERE project = 'shop' AND granularity = 'day' AND dimension = 'traffic_source'
    AND metric_type IN ('sessions', 'engaged_sessions') AND bucket >= today() - 30
  GROUP BY traffic_source HAVING sessions > 0 ORDER BY sessions DESC`;

const REVENUE_BY_CURRENCY_AND_MONTH = `
  SELECT toStartOfMonth(day) AS month, currency, sum(r.revenue) AS revenue, sum(r.payments) AS payments
  FROM sojourn.revenue_daily AS r
  WHERE project = 'shop'
  GROUP BY month, currency ORDER BY month, currency`;

const UNIQUE_USERS_OF_30_DAYS = `
  SELECT uniqExact(user_id) AS users FROM sojourn.sessions_current
  WHERE project = 'shop' AND user_id != '' AND started_at >= now() - INTERVAL 30 DAY`;

const NEW_AND_RETURNING_BY_DAY = `
  SELECT day,
         sumIf(value, metric_type = 'new_users') AS new_users,
         sumIf(value, metric_type = 'returning_users') AS returning_users
  FROM sojourn.metrics_daily
  WHERE project = 'shop' AND metric_type IN ('new_users', 'returning_users') AND dimension = ''
  GROUP BY day ORDER BY day`;

const ENTRIES_AND_EXITS = `
  SELECT entry_path, exit_path, count() AS sessions, countIf(converted) AS converted
  FROM sojourn.sessions_current
  WHERE project = 'shop' AND started_at >= now() - INTERVAL 7 DAY
  GROUP BY entry_path, exit_path ORDER BY sessions DESC LIMIT 20`;

const LENGTH_OF_SESSIONS_BY_DAY = `
  SELECT day, quantiles(0.5, 0.9, 0.99)(toFloat64(duration_seconds)) AS p50_p90_p99
  FROM sojourn.visits
  WHERE project = 'shop' AND state = 'ended' AND started_at >= today() - 30
  GROUP BY day ORDER BY day`;

const CAME_BACK_WITHIN_A_WEEK = `
  SELECT toMonday(first_day) AS first_week, count() AS users,
         countIf(arrayExists(at -> at > first_visit AND at <= first_visit + INTERVAL 7 DAY, others)) AS came_back
  FROM (SELECT minIf(day, new_user) AS first_day, minIf(started_at, new_user) AS first_visit,
               groupArrayIf(started_at, NOT new_user) AS others
        FROM sojourn.visits
        WHERE project = 'shop' AND user_id != '' AND started_at >= today() - 28
        GROUP BY user_id HAVING countIf(new_user) > 0)
  GROUP BY first_week ORDER BY first_week`;

export const QUESTIONS: readonly Question[] = [
  { name: 'sessions and page views by hour, 24 h', sql: SESSIONS_AND_PAGE_VIEWS_BY_HOUR },
  { name: 'most viewed pages, 7 d', sql: MOST_VIEWED_PAGES },
  { name: 'bounce rate by day, a year', sql: BOUNCE_RATE_BY_DAY },
  { name: 'sources that stay, 30 d', sql: SOURCES_THAT_STAY },
  { name: 'revenue by currency and month, a year', sql: REVENUE_BY_CURRENCY_AND_MONTH },
  { name: 'unique users, 30 d', sql: UNIQUE_USERS_OF_30_DAYS },
  { name: 'new and returning by day, a year', sql: NEW_AND_RETURNING_BY_DAY },
  { name: 'entries and exits, 7 d', sql: ENTRIES_AND_EXITS },
  { name: 'length of sessions by day, 30 d', sql: LENGTH_OF_SESSIONS_BY_DAY },
  { name: 'came back within a week, 28 d', sql: CAME_BACK_WITHIN_A_WEEK },
];

const hourly = (name: string): Question => ({
  name: `view ${name}, 7 d`,
  sql: `SELECT * FROM sojourn.${name}
        WHERE project = 'shop' AND hour >= now() - INTERVAL 7 DAY ORDER BY hour`,
});
const daily = (name: string): Question => ({
  name: `view ${name}, 30 d`,
  sql: `SELECT * FROM sojourn.${name} WHERE project = 'shop' AND day >= today() - 30 ORDER BY day`,
});
const rolledUp = (name: string, period: string, since: string): Question => ({
  name: `view ${name}, page views`,
  sql: `SELECT * FROM sojourn.${name}
        WHERE project = 'shop' AND metric_type = 'page_views' AND dimension = ''
          AND ${period} >= now() - INTERVAL ${since} ORDER BY ${period}`,
});

const inAYear = (name: string, time: string): Question => ({
  name: `view ${name}, a year`,
  sql: `SELECT * FROM sojourn.${name}
        WHERE project = 'shop' AND ${time} >= today() - 365 ORDER BY ${time}`,
});

export const VIEWS: readonly Question[] = [
  hourly('overview_hourly'),
  ...['overview_daily', 'channels_daily', 'events_daily', 'revenue_daily'].map(daily),
  ...['user_types_daily', 'conversions_daily', 'revenue_sources_daily'].map(daily),
  inAYear('totals_daily', 'day'),
  inAYear('overview_daily', 'day'),
  inAYear('overview_monthly', 'month'),
  ...['bounce_rate', 'engagement_rate', 'average_session_duration', 'pages_per_session'].map(
    hourly,
  ),
  ...['conversion_rate', 'unique_users'].map(daily),
  { name: 'view visitors_now', sql: `SELECT * FROM sojourn.visitors_now WHERE project = 'shop'` },
  rolledUp('metrics_daily', 'day', '30 DAY'),
  rolledUp('metrics_weekly', 'week', '12 WEEK'),
  rolledUp('metrics_monthly', 'month', '12 MONTH'),
  {
    name: 'view sessions_current, one session',
    sql: `SELECT * FROM sojourn.sessions_current
          WHERE project = 'shop' AND session_id = lower(hex(sipHash128(toUInt64(0))))`,
  },
];
