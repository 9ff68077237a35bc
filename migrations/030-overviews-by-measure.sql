-- Overviews with less to read (docs/performance.md, Views in days). What a session counts for by its last event lies in metrics
-- by the hour, which is enough for projects in zones of whole hours: their sessions are read for their first events alone.
-- Before, each was read for both.
--
-- Measures are rows until the last step: a plan with one plain condition a column is made in half the time that one with
-- two conditions takes (ClickHouse 26.7), and short ranges are mostly planning.
CREATE OR REPLACE VIEW sojourn.visit_days
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Local day of that event',
    is_first Bool COMMENT 'The row tells of the first event of the session; else of the last',
    visitor_key UInt128 COMMENT 'See sessions; 0 where is_first is not',
    bot Bool COMMENT 'See sessions',
    new_user Nullable(Bool) COMMENT 'See sessions; NULL where is_first is not',
    converted Bool COMMENT 'See sessions; false where is_first is not',
    bounced Bool COMMENT 'See sessions; false where is_first is',
    engaged Bool COMMENT 'See sessions; false where is_first is',
    duration_seconds Decimal(18, 3) COMMENT 'See sessions; 0 where is_first is',
    page_views Int64 COMMENT 'See sessions; 0 where is_first is'
)
AS SELECT t.project AS project, day, is_first, visitor_key, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
FROM
(
    SELECT project, toDate(started_at) AS day, 0 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first, visitor_key, bot, new_user, converted, false AS bounced, false AS engaged, toDecimal64(0, 3) AS duration_seconds, toInt64(0) AS page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
    UNION ALL
    SELECT project, toDate(started_at) + 1 AS day, 1 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first, visitor_key, bot, new_user, converted, false AS bounced, false AS engaged, toDecimal64(0, 3) AS duration_seconds, toInt64(0) AS page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) > 0
        AND toUnixTimestamp(started_at) % 86400 >= 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(started_at) - 1 AS day, -1 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first, visitor_key, bot, new_user, converted, false AS bounced, false AS engaged, toDecimal64(0, 3) AS duration_seconds, toInt64(0) AS page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) < 0
        AND toUnixTimestamp(started_at) % 86400 < -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(last_event_at) AS day, 0 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first, toUInt128(0) AS visitor_key, bot, NULL AS new_user, false AS converted, bounced, engaged, duration_seconds, toInt64(page_views) AS page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
    UNION ALL
    SELECT project, toDate(last_event_at) + 1 AS day, 1 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first, toUInt128(0) AS visitor_key, bot, NULL AS new_user, false AS converted, bounced, engaged, duration_seconds, toInt64(page_views) AS page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
        AND ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) > 0
        AND toUnixTimestamp(last_event_at) % 86400 >= 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(last_event_at) - 1 AS day, -1 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first, toUInt128(0) AS visitor_key, bot, NULL AS new_user, false AS converted, bounced, engaged, duration_seconds, toInt64(page_views) AS page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
        AND ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) < 0
        AND toUnixTimestamp(last_event_at) % 86400 < -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
) AS t
ASOF LEFT JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
WHERE intDiv(greatest(toInt64(toUnixTimestamp(at)) + ifNull(o.offset_seconds, 0), 0), 86400)
    = toInt64(intDiv(toUnixTimestamp(at), 86400)) + shift
COMMENT 'For the overviews: each session by the local day of its first event, and in zones of half and quarter hours by that of its last, which metrics tell for others. Sessions that an operator has excluded are not here';

CREATE OR REPLACE VIEW sojourn.day_measures
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Local day',
    measure Enum8('page_views' = 1, 'other_events' = 2, 'conversions' = 3, 'revenue' = 4, 'bounce_rate' = 5, 'engaged_sessions' = 6, 'avg_session_duration' = 7, 'pages_per_session' = 8, 'visitors' = 9, 'sessions' = 10, 'new_users' = 11, 'returning_users' = 12, 'converted' = 13, 'bot_page_views' = 33, 'bot_other_events' = 34, 'bot_conversions' = 35, 'bot_revenue' = 36, 'bot_bounce_rate' = 37, 'bot_engaged_sessions' = 38, 'bot_avg_session_duration' = 39, 'bot_pages_per_session' = 40, 'bot_visitors' = 41, 'bot_sessions' = 42, 'bot_new_users' = 43, 'bot_returning_users' = 44, 'bot_converted' = 45) COMMENT 'What is added: its name in metrics, other_events and conversions for event_count; bot_ before what of it came from bots',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics'
)
AS SELECT project, day, multiIf(metric_type = 'page_views', 1, metric_type = 'event_count', if(dimension_value IN ('purchase', 'conversion'), 3, 2), metric_type = 'revenue', 4,
        metric_type = 'bounce_rate', 5, metric_type = 'engaged_sessions', 6, metric_type = 'avg_session_duration', 7, 8)
        + if(dimension IN ('audience', 'bot:event_type'), 32, 0) AS measure, value, count
FROM sojourn.event_days
WHERE (metric_type, dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
    ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
    OR (metric_type, dimension) IN (('bounce_rate', ''), ('bounce_rate', 'audience'),
    ('engaged_sessions', ''), ('engaged_sessions', 'audience'), ('avg_session_duration', ''), ('avg_session_duration', 'audience'),
    ('pages_per_session', ''), ('pages_per_session', 'audience'))
        AND project NOT IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
COMMENT 'For the overviews: what metrics tell of each day, a row a measure. What is told by the last event of a session is not here for projects in zones of half and quarter hours: see visit_days';

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
AS SELECT m.project AS project, m.bucket AS day,
    sumIf(m.count, m.measure = 'visitors') AS visitors,
    sumIf(m.count, m.measure = 'sessions') AS sessions,
    sumIf(m.count, m.measure = 'new_users') AS new_users,
    sumIf(m.count, m.measure = 'returning_users') AS returning_users,
    sumIf(m.count, m.measure = 'converted') AS converted,
    sumIf(m.count, m.measure = 'page_views') AS page_views,
    sumIf(m.count, m.measure IN ('other_events', 'conversions')) AS events,
    sumIf(m.count, m.measure = 'conversions') AS conversions,
    sumIf(m.value, m.measure = 'revenue') AS revenue,
    sumIf(m.count, m.measure = 'bounce_rate') AS sessions_by_last_event,
    sumIf(m.value, m.measure = 'bounce_rate') AS bounced,
    sumIf(m.count, m.measure = 'engaged_sessions') AS engaged,
    sumIf(m.value, m.measure = 'avg_session_duration') AS duration_seconds,
    sumIf(m.value, m.measure = 'pages_per_session') AS session_page_views,
    if(sessions_by_last_event = 0, NULL, toFloat64(bounced) / sessions_by_last_event) AS bounce_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(engaged) / sessions_by_last_event) AS engagement_rate,
    if(sessions = 0, NULL, toFloat64(converted) / sessions) AS conversion_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(session_page_views) / sessions_by_last_event) AS pages_per_session,
    if(sessions_by_last_event = 0, NULL, toFloat64(duration_seconds) / sessions_by_last_event) AS average_seconds,
    sumIf(m.count, m.measure = 'bot_visitors') AS bot_visitors,
    sumIf(m.count, m.measure = 'bot_sessions') AS bot_sessions,
    sumIf(m.count, m.measure = 'bot_converted') AS bot_converted,
    sumIf(m.count, m.measure = 'bot_page_views') AS bot_page_views,
    sumIf(m.count, m.measure IN ('bot_other_events', 'bot_conversions')) AS bot_events,
    sumIf(m.count, m.measure = 'bot_conversions') AS bot_conversions,
    sumIf(m.value, m.measure = 'bot_revenue') AS bot_revenue,
    sumIf(m.count, m.measure = 'bot_bounce_rate') AS bot_sessions_by_last_event,
    sumIf(m.value, m.measure = 'bot_bounce_rate') AS bot_bounced,
    sumIf(m.count, m.measure = 'bot_engaged_sessions') AS bot_engaged,
    sumIf(m.value, m.measure = 'bot_avg_session_duration') AS bot_duration_seconds,
    sumIf(m.value, m.measure = 'bot_pages_per_session') AS bot_session_page_views
FROM
(
    SELECT t.project AS project, t.bucket AS bucket, CAST(r.1, 'Enum8(\'page_views\' = 1, \'other_events\' = 2, \'conversions\' = 3, \'revenue\' = 4, \'bounce_rate\' = 5, \'engaged_sessions\' = 6, \'avg_session_duration\' = 7, \'pages_per_session\' = 8, \'visitors\' = 9, \'sessions\' = 10, \'new_users\' = 11, \'returning_users\' = 12, \'converted\' = 13, \'bot_page_views\' = 33, \'bot_other_events\' = 34, \'bot_conversions\' = 35, \'bot_revenue\' = 36, \'bot_bounce_rate\' = 37, \'bot_engaged_sessions\' = 38, \'bot_avg_session_duration\' = 39, \'bot_pages_per_session\' = 40, \'bot_visitors\' = 41, \'bot_sessions\' = 42, \'bot_new_users\' = 43, \'bot_returning_users\' = 44, \'bot_converted\' = 45)') AS measure, r.3 AS value, toInt64(r.2) AS count
    FROM
    (
        SELECT s.project AS project, s.day AS bucket, uniqExactIf(s.visitor_key, s.is_first) AS visitors, countIf(s.is_first) AS sessions,
            countIf(s.new_user) AS new_users, countIf(NOT s.new_user) AS returning_users, sum(s.converted) AS converted,
            countIf(NOT s.is_first) AS ends, sum(s.bounced) AS bounced, sum(s.engaged) AS engaged, sum(s.duration_seconds) AS seconds, sum(s.page_views) AS page_views,
            uniqExactIf(s.visitor_key, s.is_first AND s.bot) AS bot_visitors, countIf(s.is_first AND s.bot) AS bot_sessions, sumIf(s.converted, s.bot) AS bot_converted,
            countIf(NOT s.is_first AND s.bot) AS bot_ends, sumIf(s.bounced, s.bot) AS bot_bounced, sumIf(s.engaged, s.bot) AS bot_engaged,
            sumIf(s.duration_seconds, s.bot) AS bot_seconds, sumIf(s.page_views, s.bot) AS bot_page_views
        FROM sojourn.visit_days AS s
        GROUP BY s.project, bucket
    ) AS t
    ARRAY JOIN
    [
        (9, t.visitors, 0), (10, t.sessions, 0), (11, t.new_users, 0), (12, t.returning_users, 0), (13, t.converted, 0),
        (5, t.ends, t.bounced), (6, t.engaged, 0), (7, 0, t.seconds), (8, 0, t.page_views),
        (41, t.bot_visitors, 0), (42, t.bot_sessions, 0), (45, t.bot_converted, 0),
        (37, t.bot_ends, t.bot_bounced), (38, t.bot_engaged, 0), (39, 0, t.bot_seconds), (40, 0, t.bot_page_views)
    ] AS r
    UNION ALL
    SELECT d.project AS project, d.day AS bucket, d.measure AS measure, d.value AS value, d.count AS count
    FROM sojourn.day_measures AS d
) AS m
GROUP BY m.project, m.bucket
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
AS SELECT m.project AS project, m.bucket AS week,
    sumIf(m.count, m.measure = 'visitors') AS visitors,
    sumIf(m.count, m.measure = 'sessions') AS sessions,
    sumIf(m.count, m.measure = 'new_users') AS new_users,
    sumIf(m.count, m.measure = 'returning_users') AS returning_users,
    sumIf(m.count, m.measure = 'converted') AS converted,
    sumIf(m.count, m.measure = 'page_views') AS page_views,
    sumIf(m.count, m.measure IN ('other_events', 'conversions')) AS events,
    sumIf(m.count, m.measure = 'conversions') AS conversions,
    sumIf(m.value, m.measure = 'revenue') AS revenue,
    sumIf(m.count, m.measure = 'bounce_rate') AS sessions_by_last_event,
    sumIf(m.value, m.measure = 'bounce_rate') AS bounced,
    sumIf(m.count, m.measure = 'engaged_sessions') AS engaged,
    sumIf(m.value, m.measure = 'avg_session_duration') AS duration_seconds,
    sumIf(m.value, m.measure = 'pages_per_session') AS session_page_views,
    if(sessions_by_last_event = 0, NULL, toFloat64(bounced) / sessions_by_last_event) AS bounce_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(engaged) / sessions_by_last_event) AS engagement_rate,
    if(sessions = 0, NULL, toFloat64(converted) / sessions) AS conversion_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(session_page_views) / sessions_by_last_event) AS pages_per_session,
    if(sessions_by_last_event = 0, NULL, toFloat64(duration_seconds) / sessions_by_last_event) AS average_seconds,
    sumIf(m.count, m.measure = 'bot_visitors') AS bot_visitors,
    sumIf(m.count, m.measure = 'bot_sessions') AS bot_sessions,
    sumIf(m.count, m.measure = 'bot_converted') AS bot_converted,
    sumIf(m.count, m.measure = 'bot_page_views') AS bot_page_views,
    sumIf(m.count, m.measure IN ('bot_other_events', 'bot_conversions')) AS bot_events,
    sumIf(m.count, m.measure = 'bot_conversions') AS bot_conversions,
    sumIf(m.value, m.measure = 'bot_revenue') AS bot_revenue,
    sumIf(m.count, m.measure = 'bot_bounce_rate') AS bot_sessions_by_last_event,
    sumIf(m.value, m.measure = 'bot_bounce_rate') AS bot_bounced,
    sumIf(m.count, m.measure = 'bot_engaged_sessions') AS bot_engaged,
    sumIf(m.value, m.measure = 'bot_avg_session_duration') AS bot_duration_seconds,
    sumIf(m.value, m.measure = 'bot_pages_per_session') AS bot_session_page_views
FROM
(
    SELECT t.project AS project, t.bucket AS bucket, CAST(r.1, 'Enum8(\'page_views\' = 1, \'other_events\' = 2, \'conversions\' = 3, \'revenue\' = 4, \'bounce_rate\' = 5, \'engaged_sessions\' = 6, \'avg_session_duration\' = 7, \'pages_per_session\' = 8, \'visitors\' = 9, \'sessions\' = 10, \'new_users\' = 11, \'returning_users\' = 12, \'converted\' = 13, \'bot_page_views\' = 33, \'bot_other_events\' = 34, \'bot_conversions\' = 35, \'bot_revenue\' = 36, \'bot_bounce_rate\' = 37, \'bot_engaged_sessions\' = 38, \'bot_avg_session_duration\' = 39, \'bot_pages_per_session\' = 40, \'bot_visitors\' = 41, \'bot_sessions\' = 42, \'bot_new_users\' = 43, \'bot_returning_users\' = 44, \'bot_converted\' = 45)') AS measure, r.3 AS value, toInt64(r.2) AS count
    FROM
    (
        SELECT s.project AS project, toMonday(s.day) AS bucket, uniqExactIf(s.visitor_key, s.is_first) AS visitors, countIf(s.is_first) AS sessions,
            countIf(s.new_user) AS new_users, countIf(NOT s.new_user) AS returning_users, sum(s.converted) AS converted,
            countIf(NOT s.is_first) AS ends, sum(s.bounced) AS bounced, sum(s.engaged) AS engaged, sum(s.duration_seconds) AS seconds, sum(s.page_views) AS page_views,
            uniqExactIf(s.visitor_key, s.is_first AND s.bot) AS bot_visitors, countIf(s.is_first AND s.bot) AS bot_sessions, sumIf(s.converted, s.bot) AS bot_converted,
            countIf(NOT s.is_first AND s.bot) AS bot_ends, sumIf(s.bounced, s.bot) AS bot_bounced, sumIf(s.engaged, s.bot) AS bot_engaged,
            sumIf(s.duration_seconds, s.bot) AS bot_seconds, sumIf(s.page_views, s.bot) AS bot_page_views
        FROM sojourn.visit_days AS s
        GROUP BY s.project, bucket
    ) AS t
    ARRAY JOIN
    [
        (9, t.visitors, 0), (10, t.sessions, 0), (11, t.new_users, 0), (12, t.returning_users, 0), (13, t.converted, 0),
        (5, t.ends, t.bounced), (6, t.engaged, 0), (7, 0, t.seconds), (8, 0, t.page_views),
        (41, t.bot_visitors, 0), (42, t.bot_sessions, 0), (45, t.bot_converted, 0),
        (37, t.bot_ends, t.bot_bounced), (38, t.bot_engaged, 0), (39, 0, t.bot_seconds), (40, 0, t.bot_page_views)
    ] AS r
    UNION ALL
    SELECT d.project AS project, toMonday(d.day) AS bucket, d.measure AS measure, d.value AS value, d.count AS count
    FROM sojourn.day_measures AS d
) AS m
GROUP BY m.project, m.bucket
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
AS SELECT m.project AS project, m.bucket AS week,
    sumIf(m.count, m.measure = 'visitors') AS visitors,
    sumIf(m.count, m.measure = 'sessions') AS sessions,
    sumIf(m.count, m.measure = 'new_users') AS new_users,
    sumIf(m.count, m.measure = 'returning_users') AS returning_users,
    sumIf(m.count, m.measure = 'converted') AS converted,
    sumIf(m.count, m.measure = 'page_views') AS page_views,
    sumIf(m.count, m.measure IN ('other_events', 'conversions')) AS events,
    sumIf(m.count, m.measure = 'conversions') AS conversions,
    sumIf(m.value, m.measure = 'revenue') AS revenue,
    sumIf(m.count, m.measure = 'bounce_rate') AS sessions_by_last_event,
    sumIf(m.value, m.measure = 'bounce_rate') AS bounced,
    sumIf(m.count, m.measure = 'engaged_sessions') AS engaged,
    sumIf(m.value, m.measure = 'avg_session_duration') AS duration_seconds,
    sumIf(m.value, m.measure = 'pages_per_session') AS session_page_views,
    if(sessions_by_last_event = 0, NULL, toFloat64(bounced) / sessions_by_last_event) AS bounce_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(engaged) / sessions_by_last_event) AS engagement_rate,
    if(sessions = 0, NULL, toFloat64(converted) / sessions) AS conversion_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(session_page_views) / sessions_by_last_event) AS pages_per_session,
    if(sessions_by_last_event = 0, NULL, toFloat64(duration_seconds) / sessions_by_last_event) AS average_seconds,
    sumIf(m.count, m.measure = 'bot_visitors') AS bot_visitors,
    sumIf(m.count, m.measure = 'bot_sessions') AS bot_sessions,
    sumIf(m.count, m.measure = 'bot_converted') AS bot_converted,
    sumIf(m.count, m.measure = 'bot_page_views') AS bot_page_views,
    sumIf(m.count, m.measure IN ('bot_other_events', 'bot_conversions')) AS bot_events,
    sumIf(m.count, m.measure = 'bot_conversions') AS bot_conversions,
    sumIf(m.value, m.measure = 'bot_revenue') AS bot_revenue,
    sumIf(m.count, m.measure = 'bot_bounce_rate') AS bot_sessions_by_last_event,
    sumIf(m.value, m.measure = 'bot_bounce_rate') AS bot_bounced,
    sumIf(m.count, m.measure = 'bot_engaged_sessions') AS bot_engaged,
    sumIf(m.value, m.measure = 'bot_avg_session_duration') AS bot_duration_seconds,
    sumIf(m.value, m.measure = 'bot_pages_per_session') AS bot_session_page_views
FROM
(
    SELECT t.project AS project, t.bucket AS bucket, CAST(r.1, 'Enum8(\'page_views\' = 1, \'other_events\' = 2, \'conversions\' = 3, \'revenue\' = 4, \'bounce_rate\' = 5, \'engaged_sessions\' = 6, \'avg_session_duration\' = 7, \'pages_per_session\' = 8, \'visitors\' = 9, \'sessions\' = 10, \'new_users\' = 11, \'returning_users\' = 12, \'converted\' = 13, \'bot_page_views\' = 33, \'bot_other_events\' = 34, \'bot_conversions\' = 35, \'bot_revenue\' = 36, \'bot_bounce_rate\' = 37, \'bot_engaged_sessions\' = 38, \'bot_avg_session_duration\' = 39, \'bot_pages_per_session\' = 40, \'bot_visitors\' = 41, \'bot_sessions\' = 42, \'bot_new_users\' = 43, \'bot_returning_users\' = 44, \'bot_converted\' = 45)') AS measure, r.3 AS value, toInt64(r.2) AS count
    FROM
    (
        SELECT s.project AS project, toStartOfWeek(s.day, 0) AS bucket, uniqExactIf(s.visitor_key, s.is_first) AS visitors, countIf(s.is_first) AS sessions,
            countIf(s.new_user) AS new_users, countIf(NOT s.new_user) AS returning_users, sum(s.converted) AS converted,
            countIf(NOT s.is_first) AS ends, sum(s.bounced) AS bounced, sum(s.engaged) AS engaged, sum(s.duration_seconds) AS seconds, sum(s.page_views) AS page_views,
            uniqExactIf(s.visitor_key, s.is_first AND s.bot) AS bot_visitors, countIf(s.is_first AND s.bot) AS bot_sessions, sumIf(s.converted, s.bot) AS bot_converted,
            countIf(NOT s.is_first AND s.bot) AS bot_ends, sumIf(s.bounced, s.bot) AS bot_bounced, sumIf(s.engaged, s.bot) AS bot_engaged,
            sumIf(s.duration_seconds, s.bot) AS bot_seconds, sumIf(s.page_views, s.bot) AS bot_page_views
        FROM sojourn.visit_days AS s
        GROUP BY s.project, bucket
    ) AS t
    ARRAY JOIN
    [
        (9, t.visitors, 0), (10, t.sessions, 0), (11, t.new_users, 0), (12, t.returning_users, 0), (13, t.converted, 0),
        (5, t.ends, t.bounced), (6, t.engaged, 0), (7, 0, t.seconds), (8, 0, t.page_views),
        (41, t.bot_visitors, 0), (42, t.bot_sessions, 0), (45, t.bot_converted, 0),
        (37, t.bot_ends, t.bot_bounced), (38, t.bot_engaged, 0), (39, 0, t.bot_seconds), (40, 0, t.bot_page_views)
    ] AS r
    UNION ALL
    SELECT d.project AS project, toStartOfWeek(d.day, 0) AS bucket, d.measure AS measure, d.value AS value, d.count AS count
    FROM sojourn.day_measures AS d
) AS m
GROUP BY m.project, m.bucket
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
AS SELECT m.project AS project, m.bucket AS month,
    sumIf(m.count, m.measure = 'visitors') AS visitors,
    sumIf(m.count, m.measure = 'sessions') AS sessions,
    sumIf(m.count, m.measure = 'new_users') AS new_users,
    sumIf(m.count, m.measure = 'returning_users') AS returning_users,
    sumIf(m.count, m.measure = 'converted') AS converted,
    sumIf(m.count, m.measure = 'page_views') AS page_views,
    sumIf(m.count, m.measure IN ('other_events', 'conversions')) AS events,
    sumIf(m.count, m.measure = 'conversions') AS conversions,
    sumIf(m.value, m.measure = 'revenue') AS revenue,
    sumIf(m.count, m.measure = 'bounce_rate') AS sessions_by_last_event,
    sumIf(m.value, m.measure = 'bounce_rate') AS bounced,
    sumIf(m.count, m.measure = 'engaged_sessions') AS engaged,
    sumIf(m.value, m.measure = 'avg_session_duration') AS duration_seconds,
    sumIf(m.value, m.measure = 'pages_per_session') AS session_page_views,
    if(sessions_by_last_event = 0, NULL, toFloat64(bounced) / sessions_by_last_event) AS bounce_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(engaged) / sessions_by_last_event) AS engagement_rate,
    if(sessions = 0, NULL, toFloat64(converted) / sessions) AS conversion_rate,
    if(sessions_by_last_event = 0, NULL, toFloat64(session_page_views) / sessions_by_last_event) AS pages_per_session,
    if(sessions_by_last_event = 0, NULL, toFloat64(duration_seconds) / sessions_by_last_event) AS average_seconds,
    sumIf(m.count, m.measure = 'bot_visitors') AS bot_visitors,
    sumIf(m.count, m.measure = 'bot_sessions') AS bot_sessions,
    sumIf(m.count, m.measure = 'bot_converted') AS bot_converted,
    sumIf(m.count, m.measure = 'bot_page_views') AS bot_page_views,
    sumIf(m.count, m.measure IN ('bot_other_events', 'bot_conversions')) AS bot_events,
    sumIf(m.count, m.measure = 'bot_conversions') AS bot_conversions,
    sumIf(m.value, m.measure = 'bot_revenue') AS bot_revenue,
    sumIf(m.count, m.measure = 'bot_bounce_rate') AS bot_sessions_by_last_event,
    sumIf(m.value, m.measure = 'bot_bounce_rate') AS bot_bounced,
    sumIf(m.count, m.measure = 'bot_engaged_sessions') AS bot_engaged,
    sumIf(m.value, m.measure = 'bot_avg_session_duration') AS bot_duration_seconds,
    sumIf(m.value, m.measure = 'bot_pages_per_session') AS bot_session_page_views
FROM
(
    SELECT t.project AS project, t.bucket AS bucket, CAST(r.1, 'Enum8(\'page_views\' = 1, \'other_events\' = 2, \'conversions\' = 3, \'revenue\' = 4, \'bounce_rate\' = 5, \'engaged_sessions\' = 6, \'avg_session_duration\' = 7, \'pages_per_session\' = 8, \'visitors\' = 9, \'sessions\' = 10, \'new_users\' = 11, \'returning_users\' = 12, \'converted\' = 13, \'bot_page_views\' = 33, \'bot_other_events\' = 34, \'bot_conversions\' = 35, \'bot_revenue\' = 36, \'bot_bounce_rate\' = 37, \'bot_engaged_sessions\' = 38, \'bot_avg_session_duration\' = 39, \'bot_pages_per_session\' = 40, \'bot_visitors\' = 41, \'bot_sessions\' = 42, \'bot_new_users\' = 43, \'bot_returning_users\' = 44, \'bot_converted\' = 45)') AS measure, r.3 AS value, toInt64(r.2) AS count
    FROM
    (
        SELECT s.project AS project, toStartOfMonth(s.day) AS bucket, uniqExactIf(s.visitor_key, s.is_first) AS visitors, countIf(s.is_first) AS sessions,
            countIf(s.new_user) AS new_users, countIf(NOT s.new_user) AS returning_users, sum(s.converted) AS converted,
            countIf(NOT s.is_first) AS ends, sum(s.bounced) AS bounced, sum(s.engaged) AS engaged, sum(s.duration_seconds) AS seconds, sum(s.page_views) AS page_views,
            uniqExactIf(s.visitor_key, s.is_first AND s.bot) AS bot_visitors, countIf(s.is_first AND s.bot) AS bot_sessions, sumIf(s.converted, s.bot) AS bot_converted,
            countIf(NOT s.is_first AND s.bot) AS bot_ends, sumIf(s.bounced, s.bot) AS bot_bounced, sumIf(s.engaged, s.bot) AS bot_engaged,
            sumIf(s.duration_seconds, s.bot) AS bot_seconds, sumIf(s.page_views, s.bot) AS bot_page_views
        FROM sojourn.visit_days AS s
        GROUP BY s.project, bucket
    ) AS t
    ARRAY JOIN
    [
        (9, t.visitors, 0), (10, t.sessions, 0), (11, t.new_users, 0), (12, t.returning_users, 0), (13, t.converted, 0),
        (5, t.ends, t.bounced), (6, t.engaged, 0), (7, 0, t.seconds), (8, 0, t.page_views),
        (41, t.bot_visitors, 0), (42, t.bot_sessions, 0), (45, t.bot_converted, 0),
        (37, t.bot_ends, t.bot_bounced), (38, t.bot_engaged, 0), (39, 0, t.bot_seconds), (40, 0, t.bot_page_views)
    ] AS r
    UNION ALL
    SELECT d.project AS project, toStartOfMonth(d.day) AS bucket, d.measure AS measure, d.value AS value, d.count AS count
    FROM sojourn.day_measures AS d
) AS m
GROUP BY m.project, m.bucket
COMMENT 'One row a month, in the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots'
