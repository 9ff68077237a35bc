-- Types that every tool reads as what they are (docs/bi/README.md). Counts are Int64: pandas, polars and DuckDB take differences
-- of UInt64, which wrap below 0 or are an error. Hours are DateTime64(0): Arrow writes a DateTime as a number. Days, weeks and
-- months are Date everywhere: the one type that no tool shifts. What the views say is as before.
--
-- A view's declared types are what readers get; ClickHouse casts, also in conditions, which reach the index as before.
CREATE OR REPLACE VIEW sojourn.sessions_current
(
    project LowCardinality(String) COMMENT 'Tenant: the second token of the NATS subject',
    session_id String COMMENT 'Id the producer gave the session',
    first_run_id String COMMENT 'First Temporal run of the session; after LATE_WINDOW a session id may come again',
    started_at DateTime64(3, 'UTC') COMMENT 'Least event time',
    last_event_at DateTime64(3, 'UTC') COMMENT 'Greatest event time',
    duration_seconds Decimal(18, 3) COMMENT 'last_event_at - started_at',
    page_views Int64 COMMENT 'Distinct page views',
    events Int64 COMMENT 'Distinct events of any type',
    conversions Int64 COMMENT 'Distinct purchases and conversions',
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
    visitor_id String COMMENT 'Earliest id of an anonymous visitor seen in the session; empty if none',
    channel LowCardinality(String) COMMENT 'How the visitor came, for example Organic Search; empty where direct',
    medium LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    campaign LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    term LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    content LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    referrer_host LowCardinality(String) COMMENT 'Host of the site that sent the visitor; empty if none',
    language LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    screen LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    app_version LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    bot Bool COMMENT 'An event of it came from a program, not from a person',
    excluded Bool COMMENT 'An operator has taken it out of the numbers',
    revenue_by_currency Map(LowCardinality(String), Decimal(38, 9)) COMMENT 'Revenue by currency; an empty key where none was given',
    dimensions Map(LowCardinality(String), String) COMMENT 'What the project has declared as dimensions: the earliest value of each',
    state LowCardinality(String) COMMENT 'open or ended',
    end_reason LowCardinality(String) COMMENT 'session_end, idle or operator; empty while open',
    catalogue UInt8 COMMENT 'Version of the metric catalogue that its rows are of',
    updated_at DateTime64(3, 'UTC') COMMENT 'When the session wrote this',
    version Int64 COMMENT 'Number of the write; the greatest wins'
)
AS SELECT * FROM sojourn.sessions FINAL
COMMENT 'One row per session, its newest state';

CREATE OR REPLACE VIEW sojourn.bounce_rate
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime64(0, 'UTC') COMMENT 'Hour of the last event of the sessions, UTC',
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

CREATE OR REPLACE VIEW sojourn.engagement_rate
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime64(0, 'UTC') COMMENT 'Hour of the last event of the sessions, UTC',
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

CREATE OR REPLACE VIEW sojourn.average_session_duration
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime64(0, 'UTC') COMMENT 'Hour of the last event of the sessions, UTC',
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

CREATE OR REPLACE VIEW sojourn.pages_per_session
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime64(0, 'UTC') COMMENT 'Hour of the last event of the sessions, UTC',
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

CREATE OR REPLACE VIEW sojourn.conversion_rate
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day the sessions began, UTC',
    sessions Int64 COMMENT 'Sessions',
    converted Int64 COMMENT 'Sessions with at least one purchase or conversion',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1'
)
AS SELECT project, toDate(started_at) AS day, count() AS sessions, countIf(converted) AS converted,
    converted / sessions AS conversion_rate
FROM (SELECT project, started_at, sessions.converted AS converted FROM sojourn.sessions FINAL)
GROUP BY project, day
COMMENT 'Share of sessions that converted, by day';

CREATE OR REPLACE VIEW sojourn.unique_users
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day the sessions began, UTC',
    users Int64 COMMENT 'Distinct user ids',
    sessions Int64 COMMENT 'Sessions with a user'
)
AS SELECT project, toDate(started_at) AS day, uniqExact(user_id) AS users, count() AS sessions
FROM sojourn.sessions FINAL
WHERE user_id != ''
GROUP BY project, day
COMMENT 'Distinct users by day. Never add days up: a user of two days is one user';

CREATE OR REPLACE VIEW sojourn.visitors_now
(
    project LowCardinality(String) COMMENT 'Tenant',
    visitors Int64 COMMENT 'Distinct visitors of sessions that are open and have written in the last 5 minutes: by visitor id, else by user id, else by session',
    bot_visitors Int64 COMMENT 'Of visitors, those that are bots'
)
AS SELECT project, uniqExact(multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id))) AS visitors,
    uniqExactIf(multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)), bot) AS bot_visitors
FROM sojourn.sessions FINAL
WHERE state = 'open' AND NOT excluded AND updated_at >= now64(3) - INTERVAL 5 MINUTE
GROUP BY project
COMMENT 'Visitors on the site right now';

CREATE OR REPLACE VIEW sojourn.metrics_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    day Date COMMENT 'Day, UTC',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    value Decimal(38, 9) COMMENT 'Sum of the measured values',
    count Int64 COMMENT 'Number of measurements'
)
AS SELECT project, metric_type, day, dimension, dimension_value,
    argMax(values, size) AS value, argMax(counts, size) AS count
FROM (
    SELECT project, metric_type, dimension, dimension_value, toDate(bucket) AS day,
        indexOf(['minute', 'hour', 'day'], toString(granularity)) AS size,
        sum(value) AS values, sum(count) AS counts
    FROM sojourn.metrics
    WHERE granularity IN ('minute', 'hour', 'day')
    GROUP BY project, metric_type, dimension, dimension_value, day, size
)
GROUP BY project, metric_type, day, dimension, dimension_value
COMMENT 'All metrics by day. Where a metric is kept in several granularities, one of them is taken';

CREATE OR REPLACE VIEW sojourn.metrics_weekly
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    week Date COMMENT 'First day of the week, a Sunday, UTC',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    value Decimal(38, 9) COMMENT 'Sum of the measured values',
    count Int64 COMMENT 'Number of measurements'
)
AS SELECT project, metric_type, toStartOfWeek(day, 0) AS week, dimension, dimension_value,
    sum(metrics_daily.value) AS value, sum(metrics_daily.count) AS count
FROM sojourn.metrics_daily
GROUP BY project, metric_type, week, dimension, dimension_value
COMMENT 'All metrics by week, from Sunday';

CREATE OR REPLACE VIEW sojourn.metrics_monthly
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    month Date COMMENT 'First day of the month, UTC',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    value Decimal(38, 9) COMMENT 'Sum of the measured values',
    count Int64 COMMENT 'Number of measurements'
)
AS SELECT project, metric_type, toStartOfMonth(day) AS month, dimension, dimension_value,
    sum(metrics_daily.value) AS value, sum(metrics_daily.count) AS count
FROM sojourn.metrics_daily
GROUP BY project, metric_type, month, dimension, dimension_value
COMMENT 'All metrics by month';

CREATE OR REPLACE VIEW sojourn.overview_hour_parts
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Local hour',
    bot Bool COMMENT 'Whether the sessions are of bots; false in rows of events',
    visitors AggregateFunction(uniqExact, String) COMMENT 'State of the visitors',
    sessions Int64 COMMENT 'See overview_daily, of people or of bots',
    new_users Int64 COMMENT 'See overview_daily, of people or of bots',
    returning_users Int64 COMMENT 'See overview_daily, of people or of bots',
    converted Int64 COMMENT 'See overview_daily, of people or of bots',
    sessions_by_last_event Int64 COMMENT 'See overview_daily, of people or of bots',
    bounced Int64 COMMENT 'See overview_daily, of people or of bots',
    engaged Int64 COMMENT 'See overview_daily, of people or of bots',
    duration_seconds Decimal(38, 3) COMMENT 'See overview_daily, of people or of bots',
    session_page_views Int64 COMMENT 'See overview_daily, of people or of bots',
    page_views Int64 COMMENT 'See overview_daily',
    events Int64 COMMENT 'See overview_daily',
    conversions Int64 COMMENT 'See overview_daily',
    revenue Decimal(38, 9) COMMENT 'See overview_daily',
    bot_page_views Int64 COMMENT 'See overview_daily',
    bot_events Int64 COMMENT 'See overview_daily',
    bot_conversions Int64 COMMENT 'See overview_daily',
    bot_revenue Decimal(38, 9) COMMENT 'See overview_daily'
)
AS SELECT t.project AS project, t.hour AS hour, t.bot AS bot, uniqExactStateIf(t.visitor, t.is_first) AS visitors,
    toInt64(countIf(t.is_first)) AS sessions,
    toInt64(countIf(t.is_first AND t.new_user)) AS new_users,
    toInt64(countIf(t.is_first AND NOT t.new_user)) AS returning_users,
    toInt64(countIf(t.is_first AND t.converted)) AS converted,
    toInt64(countIf(t.is_last)) AS sessions_by_last_event,
    toInt64(countIf(t.is_last AND t.bounced)) AS bounced,
    toInt64(countIf(t.is_last AND t.engaged)) AS engaged,
    CAST(sumIf(t.duration_seconds, t.is_last), 'Decimal(38, 3)') AS duration_seconds,
    toInt64(sumIf(t.page_views, t.is_last)) AS session_page_views,
    toInt64(0) AS page_views,
    toInt64(0) AS events,
    toInt64(0) AS conversions,
    toDecimal128(0, 9) AS revenue,
    toInt64(0) AS bot_page_views,
    toInt64(0) AS bot_events,
    toInt64(0) AS bot_conversions,
    toDecimal128(0, 9) AS bot_revenue
FROM sojourn.session_hours AS t
GROUP BY t.project, t.hour, t.bot
UNION ALL
SELECT t.project AS project, t.hour AS hour, false AS bot, uniqExactStateIf('', false) AS visitors,
    toInt64(0) AS sessions,
    toInt64(0) AS new_users,
    toInt64(0) AS returning_users,
    toInt64(0) AS converted,
    toInt64(0) AS sessions_by_last_event,
    toInt64(0) AS bounced,
    toInt64(0) AS engaged,
    toDecimal128(0, 3) AS duration_seconds,
    toInt64(0) AS session_page_views,
    sumIf(t.count, t.metric_type = 'page_views' AND t.dimension = '') AS page_views,
    sumIf(t.count, t.metric_type = 'event_count' AND t.dimension = 'event_type') AS events,
    sumIf(t.count, t.metric_type = 'event_count' AND t.dimension = 'event_type' AND t.dimension_value IN ('purchase', 'conversion')) AS conversions,
    sumIf(t.value, t.metric_type = 'revenue' AND t.dimension = '') AS revenue,
    sumIf(t.count, t.metric_type = 'page_views' AND t.dimension = 'audience') AS bot_page_views,
    sumIf(t.count, t.metric_type = 'event_count' AND t.dimension = 'bot:event_type') AS bot_events,
    sumIf(t.count, t.metric_type = 'event_count' AND t.dimension = 'bot:event_type' AND t.dimension_value IN ('purchase', 'conversion')) AS bot_conversions,
    sumIf(t.value, t.metric_type = 'revenue' AND t.dimension = 'audience') AS bot_revenue
FROM sojourn.event_hours AS t
WHERE (t.metric_type, t.dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
    ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
GROUP BY t.project, t.hour
COMMENT 'For the overviews: sums and states, by local hour. An hour can have several rows';

CREATE OR REPLACE VIEW sojourn.overview_hourly
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime64(0, 'UTC') COMMENT 'Start of the local hour, as an instant of UTC',
    local_hour String COMMENT 'What clocks of the project showed at its start, and their offset, for example 2026-10-25 02:00 +02:00; a text, so that no tool shifts it',
    day Date COMMENT 'Day in the time zone of the project that the hour is of',
    weekday UInt8 COMMENT 'Of that day: 1 is Monday, 7 is Sunday',
    hour_of_day UInt8 COMMENT 'Hour that clocks of the project showed at its start, 0 to 23',
    visitors Int64 COMMENT 'Distinct visitors of the sessions that began in the hour: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
    sessions Int64 COMMENT 'Sessions whose first event lies in the hour',
    new_users Int64 COMMENT 'Of these, sessions of a user who had no session before',
    returning_users Int64 COMMENT 'Of these, sessions of a user who had',
    converted Int64 COMMENT 'Of these, sessions with at least one purchase or conversion',
    page_views Int64 COMMENT 'Page views in the hour',
    events Int64 COMMENT 'Purchases, conversions and custom events in the hour',
    conversions Int64 COMMENT 'Purchases and conversions in the hour',
    revenue Decimal(38, 9) COMMENT 'Revenue of purchases and conversions in the hour, whatever the currency; see revenue_daily',
    sessions_by_last_event Int64 COMMENT 'Sessions whose last event lies in the hour: what bounce_rate, engagement_rate, pages_per_session and average_seconds are shares of',
    bounced Int64 COMMENT 'Of sessions_by_last_event, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of sessions_by_last_event, those of at least 10 s, or with at least 2 page views, or converted',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of sessions_by_last_event',
    session_page_views Int64 COMMENT 'Page views of sessions_by_last_event, in whatever hour',
    bounce_rate Nullable(Float64) COMMENT 'bounced / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    engagement_rate Nullable(Float64) COMMENT 'engaged / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    conversion_rate Nullable(Float64) COMMENT 'converted / sessions, 0 to 1; NULL where there are none. Never add up or average',
    pages_per_session Nullable(Float64) COMMENT 'session_page_views / sessions_by_last_event; NULL where there are none. Never add up or average',
    average_seconds Nullable(Float64) COMMENT 'duration_seconds / sessions_by_last_event; NULL where there are none. Never add up or average',
    bot_visitors Int64 COMMENT 'Of visitors, those that were bots in a session',
    bot_sessions Int64 COMMENT 'Of sessions, what came from bots',
    bot_converted Int64 COMMENT 'Of converted, what came from bots',
    bot_page_views Int64 COMMENT 'Of page_views, what came from bots',
    bot_events Int64 COMMENT 'Of events, what came from bots',
    bot_conversions Int64 COMMENT 'Of conversions, what came from bots',
    bot_revenue Decimal(38, 9) COMMENT 'Of revenue, what came from bots',
    bot_sessions_by_last_event Int64 COMMENT 'Of sessions_by_last_event, what came from bots',
    bot_bounced Int64 COMMENT 'Of bounced, what came from bots',
    bot_engaged Int64 COMMENT 'Of engaged, what came from bots',
    bot_duration_seconds Decimal(38, 3) COMMENT 'Of duration_seconds, what came from bots',
    bot_session_page_views Int64 COMMENT 'Of session_page_views, what came from bots'
)
AS SELECT t.project AS project, t.at AS hour,
    concat(formatDateTime(toDateTime(greatest(toInt64(toUnixTimestamp(t.at)) + ifNull(o.offset_seconds, 0), 0), 'UTC'), '%Y-%m-%d %H:%i', 'UTC'),
        if(ifNull(o.offset_seconds, 0) < 0, ' -', ' +'),
        formatDateTime(toDateTime(abs(ifNull(o.offset_seconds, 0)), 'UTC'), '%H:%i', 'UTC')) AS local_hour,
    toDate(toDateTime(greatest(toInt64(toUnixTimestamp(t.at)) + ifNull(o.offset_seconds, 0), 0), 'UTC')) AS day,
    toDayOfWeek(toDate(toDateTime(greatest(toInt64(toUnixTimestamp(t.at)) + ifNull(o.offset_seconds, 0), 0), 'UTC'))) AS weekday,
    toHour(toDateTime(greatest(toInt64(toUnixTimestamp(t.at)) + ifNull(o.offset_seconds, 0), 0), 'UTC')) AS hour_of_day,
    visitors, sessions, new_users, returning_users, converted, page_views, events, conversions, revenue, sessions_by_last_event, bounced, engaged, duration_seconds, session_page_views, bounce_rate, engagement_rate, conversion_rate, pages_per_session, average_seconds, bot_visitors, bot_sessions, bot_converted, bot_page_views, bot_events, bot_conversions, bot_revenue, bot_sessions_by_last_event, bot_bounced, bot_engaged, bot_duration_seconds, bot_session_page_views
FROM
(
    SELECT p.project AS project, p.hour AS at,
        uniqExactMerge(p.visitors) AS visitors,
        sum(p.sessions) AS sessions,
        sum(p.new_users) AS new_users,
        sum(p.returning_users) AS returning_users,
        sum(p.converted) AS converted,
        sum(p.page_views) AS page_views,
        sum(p.events) AS events,
        sum(p.conversions) AS conversions,
        sum(p.revenue) AS revenue,
        sum(p.sessions_by_last_event) AS sessions_by_last_event,
        sum(p.bounced) AS bounced,
        sum(p.engaged) AS engaged,
        sum(p.duration_seconds) AS duration_seconds,
        sum(p.session_page_views) AS session_page_views,
        if(sum(p.sessions_by_last_event) = 0, NULL, toFloat64(sum(p.bounced)) / sum(p.sessions_by_last_event)) AS bounce_rate,
        if(sum(p.sessions_by_last_event) = 0, NULL, toFloat64(sum(p.engaged)) / sum(p.sessions_by_last_event)) AS engagement_rate,
        if(sum(p.sessions) = 0, NULL, toFloat64(sum(p.converted)) / sum(p.sessions)) AS conversion_rate,
        if(sum(p.sessions_by_last_event) = 0, NULL, toFloat64(sum(p.session_page_views)) / sum(p.sessions_by_last_event)) AS pages_per_session,
        if(sum(p.sessions_by_last_event) = 0, NULL, toFloat64(sum(p.duration_seconds)) / sum(p.sessions_by_last_event)) AS average_seconds,
        uniqExactMergeIf(p.visitors, p.bot) AS bot_visitors,
        sumIf(p.sessions, p.bot) AS bot_sessions,
        sumIf(p.converted, p.bot) AS bot_converted,
        sum(p.bot_page_views) AS bot_page_views,
        sum(p.bot_events) AS bot_events,
        sum(p.bot_conversions) AS bot_conversions,
        sum(p.bot_revenue) AS bot_revenue,
        sumIf(p.sessions_by_last_event, p.bot) AS bot_sessions_by_last_event,
        sumIf(p.bounced, p.bot) AS bot_bounced,
        sumIf(p.engaged, p.bot) AS bot_engaged,
        sumIf(p.duration_seconds, p.bot) AS bot_duration_seconds,
        sumIf(p.session_page_views, p.bot) AS bot_session_page_views
    FROM sojourn.overview_hour_parts AS p
    GROUP BY p.project, p.hour
) AS t
ASOF LEFT JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
COMMENT 'One row an hour of the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE OR REPLACE VIEW sojourn.overview_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    visitors Int64 COMMENT 'Distinct visitors of the sessions that began in the day: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    new_users Int64 COMMENT 'Of these, sessions of a user who had no session before',
    returning_users Int64 COMMENT 'Of these, sessions of a user who had',
    converted Int64 COMMENT 'Of these, sessions with at least one purchase or conversion',
    page_views Int64 COMMENT 'Page views in the day',
    events Int64 COMMENT 'Purchases, conversions and custom events in the day',
    conversions Int64 COMMENT 'Purchases and conversions in the day',
    revenue Decimal(38, 9) COMMENT 'Revenue of purchases and conversions in the day, whatever the currency; see revenue_daily',
    sessions_by_last_event Int64 COMMENT 'Sessions whose last event lies in the day: what bounce_rate, engagement_rate, pages_per_session and average_seconds are shares of',
    bounced Int64 COMMENT 'Of sessions_by_last_event, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of sessions_by_last_event, those of at least 10 s, or with at least 2 page views, or converted',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of sessions_by_last_event',
    session_page_views Int64 COMMENT 'Page views of sessions_by_last_event, in whatever day',
    bounce_rate Nullable(Float64) COMMENT 'bounced / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    engagement_rate Nullable(Float64) COMMENT 'engaged / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    conversion_rate Nullable(Float64) COMMENT 'converted / sessions, 0 to 1; NULL where there are none. Never add up or average',
    pages_per_session Nullable(Float64) COMMENT 'session_page_views / sessions_by_last_event; NULL where there are none. Never add up or average',
    average_seconds Nullable(Float64) COMMENT 'duration_seconds / sessions_by_last_event; NULL where there are none. Never add up or average',
    bot_visitors Int64 COMMENT 'Of visitors, those that were bots in a session',
    bot_sessions Int64 COMMENT 'Of sessions, what came from bots',
    bot_converted Int64 COMMENT 'Of converted, what came from bots',
    bot_page_views Int64 COMMENT 'Of page_views, what came from bots',
    bot_events Int64 COMMENT 'Of events, what came from bots',
    bot_conversions Int64 COMMENT 'Of conversions, what came from bots',
    bot_revenue Decimal(38, 9) COMMENT 'Of revenue, what came from bots',
    bot_sessions_by_last_event Int64 COMMENT 'Of sessions_by_last_event, what came from bots',
    bot_bounced Int64 COMMENT 'Of bounced, what came from bots',
    bot_engaged Int64 COMMENT 'Of engaged, what came from bots',
    bot_duration_seconds Decimal(38, 3) COMMENT 'Of duration_seconds, what came from bots',
    bot_session_page_views Int64 COMMENT 'Of session_page_views, what came from bots'
)
AS SELECT t.project AS project, t.day AS day,
    uniqExactIf(t.visitor, t.is_first) AS visitors,
    countIf(t.is_first) AS sessions,
    countIf(t.is_first AND t.new_user) AS new_users,
    countIf(t.is_first AND NOT t.new_user) AS returning_users,
    countIf(t.is_first AND t.converted) AS converted,
    sum(t.page_views) AS page_views,
    sum(t.events) AS events,
    sum(t.conversions) AS conversions,
    sum(t.revenue) AS revenue,
    countIf(t.is_last) AS sessions_by_last_event,
    countIf(t.is_last AND t.bounced) AS bounced,
    countIf(t.is_last AND t.engaged) AS engaged,
    sumIf(t.duration_seconds, t.is_last) AS duration_seconds,
    sumIf(t.session_page_views, t.is_last) AS session_page_views,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.bounced)) / countIf(t.is_last)) AS bounce_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.engaged)) / countIf(t.is_last)) AS engagement_rate,
    if(countIf(t.is_first) = 0, NULL, toFloat64(countIf(t.is_first AND t.converted)) / countIf(t.is_first)) AS conversion_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.session_page_views, t.is_last)) / countIf(t.is_last)) AS pages_per_session,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.duration_seconds, t.is_last)) / countIf(t.is_last)) AS average_seconds,
    uniqExactIf(t.visitor, t.is_first AND t.bot) AS bot_visitors,
    countIf(t.is_first AND t.bot) AS bot_sessions,
    countIf(t.is_first AND t.converted AND t.bot) AS bot_converted,
    sum(t.bot_page_views) AS bot_page_views,
    sum(t.bot_events) AS bot_events,
    sum(t.bot_conversions) AS bot_conversions,
    sum(t.bot_revenue) AS bot_revenue,
    countIf(t.is_last AND t.bot) AS bot_sessions_by_last_event,
    countIf(t.is_last AND t.bounced AND t.bot) AS bot_bounced,
    countIf(t.is_last AND t.engaged AND t.bot) AS bot_engaged,
    sumIf(t.duration_seconds, t.is_last AND t.bot) AS bot_duration_seconds,
    sumIf(t.session_page_views, t.is_last AND t.bot) AS bot_session_page_views
FROM
(
    SELECT project, day, is_first, is_last, visitor, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, '' AS visitor, false AS bot, NULL AS new_user, false AS converted,
        false AS bounced, false AS engaged, toDecimal64(0, 3) AS duration_seconds, toInt64(0) AS session_page_views,
        if(metric_type = 'page_views' AND dimension = '', count, 0) AS page_views,
        if(dimension = 'event_type', count, 0) AS events,
        if(dimension = 'event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS conversions,
        if(metric_type = 'revenue' AND dimension = '', value, toDecimal128(0, 9)) AS revenue,
        if(metric_type = 'page_views' AND dimension = 'audience', count, 0) AS bot_page_views,
        if(dimension = 'bot:event_type', count, 0) AS bot_events,
        if(dimension = 'bot:event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS bot_conversions,
        if(metric_type = 'revenue' AND dimension = 'audience', value, toDecimal128(0, 9)) AS bot_revenue
    FROM sojourn.event_days
    WHERE (metric_type, dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
        ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
) AS t
GROUP BY t.project, t.day
COMMENT 'One row a day of the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE OR REPLACE VIEW sojourn.overview_weekly_monday
(
    project LowCardinality(String) COMMENT 'Tenant',
    week Date COMMENT 'Monday that the week begins with',
    visitors Int64 COMMENT 'Distinct visitors of the sessions that began in the week: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
    sessions Int64 COMMENT 'Sessions whose first event lies in the week',
    new_users Int64 COMMENT 'Of these, sessions of a user who had no session before',
    returning_users Int64 COMMENT 'Of these, sessions of a user who had',
    converted Int64 COMMENT 'Of these, sessions with at least one purchase or conversion',
    page_views Int64 COMMENT 'Page views in the week',
    events Int64 COMMENT 'Purchases, conversions and custom events in the week',
    conversions Int64 COMMENT 'Purchases and conversions in the week',
    revenue Decimal(38, 9) COMMENT 'Revenue of purchases and conversions in the week, whatever the currency; see revenue_daily',
    sessions_by_last_event Int64 COMMENT 'Sessions whose last event lies in the week: what bounce_rate, engagement_rate, pages_per_session and average_seconds are shares of',
    bounced Int64 COMMENT 'Of sessions_by_last_event, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of sessions_by_last_event, those of at least 10 s, or with at least 2 page views, or converted',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of sessions_by_last_event',
    session_page_views Int64 COMMENT 'Page views of sessions_by_last_event, in whatever week',
    bounce_rate Nullable(Float64) COMMENT 'bounced / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    engagement_rate Nullable(Float64) COMMENT 'engaged / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    conversion_rate Nullable(Float64) COMMENT 'converted / sessions, 0 to 1; NULL where there are none. Never add up or average',
    pages_per_session Nullable(Float64) COMMENT 'session_page_views / sessions_by_last_event; NULL where there are none. Never add up or average',
    average_seconds Nullable(Float64) COMMENT 'duration_seconds / sessions_by_last_event; NULL where there are none. Never add up or average',
    bot_visitors Int64 COMMENT 'Of visitors, those that were bots in a session',
    bot_sessions Int64 COMMENT 'Of sessions, what came from bots',
    bot_converted Int64 COMMENT 'Of converted, what came from bots',
    bot_page_views Int64 COMMENT 'Of page_views, what came from bots',
    bot_events Int64 COMMENT 'Of events, what came from bots',
    bot_conversions Int64 COMMENT 'Of conversions, what came from bots',
    bot_revenue Decimal(38, 9) COMMENT 'Of revenue, what came from bots',
    bot_sessions_by_last_event Int64 COMMENT 'Of sessions_by_last_event, what came from bots',
    bot_bounced Int64 COMMENT 'Of bounced, what came from bots',
    bot_engaged Int64 COMMENT 'Of engaged, what came from bots',
    bot_duration_seconds Decimal(38, 3) COMMENT 'Of duration_seconds, what came from bots',
    bot_session_page_views Int64 COMMENT 'Of session_page_views, what came from bots'
)
AS SELECT t.project AS project, toMonday(t.day) AS week,
    uniqExactIf(t.visitor, t.is_first) AS visitors,
    countIf(t.is_first) AS sessions,
    countIf(t.is_first AND t.new_user) AS new_users,
    countIf(t.is_first AND NOT t.new_user) AS returning_users,
    countIf(t.is_first AND t.converted) AS converted,
    sum(t.page_views) AS page_views,
    sum(t.events) AS events,
    sum(t.conversions) AS conversions,
    sum(t.revenue) AS revenue,
    countIf(t.is_last) AS sessions_by_last_event,
    countIf(t.is_last AND t.bounced) AS bounced,
    countIf(t.is_last AND t.engaged) AS engaged,
    sumIf(t.duration_seconds, t.is_last) AS duration_seconds,
    sumIf(t.session_page_views, t.is_last) AS session_page_views,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.bounced)) / countIf(t.is_last)) AS bounce_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.engaged)) / countIf(t.is_last)) AS engagement_rate,
    if(countIf(t.is_first) = 0, NULL, toFloat64(countIf(t.is_first AND t.converted)) / countIf(t.is_first)) AS conversion_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.session_page_views, t.is_last)) / countIf(t.is_last)) AS pages_per_session,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.duration_seconds, t.is_last)) / countIf(t.is_last)) AS average_seconds,
    uniqExactIf(t.visitor, t.is_first AND t.bot) AS bot_visitors,
    countIf(t.is_first AND t.bot) AS bot_sessions,
    countIf(t.is_first AND t.converted AND t.bot) AS bot_converted,
    sum(t.bot_page_views) AS bot_page_views,
    sum(t.bot_events) AS bot_events,
    sum(t.bot_conversions) AS bot_conversions,
    sum(t.bot_revenue) AS bot_revenue,
    countIf(t.is_last AND t.bot) AS bot_sessions_by_last_event,
    countIf(t.is_last AND t.bounced AND t.bot) AS bot_bounced,
    countIf(t.is_last AND t.engaged AND t.bot) AS bot_engaged,
    sumIf(t.duration_seconds, t.is_last AND t.bot) AS bot_duration_seconds,
    sumIf(t.session_page_views, t.is_last AND t.bot) AS bot_session_page_views
FROM
(
    SELECT project, day, is_first, is_last, visitor, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, '' AS visitor, false AS bot, NULL AS new_user, false AS converted,
        false AS bounced, false AS engaged, toDecimal64(0, 3) AS duration_seconds, toInt64(0) AS session_page_views,
        if(metric_type = 'page_views' AND dimension = '', count, 0) AS page_views,
        if(dimension = 'event_type', count, 0) AS events,
        if(dimension = 'event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS conversions,
        if(metric_type = 'revenue' AND dimension = '', value, toDecimal128(0, 9)) AS revenue,
        if(metric_type = 'page_views' AND dimension = 'audience', count, 0) AS bot_page_views,
        if(dimension = 'bot:event_type', count, 0) AS bot_events,
        if(dimension = 'bot:event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS bot_conversions,
        if(metric_type = 'revenue' AND dimension = 'audience', value, toDecimal128(0, 9)) AS bot_revenue
    FROM sojourn.event_days
    WHERE (metric_type, dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
        ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
) AS t
GROUP BY t.project, toMonday(t.day)
COMMENT 'One row a week from Monday, in the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE OR REPLACE VIEW sojourn.overview_weekly_sunday
(
    project LowCardinality(String) COMMENT 'Tenant',
    week Date COMMENT 'Sunday that the week begins with',
    visitors Int64 COMMENT 'Distinct visitors of the sessions that began in the week: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
    sessions Int64 COMMENT 'Sessions whose first event lies in the week',
    new_users Int64 COMMENT 'Of these, sessions of a user who had no session before',
    returning_users Int64 COMMENT 'Of these, sessions of a user who had',
    converted Int64 COMMENT 'Of these, sessions with at least one purchase or conversion',
    page_views Int64 COMMENT 'Page views in the week',
    events Int64 COMMENT 'Purchases, conversions and custom events in the week',
    conversions Int64 COMMENT 'Purchases and conversions in the week',
    revenue Decimal(38, 9) COMMENT 'Revenue of purchases and conversions in the week, whatever the currency; see revenue_daily',
    sessions_by_last_event Int64 COMMENT 'Sessions whose last event lies in the week: what bounce_rate, engagement_rate, pages_per_session and average_seconds are shares of',
    bounced Int64 COMMENT 'Of sessions_by_last_event, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of sessions_by_last_event, those of at least 10 s, or with at least 2 page views, or converted',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of sessions_by_last_event',
    session_page_views Int64 COMMENT 'Page views of sessions_by_last_event, in whatever week',
    bounce_rate Nullable(Float64) COMMENT 'bounced / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    engagement_rate Nullable(Float64) COMMENT 'engaged / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    conversion_rate Nullable(Float64) COMMENT 'converted / sessions, 0 to 1; NULL where there are none. Never add up or average',
    pages_per_session Nullable(Float64) COMMENT 'session_page_views / sessions_by_last_event; NULL where there are none. Never add up or average',
    average_seconds Nullable(Float64) COMMENT 'duration_seconds / sessions_by_last_event; NULL where there are none. Never add up or average',
    bot_visitors Int64 COMMENT 'Of visitors, those that were bots in a session',
    bot_sessions Int64 COMMENT 'Of sessions, what came from bots',
    bot_converted Int64 COMMENT 'Of converted, what came from bots',
    bot_page_views Int64 COMMENT 'Of page_views, what came from bots',
    bot_events Int64 COMMENT 'Of events, what came from bots',
    bot_conversions Int64 COMMENT 'Of conversions, what came from bots',
    bot_revenue Decimal(38, 9) COMMENT 'Of revenue, what came from bots',
    bot_sessions_by_last_event Int64 COMMENT 'Of sessions_by_last_event, what came from bots',
    bot_bounced Int64 COMMENT 'Of bounced, what came from bots',
    bot_engaged Int64 COMMENT 'Of engaged, what came from bots',
    bot_duration_seconds Decimal(38, 3) COMMENT 'Of duration_seconds, what came from bots',
    bot_session_page_views Int64 COMMENT 'Of session_page_views, what came from bots'
)
AS SELECT t.project AS project, toStartOfWeek(t.day, 0) AS week,
    uniqExactIf(t.visitor, t.is_first) AS visitors,
    countIf(t.is_first) AS sessions,
    countIf(t.is_first AND t.new_user) AS new_users,
    countIf(t.is_first AND NOT t.new_user) AS returning_users,
    countIf(t.is_first AND t.converted) AS converted,
    sum(t.page_views) AS page_views,
    sum(t.events) AS events,
    sum(t.conversions) AS conversions,
    sum(t.revenue) AS revenue,
    countIf(t.is_last) AS sessions_by_last_event,
    countIf(t.is_last AND t.bounced) AS bounced,
    countIf(t.is_last AND t.engaged) AS engaged,
    sumIf(t.duration_seconds, t.is_last) AS duration_seconds,
    sumIf(t.session_page_views, t.is_last) AS session_page_views,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.bounced)) / countIf(t.is_last)) AS bounce_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.engaged)) / countIf(t.is_last)) AS engagement_rate,
    if(countIf(t.is_first) = 0, NULL, toFloat64(countIf(t.is_first AND t.converted)) / countIf(t.is_first)) AS conversion_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.session_page_views, t.is_last)) / countIf(t.is_last)) AS pages_per_session,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.duration_seconds, t.is_last)) / countIf(t.is_last)) AS average_seconds,
    uniqExactIf(t.visitor, t.is_first AND t.bot) AS bot_visitors,
    countIf(t.is_first AND t.bot) AS bot_sessions,
    countIf(t.is_first AND t.converted AND t.bot) AS bot_converted,
    sum(t.bot_page_views) AS bot_page_views,
    sum(t.bot_events) AS bot_events,
    sum(t.bot_conversions) AS bot_conversions,
    sum(t.bot_revenue) AS bot_revenue,
    countIf(t.is_last AND t.bot) AS bot_sessions_by_last_event,
    countIf(t.is_last AND t.bounced AND t.bot) AS bot_bounced,
    countIf(t.is_last AND t.engaged AND t.bot) AS bot_engaged,
    sumIf(t.duration_seconds, t.is_last AND t.bot) AS bot_duration_seconds,
    sumIf(t.session_page_views, t.is_last AND t.bot) AS bot_session_page_views
FROM
(
    SELECT project, day, is_first, is_last, visitor, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, '' AS visitor, false AS bot, NULL AS new_user, false AS converted,
        false AS bounced, false AS engaged, toDecimal64(0, 3) AS duration_seconds, toInt64(0) AS session_page_views,
        if(metric_type = 'page_views' AND dimension = '', count, 0) AS page_views,
        if(dimension = 'event_type', count, 0) AS events,
        if(dimension = 'event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS conversions,
        if(metric_type = 'revenue' AND dimension = '', value, toDecimal128(0, 9)) AS revenue,
        if(metric_type = 'page_views' AND dimension = 'audience', count, 0) AS bot_page_views,
        if(dimension = 'bot:event_type', count, 0) AS bot_events,
        if(dimension = 'bot:event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS bot_conversions,
        if(metric_type = 'revenue' AND dimension = 'audience', value, toDecimal128(0, 9)) AS bot_revenue
    FROM sojourn.event_days
    WHERE (metric_type, dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
        ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
) AS t
GROUP BY t.project, toStartOfWeek(t.day, 0)
COMMENT 'One row a week from Sunday, in the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE OR REPLACE VIEW sojourn.overview_monthly
(
    project LowCardinality(String) COMMENT 'Tenant',
    month Date COMMENT 'First day of the month',
    visitors Int64 COMMENT 'Distinct visitors of the sessions that began in the month: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
    sessions Int64 COMMENT 'Sessions whose first event lies in the month',
    new_users Int64 COMMENT 'Of these, sessions of a user who had no session before',
    returning_users Int64 COMMENT 'Of these, sessions of a user who had',
    converted Int64 COMMENT 'Of these, sessions with at least one purchase or conversion',
    page_views Int64 COMMENT 'Page views in the month',
    events Int64 COMMENT 'Purchases, conversions and custom events in the month',
    conversions Int64 COMMENT 'Purchases and conversions in the month',
    revenue Decimal(38, 9) COMMENT 'Revenue of purchases and conversions in the month, whatever the currency; see revenue_daily',
    sessions_by_last_event Int64 COMMENT 'Sessions whose last event lies in the month: what bounce_rate, engagement_rate, pages_per_session and average_seconds are shares of',
    bounced Int64 COMMENT 'Of sessions_by_last_event, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of sessions_by_last_event, those of at least 10 s, or with at least 2 page views, or converted',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of sessions_by_last_event',
    session_page_views Int64 COMMENT 'Page views of sessions_by_last_event, in whatever month',
    bounce_rate Nullable(Float64) COMMENT 'bounced / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    engagement_rate Nullable(Float64) COMMENT 'engaged / sessions_by_last_event, 0 to 1; NULL where there are none. Never add up or average',
    conversion_rate Nullable(Float64) COMMENT 'converted / sessions, 0 to 1; NULL where there are none. Never add up or average',
    pages_per_session Nullable(Float64) COMMENT 'session_page_views / sessions_by_last_event; NULL where there are none. Never add up or average',
    average_seconds Nullable(Float64) COMMENT 'duration_seconds / sessions_by_last_event; NULL where there are none. Never add up or average',
    bot_visitors Int64 COMMENT 'Of visitors, those that were bots in a session',
    bot_sessions Int64 COMMENT 'Of sessions, what came from bots',
    bot_converted Int64 COMMENT 'Of converted, what came from bots',
    bot_page_views Int64 COMMENT 'Of page_views, what came from bots',
    bot_events Int64 COMMENT 'Of events, what came from bots',
    bot_conversions Int64 COMMENT 'Of conversions, what came from bots',
    bot_revenue Decimal(38, 9) COMMENT 'Of revenue, what came from bots',
    bot_sessions_by_last_event Int64 COMMENT 'Of sessions_by_last_event, what came from bots',
    bot_bounced Int64 COMMENT 'Of bounced, what came from bots',
    bot_engaged Int64 COMMENT 'Of engaged, what came from bots',
    bot_duration_seconds Decimal(38, 3) COMMENT 'Of duration_seconds, what came from bots',
    bot_session_page_views Int64 COMMENT 'Of session_page_views, what came from bots'
)
AS SELECT t.project AS project, toStartOfMonth(t.day) AS month,
    uniqExactIf(t.visitor, t.is_first) AS visitors,
    countIf(t.is_first) AS sessions,
    countIf(t.is_first AND t.new_user) AS new_users,
    countIf(t.is_first AND NOT t.new_user) AS returning_users,
    countIf(t.is_first AND t.converted) AS converted,
    sum(t.page_views) AS page_views,
    sum(t.events) AS events,
    sum(t.conversions) AS conversions,
    sum(t.revenue) AS revenue,
    countIf(t.is_last) AS sessions_by_last_event,
    countIf(t.is_last AND t.bounced) AS bounced,
    countIf(t.is_last AND t.engaged) AS engaged,
    sumIf(t.duration_seconds, t.is_last) AS duration_seconds,
    sumIf(t.session_page_views, t.is_last) AS session_page_views,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.bounced)) / countIf(t.is_last)) AS bounce_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(countIf(t.is_last AND t.engaged)) / countIf(t.is_last)) AS engagement_rate,
    if(countIf(t.is_first) = 0, NULL, toFloat64(countIf(t.is_first AND t.converted)) / countIf(t.is_first)) AS conversion_rate,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.session_page_views, t.is_last)) / countIf(t.is_last)) AS pages_per_session,
    if(countIf(t.is_last) = 0, NULL, toFloat64(sumIf(t.duration_seconds, t.is_last)) / countIf(t.is_last)) AS average_seconds,
    uniqExactIf(t.visitor, t.is_first AND t.bot) AS bot_visitors,
    countIf(t.is_first AND t.bot) AS bot_sessions,
    countIf(t.is_first AND t.converted AND t.bot) AS bot_converted,
    sum(t.bot_page_views) AS bot_page_views,
    sum(t.bot_events) AS bot_events,
    sum(t.bot_conversions) AS bot_conversions,
    sum(t.bot_revenue) AS bot_revenue,
    countIf(t.is_last AND t.bot) AS bot_sessions_by_last_event,
    countIf(t.is_last AND t.bounced AND t.bot) AS bot_bounced,
    countIf(t.is_last AND t.engaged AND t.bot) AS bot_engaged,
    sumIf(t.duration_seconds, t.is_last AND t.bot) AS bot_duration_seconds,
    sumIf(t.session_page_views, t.is_last AND t.bot) AS bot_session_page_views
FROM
(
    SELECT project, day, is_first, is_last, visitor, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, '' AS visitor, false AS bot, NULL AS new_user, false AS converted,
        false AS bounced, false AS engaged, toDecimal64(0, 3) AS duration_seconds, toInt64(0) AS session_page_views,
        if(metric_type = 'page_views' AND dimension = '', count, 0) AS page_views,
        if(dimension = 'event_type', count, 0) AS events,
        if(dimension = 'event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS conversions,
        if(metric_type = 'revenue' AND dimension = '', value, toDecimal128(0, 9)) AS revenue,
        if(metric_type = 'page_views' AND dimension = 'audience', count, 0) AS bot_page_views,
        if(dimension = 'bot:event_type', count, 0) AS bot_events,
        if(dimension = 'bot:event_type' AND dimension_value IN ('purchase', 'conversion'), count, 0) AS bot_conversions,
        if(metric_type = 'revenue' AND dimension = 'audience', value, toDecimal128(0, 9)) AS bot_revenue
    FROM sojourn.event_days
    WHERE (metric_type, dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
        ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
) AS t
GROUP BY t.project, toStartOfMonth(t.day)
COMMENT 'One row a month, in the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE OR REPLACE VIEW sojourn.visits
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    visitor String COMMENT 'Who it was: v and the visitor id, else u and the user id, else s and the first run of the session',
    last_day Date COMMENT 'Day of the last event, in the time zone of the project',
    session_id String COMMENT 'Id the producer gave the session',
    first_run_id String COMMENT 'First Temporal run of the session; after LATE_WINDOW a session id may come again',
    started_at DateTime64(3, 'UTC') COMMENT 'Least event time',
    last_event_at DateTime64(3, 'UTC') COMMENT 'Greatest event time',
    duration_seconds Decimal(18, 3) COMMENT 'last_event_at - started_at',
    page_views Int64 COMMENT 'Distinct page views',
    events Int64 COMMENT 'Distinct events of any type',
    conversions Int64 COMMENT 'Distinct purchases and conversions',
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
    visitor_id String COMMENT 'Earliest id of an anonymous visitor seen in the session; empty if none',
    channel LowCardinality(String) COMMENT 'How the visitor came, for example Organic Search; empty where direct',
    medium LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    campaign LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    term LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    content LowCardinality(String) COMMENT 'Earliest value sent or told by the URL; empty if none',
    referrer_host LowCardinality(String) COMMENT 'Host of the site that sent the visitor; empty if none',
    language LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    screen LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    app_version LowCardinality(String) COMMENT 'Earliest value sent; empty if none',
    bot Bool COMMENT 'An event of it came from a program, not from a person',
    excluded Bool COMMENT 'An operator has taken it out of the numbers',
    revenue_by_currency Map(LowCardinality(String), Decimal(38, 9)) COMMENT 'Revenue by currency; an empty key where none was given',
    dimensions Map(LowCardinality(String), String) COMMENT 'What the project has declared as dimensions: the earliest value of each',
    state LowCardinality(String) COMMENT 'open or ended',
    end_reason LowCardinality(String) COMMENT 'session_end, idle or operator; empty while open',
    catalogue UInt8 COMMENT 'Version of the metric catalogue that its rows are of',
    updated_at DateTime64(3, 'UTC') COMMENT 'When the session wrote this',
    version Int64 COMMENT 'Number of the write; the greatest wins'
)
AS SELECT v.project AS project, v.day AS day,
    multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
    toDate(toDateTime(greatest(toInt64(toUnixTimestamp(last_at)) + ifNull(l.offset_seconds, 0), 0), 'UTC')) AS last_day,
    v.session_id AS session_id, v.first_run_id AS first_run_id, v.started_at AS started_at,
    v.last_event_at AS last_event_at, v.duration_seconds AS duration_seconds, v.page_views AS page_views,
    v.events AS events, v.conversions AS conversions, v.engaged AS engaged, v.bounced AS bounced,
    v.converted AS converted, v.revenue AS revenue, v.entry_path AS entry_path, v.exit_path AS exit_path,
    v.user_id AS user_id, v.new_user AS new_user, v.traffic_source AS traffic_source, v.device_type AS device_type,
    v.country AS country, v.browser AS browser, v.os AS os, v.visitor_id AS visitor_id, v.channel AS channel,
    v.medium AS medium, v.campaign AS campaign, v.term AS term, v.content AS content,
    v.referrer_host AS referrer_host, v.language AS language, v.screen AS screen, v.app_version AS app_version,
    v.bot AS bot, v.excluded AS excluded, v.revenue_by_currency AS revenue_by_currency, v.dimensions AS dimensions,
    v.state AS state, v.end_reason AS end_reason, v.catalogue AS catalogue, v.updated_at AS updated_at,
    v.version AS version
FROM
(
    SELECT t.* EXCEPT shift, toDateTime(t.last_event_at, 'UTC') AS last_at
    FROM
    (
        SELECT toDate(started_at) AS day, 0 AS shift, toDateTime(started_at, 'UTC') AS at, *
        FROM sojourn.sessions FINAL WHERE NOT excluded
        UNION ALL
        SELECT toDate(started_at) + 1 AS day, 1 AS shift, toDateTime(started_at, 'UTC') AS at, *
        FROM sojourn.sessions FINAL WHERE NOT excluded
            AND toHour(started_at) >= 10 AND project IN (SELECT arrayJoin(arrayMap(side -> side.1, arrayFilter(side -> side.2 = 1, (SELECT groupUniqArray((project, sign(offset_seconds))) FROM sojourn.project_clocks FINAL)))))
        UNION ALL
        SELECT toDate(started_at) - 1 AS day, -1 AS shift, toDateTime(started_at, 'UTC') AS at, *
        FROM sojourn.sessions FINAL WHERE NOT excluded
            AND toHour(started_at) < 12 AND project IN (SELECT arrayJoin(arrayMap(side -> side.1, arrayFilter(side -> side.2 = -1, (SELECT groupUniqArray((project, sign(offset_seconds))) FROM sojourn.project_clocks FINAL)))))
    ) AS t
    ASOF LEFT JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
    WHERE intDiv(greatest(toInt64(toUnixTimestamp(at)) + ifNull(o.offset_seconds, 0), 0), 86400)
        = toInt64(intDiv(toUnixTimestamp(at), 86400)) + shift
) AS v
ASOF LEFT JOIN sojourn.project_clocks AS l FINAL ON l.project = v.project AND v.last_at >= l.starts_at
COMMENT 'One row a visit: a session in its newest state, with the day it began and who it was; open ones too. Sessions that an operator has excluded are not here';

CREATE OR REPLACE VIEW sojourn.channels_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    channel String COMMENT 'How visitors came, for example Organic Search; Direct where nothing tells',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.channel = '', 'Direct', v.channel) AS channel,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.channel = '', 'Direct', v.channel)
COMMENT 'Sessions by channel and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.sources_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    source String COMMENT 'Traffic source; Direct where there is none',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.traffic_source = '', 'Direct', v.traffic_source) AS source,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.traffic_source = '', 'Direct', v.traffic_source)
COMMENT 'Sessions by traffic source and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.campaigns_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    campaign String COMMENT 'Campaign; (none) where there is none',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.campaign = '', '(none)', v.campaign) AS campaign,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.campaign = '', '(none)', v.campaign)
COMMENT 'Sessions by campaign and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.devices_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    device String COMMENT 'Device type; (none) where nobody said',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.device_type = '', '(none)', v.device_type) AS device,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.device_type = '', '(none)', v.device_type)
COMMENT 'Sessions by device type and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.countries_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    country String COMMENT 'Country; (none) where nobody said',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.country = '', '(none)', v.country) AS country,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.country = '', '(none)', v.country)
COMMENT 'Sessions by country and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.browsers_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    browser String COMMENT 'Browser; (none) where nobody said',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.browser = '', '(none)', v.browser) AS browser,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.browser = '', '(none)', v.browser)
COMMENT 'Sessions by browser and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.systems_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    os String COMMENT 'Operating system; (none) where nobody said',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.os = '', '(none)', v.os) AS os,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.os = '', '(none)', v.os)
COMMENT 'Sessions by operating system and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.entry_pages_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    path String COMMENT 'Path of the first page view; (none) where there was no page',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.entry_path = '', '(none)', v.entry_path) AS path,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.entry_path = '', '(none)', v.entry_path)
COMMENT 'Sessions by entry page and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.mediums_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    medium String COMMENT 'Medium, for example cpc or email; (none) where nothing tells',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.medium = '', '(none)', v.medium) AS medium,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.medium = '', '(none)', v.medium)
COMMENT 'Sessions by medium and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.referrers_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    referrer String COMMENT 'Host of the site that sent the visitor; (none) where there was none, or where it was an own host',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.referrer_host = '', '(none)', v.referrer_host) AS referrer,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.referrer_host = '', '(none)', v.referrer_host)
COMMENT 'Sessions by referring site and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.languages_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    language String COMMENT 'Language as sent, for example de-DE; (none) where none was sent',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.language = '', '(none)', v.language) AS language,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.language = '', '(none)', v.language)
COMMENT 'Sessions by language and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.screens_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    screen String COMMENT 'Size of the screen as sent, for example 1920x1080; (none) where none was sent',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.screen = '', '(none)', v.screen) AS screen,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.screen = '', '(none)', v.screen)
COMMENT 'Sessions by size of the screen and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.app_versions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    app_version String COMMENT 'Version of the application as sent; (none) where none was sent',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, if(v.app_version = '', '(none)', v.app_version) AS app_version,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, if(v.app_version = '', '(none)', v.app_version)
COMMENT 'Sessions by version of the application and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.user_types_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    user_type String COMMENT 'New: the first session of its user to be written; Returning: its user had one before; (none): a session without a user id',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, multiIf(v.new_user IS NULL, '(none)', v.new_user, 'New', 'Returning') AS user_type,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
GROUP BY v.project, v.day, multiIf(v.new_user IS NULL, '(none)', v.new_user, 'New', 'Returning')
COMMENT 'Sessions by new and returning users and day of the first event, in the time zone of the project; people and bots together';

CREATE OR REPLACE VIEW sojourn.dimensions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    dimension String COMMENT 'Name of the declared dimension. Choose one: each has all sessions once, so that a sum over several counts them as often',
    dimension_value String COMMENT 'Earliest value that the session brought; (none) where it brought none',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    visitors Int64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views Int64 COMMENT 'Page views of these sessions, on whatever day',
    bounced Int64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged Int64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted Int64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions Int64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions Int64 COMMENT 'Of sessions, those of bots',
    bounce_rate Float64 COMMENT 'bounced / sessions, 0 to 1. Never add up or average',
    engagement_rate Float64 COMMENT 'engaged / sessions, 0 to 1. Never add up or average',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1. Never add up or average',
    pages_per_session Float64 COMMENT 'page_views / sessions. Never add up or average',
    average_seconds Float64 COMMENT 'duration_seconds / sessions. Never add up or average'
)
AS SELECT v.project AS project, v.day AS day, pair.1 AS dimension, pair.2 AS dimension_value,
    count() AS sessions,
    uniqExact(v.visitor) AS visitors,
    sum(v.page_views) AS page_views,
    countIf(v.bounced) AS bounced,
    countIf(v.engaged) AS engaged,
    countIf(v.converted) AS converted,
    sum(v.conversions) AS conversions,
    sum(v.duration_seconds) AS duration_seconds,
    sum(v.revenue) AS revenue,
    countIf(v.bot) AS bot_sessions,
    toFloat64(countIf(v.bounced)) / count() AS bounce_rate,
    toFloat64(countIf(v.engaged)) / count() AS engagement_rate,
    toFloat64(countIf(v.converted)) / count() AS conversion_rate,
    toFloat64(sum(v.page_views)) / count() AS pages_per_session,
    toFloat64(sum(v.duration_seconds)) / count() AS average_seconds
FROM sojourn.visits AS v
ARRAY JOIN arrayMap(name -> (name, if(v.dimensions[name] = '', '(none)', v.dimensions[name])), arrayDistinct(arrayConcat(
    arrayMap(name -> toString(name), mapKeys(v.dimensions)),
    (SELECT mapFromArrays(groupArray(toString(project)), groupArray(mapKeys(dimensions))) FROM sojourn.projects FINAL)[toString(v.project)]))) AS pair
GROUP BY v.project, v.day, pair.1, pair.2
COMMENT 'Sessions by each declared dimension and day of the first event, in the time zone of the project; people and bots together. Choose one dimension. Of one that is no longer declared only sessions with a value are here';

CREATE OR REPLACE VIEW sojourn.revenue_sources_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event of the sessions, in the time zone of the project',
    channel String COMMENT 'How visitors came, for example Organic Search; Direct where nothing tells',
    source String COMMENT 'Where visitors came from; Direct where nothing tells',
    medium String COMMENT 'Medium, for example cpc; (none) where nothing tells',
    campaign String COMMENT 'Campaign; (none) where there was none',
    currency String COMMENT 'Currency; (none) where none was given, (other) for what a session had beyond 32 currencies',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions in the currency, refunds taken off. Only of one currency does a sum mean something',
    paying_sessions Int64 COMMENT 'Sessions with revenue in the currency. A session that paid in two currencies is in both rows'
)
AS SELECT v.project AS project, v.day AS day, if(v.channel = '', 'Direct', v.channel) AS channel,
    if(v.traffic_source = '', 'Direct', v.traffic_source) AS source, if(v.medium = '', '(none)', v.medium) AS medium,
    if(v.campaign = '', '(none)', v.campaign) AS campaign, if(money.1 = '', '(none)', money.1) AS currency,
    sum(money.2) AS revenue, count() AS paying_sessions
FROM
(
    SELECT project, day, channel, traffic_source, medium, campaign,
        arrayMap(name -> (toString(name), visits.revenue_by_currency[name]), mapKeys(revenue_by_currency)) AS known,
        visits.revenue - arraySum(mapValues(revenue_by_currency)) AS unknown,
        if(unknown = 0, known, arrayPushBack(known, ('', unknown))) AS purse
    FROM sojourn.visits
    WHERE converted
) AS v
ARRAY JOIN purse AS money
GROUP BY v.project, v.day, if(v.channel = '', 'Direct', v.channel), if(v.traffic_source = '', 'Direct', v.traffic_source),
    if(v.medium = '', '(none)', v.medium), if(v.campaign = '', '(none)', v.campaign), if(money.1 = '', '(none)', money.1)
COMMENT 'Revenue by where visitors came from, currency and day of the first event, in the time zone of the project';

-- After the overviews, which take either type: so there is no moment at which they cannot be read.
CREATE OR REPLACE VIEW sojourn.session_days
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Local day of that event',
    is_first Bool COMMENT 'The row tells of the first event of the session',
    is_last Bool COMMENT 'The row tells of the last event of the session',
    visitor String COMMENT 'Who it was: v and the visitor id, else u and the user id, else s and the first run of the session; empty where is_first is not',
    entry_path String COMMENT 'See sessions',
    exit_path String COMMENT 'See sessions',
    bot Bool COMMENT 'See sessions',
    new_user Nullable(Bool) COMMENT 'See sessions',
    converted Bool COMMENT 'See sessions',
    bounced Bool COMMENT 'See sessions',
    engaged Bool COMMENT 'See sessions',
    duration_seconds Decimal(18, 3) COMMENT 'See sessions',
    page_views Int64 COMMENT 'See sessions'
)
AS SELECT t.project AS project, day, is_first, is_last, visitor, entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
FROM
(
    SELECT project, toDate(started_at) AS day, 0 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
    UNION ALL
    SELECT project, toDate(started_at) + 1 AS day, 1 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) > 0
        AND toUnixTimestamp(started_at) % 86400 >= 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(started_at) - 1 AS day, -1 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) < 0
        AND toUnixTimestamp(started_at) % 86400 < -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(last_event_at) AS day, 0 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0))
    UNION ALL
    SELECT project, toDate(last_event_at) + 1 AS day, 1 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0))
        AND ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) > 0
        AND toUnixTimestamp(last_event_at) % 86400 >= 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(last_event_at) - 1 AS day, -1 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0))
        AND ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) < 0
        AND toUnixTimestamp(last_event_at) % 86400 < -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
) AS t
ASOF LEFT JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
WHERE intDiv(greatest(toInt64(toUnixTimestamp(at)) + ifNull(o.offset_seconds, 0), 0), 86400)
    = toInt64(intDiv(toUnixTimestamp(at), 86400)) + shift
COMMENT 'For the views below: each session by the local day of its first event and by that of its last: one row where both are surely the same, else two. Sessions that an operator has excluded are not here';

CREATE OR REPLACE VIEW sojourn.session_hours
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Start of the local hour of that event, as an instant of UTC',
    is_first Bool COMMENT 'The row tells of the first event of the session',
    is_last Bool COMMENT 'The row tells of the last event of the session',
    visitor String COMMENT 'Who it was: v and the visitor id, else u and the user id, else s and the first run of the session; empty where is_first is not',
    entry_path String COMMENT 'See sessions',
    exit_path String COMMENT 'See sessions',
    bot Bool COMMENT 'See sessions',
    new_user Nullable(Bool) COMMENT 'See sessions',
    converted Bool COMMENT 'See sessions',
    bounced Bool COMMENT 'See sessions',
    engaged Bool COMMENT 'See sessions',
    duration_seconds Decimal(18, 3) COMMENT 'See sessions',
    page_views Int64 COMMENT 'See sessions'
)
AS SELECT project, hour, is_first, is_last, visitor, entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
FROM
(
    SELECT project, toDateTime(toStartOfHour(started_at), 'UTC') AS hour, true AS is_first,
        toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC')) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND project NOT IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
    UNION ALL
    SELECT project, toDateTime(toStartOfHour(last_event_at), 'UTC') AS hour, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
        AND project NOT IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
    UNION ALL
    SELECT t.project AS project,
        if(toInt64(toUnixTimestamp(at)) - positiveModulo(toInt64(toUnixTimestamp(at)) + o.offset_seconds, 3600) < toInt64(toUnixTimestamp(o.starts_at)),
        o.hour_starts_at, toDateTime(toInt64(toUnixTimestamp(at)) - positiveModulo(toInt64(toUnixTimestamp(at)) + o.offset_seconds, 3600), 'UTC')) AS hour,
        is_first, is_last, visitor, entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM
    (
        SELECT project, toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) AS at, true AS is_first,
            toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC')) AS is_last,
            multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
            entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
        FROM sojourn.sessions FINAL WHERE NOT excluded
            AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
        UNION ALL
        SELECT project, toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC')) AS at, false AS is_first,
            true AS is_last,
            '' AS visitor,
            entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
        FROM sojourn.sessions FINAL WHERE NOT excluded
            AND NOT toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
    ) AS t
    ASOF JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
)
COMMENT 'For the views below: each session by the local hour of its first event and by that of its last: one row where both are within a quarter of an hour, else two. Sessions that an operator has excluded are not here'
