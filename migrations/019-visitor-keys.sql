-- Who a visitor is, as a number that is there already: distinct visitors are half of what an overview of a year costs, and
-- most of that went into reading three texts a session, putting them together and hashing them (docs/decisions/041).
-- ClickHouse works it out of the row itself, also for parts that were written before, so it is never another than the row's.
ALTER TABLE sojourn.sessions ADD COLUMN IF NOT EXISTS visitor_key UInt128
    MATERIALIZED reinterpretAsUInt128(sipHash128(multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id))))
    COMMENT 'Who it was, as a number: a hash of 128 bits of what visits call visitor. What uniqExact makes of a text as well; * does not show it';
-- In the background; until then it is worked out when it is read.
ALTER TABLE sojourn.sessions MATERIALIZE COLUMN visitor_key SETTINGS mutations_sync = 0;

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
    page_views Int64 COMMENT 'See sessions',
    visitor_key UInt128 COMMENT 'See sessions; 0 where is_first is not'
)
AS SELECT t.project AS project, day, is_first, is_last, visitor, entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views, visitor_key
FROM
(
    SELECT project, toDate(started_at) AS day, 0 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views, visitor_key
    FROM sojourn.sessions FINAL WHERE NOT excluded
    UNION ALL
    SELECT project, toDate(started_at) + 1 AS day, 1 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views, visitor_key
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
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views, visitor_key
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) < 0
        AND toUnixTimestamp(started_at) % 86400 < -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(last_event_at) AS day, 0 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views, toUInt128(0) AS visitor_key
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT (toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
            OR toDate(started_at) = toDate(last_event_at)
                AND toUnixTimestamp(started_at) % 86400 >= -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
                AND toUnixTimestamp(last_event_at) % 86400 < 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0))
    UNION ALL
    SELECT project, toDate(last_event_at) + 1 AS day, 1 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views, toUInt128(0) AS visitor_key
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
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views, toUInt128(0) AS visitor_key
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
    uniqExactIf(t.visitor_key, t.is_first) AS visitors,
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
    uniqExactIf(t.visitor_key, t.is_first AND t.bot) AS bot_visitors,
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
    SELECT project, day, is_first, is_last, visitor_key, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, toUInt128(0) AS visitor_key, false AS bot, NULL AS new_user, false AS converted,
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
    uniqExactIf(t.visitor_key, t.is_first) AS visitors,
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
    uniqExactIf(t.visitor_key, t.is_first AND t.bot) AS bot_visitors,
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
    SELECT project, day, is_first, is_last, visitor_key, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, toUInt128(0) AS visitor_key, false AS bot, NULL AS new_user, false AS converted,
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
    uniqExactIf(t.visitor_key, t.is_first) AS visitors,
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
    uniqExactIf(t.visitor_key, t.is_first AND t.bot) AS bot_visitors,
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
    SELECT project, day, is_first, is_last, visitor_key, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, toUInt128(0) AS visitor_key, false AS bot, NULL AS new_user, false AS converted,
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
    uniqExactIf(t.visitor_key, t.is_first) AS visitors,
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
    uniqExactIf(t.visitor_key, t.is_first AND t.bot) AS bot_visitors,
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
    SELECT project, day, is_first, is_last, visitor_key, bot, new_user, converted, bounced, engaged, duration_seconds,
        toInt64(session_days.page_views) AS session_page_views,
        toInt64(0) AS page_views, toInt64(0) AS events, toInt64(0) AS conversions, toDecimal128(0, 9) AS revenue, toInt64(0) AS bot_page_views, toInt64(0) AS bot_events, toInt64(0) AS bot_conversions, toDecimal128(0, 9) AS bot_revenue
    FROM sojourn.session_days
    UNION ALL
    SELECT project, day, false AS is_first, false AS is_last, toUInt128(0) AS visitor_key, false AS bot, NULL AS new_user, false AS converted,
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

-- A condition on the project that a set has to fulfil as well leaves all granules in which its sessions lie beside those of
-- others. A join with nothing reads nothing: whoever asks for a project of whole hours does not read its sessions.
CREATE OR REPLACE VIEW sojourn.totals_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
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
    pages_per_session Nullable(Float64) COMMENT 'session_page_views / sessions_by_last_event; NULL where there are none. Never add up or average',
    average_seconds Nullable(Float64) COMMENT 'duration_seconds / sessions_by_last_event; NULL where there are none. Never add up or average',
    bot_sessions Int64 COMMENT 'Of sessions, what came from bots',
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
AS SELECT p.project AS project, p.day AS day,
    sum(p.sessions) AS sessions,
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
    if(sum(p.sessions_by_last_event) = 0, NULL, toFloat64(sum(p.session_page_views)) / sum(p.sessions_by_last_event)) AS pages_per_session,
    if(sum(p.sessions_by_last_event) = 0, NULL, toFloat64(sum(p.duration_seconds)) / sum(p.sessions_by_last_event)) AS average_seconds,
    sum(p.bot_sessions) AS bot_sessions,
    sum(p.bot_page_views) AS bot_page_views,
    sum(p.bot_events) AS bot_events,
    sum(p.bot_conversions) AS bot_conversions,
    sum(p.bot_revenue) AS bot_revenue,
    sum(p.bot_sessions_by_last_event) AS bot_sessions_by_last_event,
    sum(p.bot_bounced) AS bot_bounced,
    sum(p.bot_engaged) AS bot_engaged,
    sum(p.bot_duration_seconds) AS bot_duration_seconds,
    sum(p.bot_session_page_views) AS bot_session_page_views
FROM
(
    SELECT t.project AS project, t.day AS day,
        sumIf(t.count, t.metric_type = 'sessions' AND t.dimension = '') AS sessions,
        sumIf(t.count, t.metric_type = 'page_views' AND t.dimension = '') AS page_views,
        sumIf(t.count, t.dimension = 'event_type') AS events,
        sumIf(t.count, t.dimension = 'event_type' AND t.dimension_value IN ('purchase', 'conversion')) AS conversions,
        sumIf(t.value, t.metric_type = 'revenue' AND t.dimension = '') AS revenue,
        sumIf(t.count, t.metric_type = 'bounce_rate' AND t.dimension = '') AS sessions_by_last_event,
        toInt64(sumIf(t.value, t.metric_type = 'bounce_rate' AND t.dimension = '')) AS bounced,
        sumIf(t.count, t.metric_type = 'engaged_sessions' AND t.dimension = '') AS engaged,
        CAST(sumIf(t.value, t.metric_type = 'avg_session_duration' AND t.dimension = ''), 'Decimal(38, 3)') AS duration_seconds,
        toInt64(sumIf(t.value, t.metric_type = 'pages_per_session' AND t.dimension = '')) AS session_page_views,
        sumIf(t.count, t.metric_type = 'sessions' AND t.dimension = 'audience') AS bot_sessions,
        sumIf(t.count, t.metric_type = 'page_views' AND t.dimension = 'audience') AS bot_page_views,
        sumIf(t.count, t.dimension = 'bot:event_type') AS bot_events,
        sumIf(t.count, t.dimension = 'bot:event_type' AND t.dimension_value IN ('purchase', 'conversion')) AS bot_conversions,
        sumIf(t.value, t.metric_type = 'revenue' AND t.dimension = 'audience') AS bot_revenue,
        sumIf(t.count, t.metric_type = 'bounce_rate' AND t.dimension = 'audience') AS bot_sessions_by_last_event,
        toInt64(sumIf(t.value, t.metric_type = 'bounce_rate' AND t.dimension = 'audience')) AS bot_bounced,
        sumIf(t.count, t.metric_type = 'engaged_sessions' AND t.dimension = 'audience') AS bot_engaged,
        CAST(sumIf(t.value, t.metric_type = 'avg_session_duration' AND t.dimension = 'audience'), 'Decimal(38, 3)') AS bot_duration_seconds,
        toInt64(sumIf(t.value, t.metric_type = 'pages_per_session' AND t.dimension = 'audience')) AS bot_session_page_views
    FROM sojourn.event_days AS t
    WHERE (t.metric_type, t.dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
        ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
        OR (t.metric_type, t.dimension) IN (('sessions', ''), ('sessions', 'audience'), ('bounce_rate', ''), ('bounce_rate', 'audience'), ('engaged_sessions', ''), ('engaged_sessions', 'audience'), ('avg_session_duration', ''), ('avg_session_duration', 'audience'), ('pages_per_session', ''), ('pages_per_session', 'audience'))
            AND t.project NOT IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
    GROUP BY t.project, t.day
    UNION ALL
    SELECT t.project AS project, t.day AS day,
        toInt64(countIf(t.is_first)) AS sessions,
        toInt64(0) AS page_views,
        toInt64(0) AS events,
        toInt64(0) AS conversions,
        toDecimal128(0, 9) AS revenue,
        toInt64(countIf(t.is_last)) AS sessions_by_last_event,
        toInt64(countIf(t.is_last AND t.bounced)) AS bounced,
        toInt64(countIf(t.is_last AND t.engaged)) AS engaged,
        CAST(sumIf(t.duration_seconds, t.is_last), 'Decimal(38, 3)') AS duration_seconds,
        toInt64(sumIf(t.page_views, t.is_last)) AS session_page_views,
        toInt64(countIf(t.is_first AND t.bot)) AS bot_sessions,
        toInt64(0) AS bot_page_views,
        toInt64(0) AS bot_events,
        toInt64(0) AS bot_conversions,
        toDecimal128(0, 9) AS bot_revenue,
        toInt64(countIf(t.is_last AND t.bot)) AS bot_sessions_by_last_event,
        toInt64(countIf(t.is_last AND t.bounced AND t.bot)) AS bot_bounced,
        toInt64(countIf(t.is_last AND t.engaged AND t.bot)) AS bot_engaged,
        CAST(sumIf(t.duration_seconds, t.is_last AND t.bot), 'Decimal(38, 3)') AS bot_duration_seconds,
        toInt64(sumIf(t.page_views, t.is_last AND t.bot)) AS bot_session_page_views
    FROM sojourn.session_days AS t
    INNER JOIN (SELECT DISTINCT project FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0) AS q ON q.project = t.project
    GROUP BY t.project, t.day
) AS p
GROUP BY p.project, p.day
COMMENT 'overview_daily without what has to be counted from sessions (visitors, new and returning users, converted): one row a day of the project time zone, quick over years. All measures are of people and bots together'
