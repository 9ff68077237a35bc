CREATE VIEW sojourn.sessions_current
(
    project LowCardinality(String) COMMENT 'Tenant: the second token of the NATS subject',
    session_id String COMMENT 'Id the producer gave the session',
    first_run_id String COMMENT 'First Temporal run of the session; after LATE_WINDOW a session id may come again',
    started_at DateTime64(3, 'UTC') COMMENT 'Least event time',
    last_event_at DateTime64(3, 'UTC') COMMENT 'Greatest event time',
    duration_seconds Decimal(18, 3) COMMENT 'last_event_at - started_at',
    page_views UInt64 COMMENT 'Distinct page views',
    events UInt64 COMMENT 'Distinct events of any type',
    conversions UInt64 COMMENT 'Distinct purchases and conversions',
    engaged Bool COMMENT 'At least 10 s long, or at least 2 page views, or converted',
    bounced Bool COMMENT 'Exactly 1 page view and no conversion',
    converted Bool COMMENT 'At least one purchase or conversion',
    revenue Decimal(38, 9) COMMENT 'Sum over purchases and conversions, whatever their currency',
    entry_path String COMMENT 'Path of the first page view; empty if none was sent',
    exit_path String COMMENT 'Path of the last page view; empty if none was sent',
    user_id String COMMENT 'Earliest user id seen in the session; empty if none',
    new_user Nullable(Bool) COMMENT 'Whether it was the first session of its user to be written; NULL without a user',
    traffic_source LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    device_type LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    country LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    browser LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    os LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    state LowCardinality(String) COMMENT 'open or ended',
    end_reason LowCardinality(String) COMMENT 'session_end, idle or operator; empty while open',
    updated_at DateTime64(3, 'UTC') COMMENT 'When the session wrote this',
    version UInt64 COMMENT 'Number of the write; the greatest wins'
)
AS SELECT * FROM sojourn.sessions FINAL
COMMENT 'One row per session, its newest state';

CREATE VIEW sojourn.bounce_rate
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Hour of the last event of the sessions, UTC',
    sessions Int64 COMMENT 'Sessions',
    bounced Decimal(38, 9) COMMENT 'Sessions with exactly 1 page view and no conversion',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1'
)
AS SELECT project, bucket AS hour, sum(count) AS sessions, sum(value) AS bounced,
    toFloat64(bounced) / sessions AS bounce_rate
FROM sojourn.metrics
WHERE metric_type = 'bounce_rate' AND granularity = 'hour' AND dimension = ''
GROUP BY project, bucket
HAVING sessions > 0
COMMENT 'Share of sessions that bounced, by hour';

CREATE VIEW sojourn.engagement_rate
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Hour of the last event of the sessions, UTC',
    sessions Int64 COMMENT 'Sessions',
    engaged Int64 COMMENT 'Sessions of at least 10 s, or with at least 2 page views, or converted',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1'
)
AS SELECT project, bucket AS hour,
    sumIf(count, metric_type = 'bounce_rate') AS sessions,
    sumIf(count, metric_type = 'engaged_sessions') AS engaged,
    engaged / sessions AS engagement_rate
FROM sojourn.metrics
WHERE metric_type IN ('bounce_rate', 'engaged_sessions') AND granularity = 'hour' AND dimension = ''
GROUP BY project, bucket
HAVING sessions > 0
COMMENT 'Share of sessions that were engaged, by hour';

CREATE VIEW sojourn.average_session_duration
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Hour of the last event of the sessions, UTC',
    sessions Int64 COMMENT 'Sessions',
    average_seconds Float64 COMMENT 'Average time from first to last event, seconds'
)
AS SELECT project, bucket AS hour, sum(count) AS sessions,
    toFloat64(sum(value)) / sessions AS average_seconds
FROM sojourn.metrics
WHERE metric_type = 'avg_session_duration' AND granularity = 'hour' AND dimension = ''
GROUP BY project, bucket
HAVING sessions > 0
COMMENT 'Average length of sessions, by hour';

CREATE VIEW sojourn.pages_per_session
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Hour of the last event of the sessions, UTC',
    sessions Int64 COMMENT 'Sessions',
    page_views Decimal(38, 9) COMMENT 'Page views of these sessions',
    pages_per_session Float64 COMMENT 'page_views / sessions'
)
AS SELECT project, bucket AS hour, sum(count) AS sessions, sum(value) AS page_views,
    toFloat64(page_views) / sessions AS pages_per_session
FROM sojourn.metrics
WHERE metric_type = 'pages_per_session' AND granularity = 'hour' AND dimension = ''
GROUP BY project, bucket
HAVING sessions > 0
COMMENT 'Average number of page views per session, by hour';

CREATE VIEW sojourn.conversion_rate
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day the sessions began, UTC',
    sessions UInt64 COMMENT 'Sessions',
    converted UInt64 COMMENT 'Sessions with at least one purchase or conversion',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1'
)
AS SELECT project, toDate(started_at) AS day, count() AS sessions, countIf(converted) AS converted,
    converted / sessions AS conversion_rate
FROM (SELECT project, started_at, sessions.converted AS converted FROM sojourn.sessions FINAL)
GROUP BY project, day
COMMENT 'Share of sessions that converted, by day';

CREATE VIEW sojourn.unique_users
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day the sessions began, UTC',
    users UInt64 COMMENT 'Distinct user ids',
    sessions UInt64 COMMENT 'Sessions with a user'
)
AS SELECT project, toDate(started_at) AS day, uniqExact(user_id) AS users, count() AS sessions
FROM sojourn.sessions FINAL
WHERE user_id != ''
GROUP BY project, day
COMMENT 'Distinct users by day. Never add days up: a user of two days is one user';

CREATE VIEW sojourn.visitors_now
(
    project LowCardinality(String) COMMENT 'Tenant',
    visitors UInt64 COMMENT 'Sessions that are open and have written in the last 5 minutes'
)
AS SELECT project, count() AS visitors
FROM sojourn.sessions FINAL
WHERE state = 'open' AND updated_at >= now64(3) - INTERVAL 5 MINUTE
GROUP BY project
COMMENT 'Visitors on the site right now';

CREATE VIEW sojourn.metrics_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    day DateTime('UTC') COMMENT 'Start of the day, UTC',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    value Decimal(38, 9) COMMENT 'Sum of the measured values',
    count Int64 COMMENT 'Number of measurements'
)
AS SELECT project, metric_type, day, dimension, dimension_value,
    argMax(values, size) AS value, argMax(counts, size) AS count
FROM (
    SELECT project, metric_type, dimension, dimension_value, toStartOfDay(bucket) AS day,
        indexOf(['minute', 'hour', 'day'], toString(granularity)) AS size,
        sum(value) AS values, sum(count) AS counts
    FROM sojourn.metrics
    WHERE granularity IN ('minute', 'hour', 'day')
    GROUP BY project, metric_type, dimension, dimension_value, day, size
)
GROUP BY project, metric_type, day, dimension, dimension_value
COMMENT 'All metrics by day. Where a metric is kept in several granularities, one of them is taken';

CREATE VIEW sojourn.metrics_weekly
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    week DateTime('UTC') COMMENT 'Start of the week, a Sunday, UTC',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    value Decimal(38, 9) COMMENT 'Sum of the measured values',
    count Int64 COMMENT 'Number of measurements'
)
AS SELECT project, metric_type, toDateTime(toStartOfWeek(day, 0), 'UTC') AS week, dimension, dimension_value,
    sum(metrics_daily.value) AS value, sum(metrics_daily.count) AS count
FROM sojourn.metrics_daily
GROUP BY project, metric_type, week, dimension, dimension_value
COMMENT 'All metrics by week, from Sunday';

CREATE VIEW sojourn.metrics_monthly
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    month DateTime('UTC') COMMENT 'Start of the month, UTC',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    value Decimal(38, 9) COMMENT 'Sum of the measured values',
    count Int64 COMMENT 'Number of measurements'
)
AS SELECT project, metric_type, toDateTime(toStartOfMonth(day), 'UTC') AS month, dimension, dimension_value,
    sum(metrics_daily.value) AS value, sum(metrics_daily.count) AS count
FROM sojourn.metrics_daily
GROUP BY project, metric_type, month, dimension, dimension_value
COMMENT 'All metrics by month';
