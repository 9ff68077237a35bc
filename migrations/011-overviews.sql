-- Days of a project's own time zone, exact to the clock change, and views that nobody can misread: a row a bucket, a column
-- a measure.
--
-- A local day is the UTC day, the one after or the one before. So each source is read once for each of the three, with the
-- day as a plain function of the time: a condition on `day` then reaches the index, which it could not through the offset
-- that the join finds. The join decides which of the three is true. What cannot be is left out before it: clocks are 14 hours
-- ahead of UTC and 12 behind at most, and sessions of projects that are never ahead, or never behind, need not be looked at.
--
-- No local day or hour begins within a quarter of an hour of UTC (docs/decisions/032), so a session within one is in one row.
--
-- 'UTC' is said wherever a time is made: a number or a DateTime without a zone is otherwise told in that of the server, or of
-- whoever asks (session_timezone), by toDate too.
CREATE VIEW sojourn.session_days
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
    page_views UInt64 COMMENT 'See sessions'
)
AS SELECT t.project AS project, day, is_first, is_last, visitor, entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
FROM
(
    SELECT project, toDate(started_at) AS day, 0 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC')) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
    UNION ALL
    SELECT project, toDate(started_at) + 1 AS day, 1 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC')) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND toHour(started_at) >= 10 AND project IN (SELECT arrayJoin(arrayMap(side -> side.1, arrayFilter(side -> side.2 = 1, (SELECT groupUniqArray((project, sign(offset_seconds))) FROM sojourn.project_clocks FINAL)))))
    UNION ALL
    SELECT project, toDate(started_at) - 1 AS day, -1 AS shift, toDateTime(started_at, 'UTC') AS at, true AS is_first,
        toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC')) AS is_last,
        multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)) AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND toHour(started_at) < 12 AND project IN (SELECT arrayJoin(arrayMap(side -> side.1, arrayFilter(side -> side.2 = -1, (SELECT groupUniqArray((project, sign(offset_seconds))) FROM sojourn.project_clocks FINAL)))))
    UNION ALL
    SELECT project, toDate(last_event_at) AS day, 0 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
    UNION ALL
    SELECT project, toDate(last_event_at) + 1 AS day, 1 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
        AND toHour(last_event_at) >= 10 AND project IN (SELECT arrayJoin(arrayMap(side -> side.1, arrayFilter(side -> side.2 = 1, (SELECT groupUniqArray((project, sign(offset_seconds))) FROM sojourn.project_clocks FINAL)))))
    UNION ALL
    SELECT project, toDate(last_event_at) - 1 AS day, -1 AS shift, toDateTime(last_event_at, 'UTC') AS at, false AS is_first,
        true AS is_last,
        '' AS visitor,
        entry_path, exit_path, bot, new_user, converted, bounced, engaged, duration_seconds, page_views
    FROM sojourn.sessions FINAL WHERE NOT excluded
        AND NOT toStartOfFifteenMinutes(toDateTime(started_at, 'UTC')) = toStartOfFifteenMinutes(toDateTime(last_event_at, 'UTC'))
        AND toHour(last_event_at) < 12 AND project IN (SELECT arrayJoin(arrayMap(side -> side.1, arrayFilter(side -> side.2 = -1, (SELECT groupUniqArray((project, sign(offset_seconds))) FROM sojourn.project_clocks FINAL)))))
) AS t
ASOF LEFT JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
WHERE intDiv(greatest(toInt64(toUnixTimestamp(at)) + ifNull(o.offset_seconds, 0), 0), 86400)
    = toInt64(intDiv(toUnixTimestamp(at), 86400)) + shift
COMMENT 'For the views below: each session by the local day of its first event and by that of its last: one row where both are within a quarter of an hour, else two. Sessions that an operator has excluded are not here';

-- Hours: where offsets are whole hours, an hour is an hour of UTC. Elsewhere it is where the clock shows a full hour, or where
-- a change begins another (shared/zones/local-time.ts).
CREATE VIEW sojourn.session_hours
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
    page_views UInt64 COMMENT 'See sessions'
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
COMMENT 'For the views below: each session by the local hour of its first event and by that of its last: one row where both are within a quarter of an hour, else two. Sessions that an operator has excluded are not here';

-- Amounts of events are kept by hour, those that overviews need by quarter of an hour as well. Hours are enough where offsets
-- are whole hours. Elsewhere what the later quarters of an hour have is put into their own days and taken off the hour's.
CREATE VIEW sojourn.event_days
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Local day of the events',
    metric_type LowCardinality(String) COMMENT 'See metrics',
    dimension LowCardinality(String) COMMENT 'See metrics',
    dimension_value String COMMENT 'See metrics',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics'
)
AS SELECT t.project AS project, day, metric_type, dimension, dimension_value, value, count
FROM
(
    SELECT project, toDate(bucket) AS day, 0 AS shift, bucket AS at, metric_type, dimension, dimension_value, value, count
    FROM sojourn.metrics WHERE granularity = 'hour'
    UNION ALL
    SELECT project, toDate(bucket) + 1 AS day, 1 AS shift, bucket AS at, metric_type, dimension, dimension_value, value, count
    FROM sojourn.metrics WHERE granularity = 'hour'
        AND toHour(bucket) >= 10
    UNION ALL
    SELECT project, toDate(bucket) - 1 AS day, -1 AS shift, bucket AS at, metric_type, dimension, dimension_value, value, count
    FROM sojourn.metrics WHERE granularity = 'hour'
        AND toHour(bucket) < 12
) AS t
ASOF LEFT JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
WHERE intDiv(greatest(toInt64(toUnixTimestamp(at)) + ifNull(o.offset_seconds, 0), 0), 86400)
    = toInt64(intDiv(toUnixTimestamp(at), 86400)) + shift
UNION ALL
SELECT t.project AS project, toDate(toDateTime(greatest(toInt64(toUnixTimestamp(at)) + o.offset_seconds, 0), 'UTC')) AS day, metric_type, dimension, dimension_value, value, count
FROM
(
    SELECT project, if(sign = 1, bucket, toStartOfHour(bucket)) AS at,
        toLowCardinality(replaceOne(toString(metrics.metric_type), '_by_quarter', '')) AS metric_type, dimension, dimension_value,
        metrics.value * sign AS value, metrics.count * sign AS count
    FROM sojourn.metrics ARRAY JOIN [1, -1] AS sign
    WHERE granularity = 'quarter_hour' AND bucket != toStartOfHour(bucket)
        AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
) AS t
ASOF JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
COMMENT 'For the views below: what metrics hold by hour, by local day. Name metric_type and dimension, then sum. By path and by declared dimensions, in zones of half and quarter hours, an hour that is partly of the next day is of the day it begins in';

CREATE VIEW sojourn.event_hours
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Start of the local hour of the events, as an instant of UTC',
    metric_type LowCardinality(String) COMMENT 'See metrics',
    dimension LowCardinality(String) COMMENT 'See metrics',
    dimension_value String COMMENT 'See metrics',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics'
)
AS SELECT project, bucket AS hour, metric_type, dimension, dimension_value, value, count
FROM sojourn.metrics WHERE granularity = 'hour'
    AND project NOT IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
UNION ALL
SELECT t.project AS project,
    if(toInt64(toUnixTimestamp(at)) - positiveModulo(toInt64(toUnixTimestamp(at)) + o.offset_seconds, 3600) < toInt64(toUnixTimestamp(o.starts_at)),
        o.hour_starts_at, toDateTime(toInt64(toUnixTimestamp(at)) - positiveModulo(toInt64(toUnixTimestamp(at)) + o.offset_seconds, 3600), 'UTC')) AS hour,
    metric_type, dimension, dimension_value, value, count
FROM
(
    SELECT project, bucket AS at, metric_type, dimension, dimension_value, value, count
    FROM sojourn.metrics WHERE granularity = 'hour'
        AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
    UNION ALL
    SELECT project, if(sign = 1, bucket, toStartOfHour(bucket)) AS at,
        toLowCardinality(replaceOne(toString(metrics.metric_type), '_by_quarter', '')) AS metric_type, dimension, dimension_value,
        metrics.value * sign AS value, metrics.count * sign AS count
    FROM sojourn.metrics ARRAY JOIN [1, -1] AS sign
    WHERE granularity = 'quarter_hour' AND bucket != toStartOfHour(bucket)
        AND project IN (SELECT arrayJoin((SELECT groupUniqArray(project) FROM sojourn.project_clocks FINAL WHERE offset_seconds % 3600 != 0 OR starts_at < toDateTime(4294967295, 'UTC') AND toUnixTimestamp(starts_at) % 3600 != 0)))
) AS t
ASOF JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
COMMENT 'For the views below: what metrics hold by hour, by local hour. Name metric_type and dimension, then sum';

CREATE VIEW sojourn.overview_day_parts
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Local day',
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
AS SELECT t.project AS project, t.day AS day, t.bot AS bot, uniqExactStateIf(t.visitor, t.is_first) AS visitors,
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
FROM sojourn.session_days AS t
GROUP BY t.project, t.day, t.bot
UNION ALL
SELECT t.project AS project, t.day AS day, false AS bot, uniqExactStateIf('', false) AS visitors,
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
FROM sojourn.event_days AS t
WHERE (t.metric_type, t.dimension) IN (('page_views', ''), ('page_views', 'audience'), ('event_count', 'event_type'),
    ('event_count', 'bot:event_type'), ('revenue', ''), ('revenue', 'audience'))
GROUP BY t.project, t.day
COMMENT 'For the overviews: sums and states, by local day. A day can have several rows';

CREATE VIEW sojourn.overview_hour_parts
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
COMMENT 'For the overviews: sums and states, by local hour. A hour can have several rows';

-- The hour is an instant of UTC, and what clocks showed is a text: a tool that puts times into a zone of its own leaves it alone.
CREATE VIEW sojourn.overview_hourly
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Start of the local hour, as an instant of UTC',
    local_hour String COMMENT 'What clocks of the project showed at its start, and their offset, for example 2026-10-25 02:00 +02:00; a text, so that no tool shifts it',
    visitors UInt64 COMMENT 'Distinct visitors of the sessions that began in the hour: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
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
    bot_visitors UInt64 COMMENT 'Of visitors, those that were bots in a session',
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

CREATE VIEW sojourn.overview_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    visitors UInt64 COMMENT 'Distinct visitors of the sessions that began in the day: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
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
    bot_visitors UInt64 COMMENT 'Of visitors, those that were bots in a session',
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
AS SELECT p.project AS project, p.day AS day,
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
FROM sojourn.overview_day_parts AS p
GROUP BY p.project, p.day
COMMENT 'One row a day of the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE VIEW sojourn.overview_weekly_monday
(
    project LowCardinality(String) COMMENT 'Tenant',
    week Date COMMENT 'Monday that the week begins with',
    visitors UInt64 COMMENT 'Distinct visitors of the sessions that began in the week: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
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
    bot_visitors UInt64 COMMENT 'Of visitors, those that were bots in a session',
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
AS SELECT p.project AS project, toMonday(p.day) AS week,
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
FROM sojourn.overview_day_parts AS p
GROUP BY p.project, toMonday(p.day)
COMMENT 'One row a week from Monday, in the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE VIEW sojourn.overview_weekly_sunday
(
    project LowCardinality(String) COMMENT 'Tenant',
    week Date COMMENT 'Sunday that the week begins with',
    visitors UInt64 COMMENT 'Distinct visitors of the sessions that began in the week: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
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
    bot_visitors UInt64 COMMENT 'Of visitors, those that were bots in a session',
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
AS SELECT p.project AS project, toStartOfWeek(p.day, 0) AS week,
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
FROM sojourn.overview_day_parts AS p
GROUP BY p.project, toStartOfWeek(p.day, 0)
COMMENT 'One row a week from Sunday, in the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE VIEW sojourn.overview_monthly
(
    project LowCardinality(String) COMMENT 'Tenant',
    month Date COMMENT 'First day of the month',
    visitors UInt64 COMMENT 'Distinct visitors of the sessions that began in the month: by visitor id, else by user id, else by session. Never add up buckets: who comes in two of them is one visitor',
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
    bot_visitors UInt64 COMMENT 'Of visitors, those that were bots in a session',
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
AS SELECT p.project AS project, toStartOfMonth(p.day) AS month,
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
FROM sojourn.overview_day_parts AS p
GROUP BY p.project, toStartOfMonth(p.day)
COMMENT 'One row a month, in the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots';

CREATE VIEW sojourn.visits
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
    version UInt64 COMMENT 'Number of the write; the greatest wins'
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

-- By attribute of the sessions: everything of a session is in the row of the day of its first event, so that shares are of the
-- same sessions.
CREATE VIEW sojourn.channels_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    channel String COMMENT 'How visitors came, for example Organic Search; Direct where nothing tells',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.sources_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    source String COMMENT 'Traffic source; Direct where there is none',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.campaigns_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    campaign String COMMENT 'Campaign; (none) where there is none',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.devices_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    device String COMMENT 'Device type; (none) where nobody said',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.countries_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    country String COMMENT 'Country; (none) where nobody said',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.browsers_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    browser String COMMENT 'Browser; (none) where nobody said',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.systems_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    os String COMMENT 'Operating system; (none) where nobody said',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.entry_pages_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    path String COMMENT 'Path of the first page view; (none) where there was no page',
    sessions UInt64 COMMENT 'Sessions whose first event lies in the day',
    visitors UInt64 COMMENT 'Distinct visitors of these sessions. Never add up rows: who comes twice is one visitor',
    page_views UInt64 COMMENT 'Page views of these sessions, on whatever day',
    bounced UInt64 COMMENT 'Of these sessions, those with exactly 1 page view and no conversion',
    engaged UInt64 COMMENT 'Of these sessions, those of at least 10 s, or with at least 2 page views, or converted',
    converted UInt64 COMMENT 'Of these sessions, those with at least one purchase or conversion',
    conversions UInt64 COMMENT 'Purchases and conversions of these sessions',
    duration_seconds Decimal(38, 3) COMMENT 'Seconds from first to last event, of these sessions',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions, whatever the currency',
    bot_sessions UInt64 COMMENT 'Of sessions, those of bots',
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

CREATE VIEW sojourn.pages_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    path String COMMENT 'Path of the page',
    page_views Int64 COMMENT 'Page views in the day. In zones of half and quarter hours the hour around midnight is of the day it begins in',
    bot_page_views Int64 COMMENT 'Of page_views, what came from bots',
    entries Int64 COMMENT 'Sessions whose first event lies in the day, and whose first page view was this page',
    exits Int64 COMMENT 'Sessions whose last event lies in the day, and whose last page view was this page'
)
AS SELECT t.project AS project, t.day AS day, t.path AS path,
    sum(t.views) AS page_views, sum(t.bot_views) AS bot_page_views, sum(t.first_of) AS entries, sum(t.last_of) AS exits
FROM
(
    SELECT project, day, dimension_value AS path, if(dimension = 'path', count, 0) AS views,
        if(dimension = 'path', 0, count) AS bot_views, 0 AS first_of, 0 AS last_of
    FROM sojourn.event_days
    WHERE metric_type = 'page_views' AND dimension IN ('path', 'bot:path')
    UNION ALL
    SELECT project, day, page.1 AS path, 0 AS views, 0 AS bot_views, page.2 AS first_of, page.3 AS last_of
    FROM sojourn.session_days
    ARRAY JOIN [(entry_path, toInt64(is_first), toInt64(0)), (exit_path, toInt64(0), toInt64(is_last))] AS page
    WHERE page.1 != '' AND (page.2 != 0 OR page.3 != 0)
) AS t
GROUP BY t.project, t.day, t.path
HAVING page_views != 0 OR entries != 0 OR exits != 0
COMMENT 'Page views, entries and exits by path and day, in the time zone of the project';

CREATE VIEW sojourn.events_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    event_type String COMMENT 'purchase, conversion, or what the producer calls its event',
    events Int64 COMMENT 'Events of that type in the day',
    bot_events Int64 COMMENT 'Of events, what came from bots'
)
AS SELECT t.project AS project, t.day AS day, t.dimension_value AS event_type,
    sumIf(t.count, t.dimension = 'event_type') AS events, sumIf(t.count, t.dimension != 'event_type') AS bot_events
FROM sojourn.event_days AS t
WHERE t.metric_type = 'event_count' AND t.dimension IN ('event_type', 'bot:event_type')
GROUP BY t.project, t.day, t.dimension_value
HAVING events != 0
COMMENT 'Purchases, conversions and custom events by type and day, in the time zone of the project';

-- What has no currency has no row of its own in metrics: it is the total, less what has one.
CREATE VIEW sojourn.revenue_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    currency String COMMENT 'Currency; (none) where none was given',
    revenue Decimal(38, 9) COMMENT 'Revenue of purchases and conversions in the day, refunds taken off. Only of one currency does a sum mean something',
    payments Int64 COMMENT 'Purchases and conversions with a revenue other than 0'
)
AS SELECT t.project AS project, t.day AS day, t.currency AS currency, sum(t.value) AS revenue, sum(t.count) AS payments
FROM
(
    SELECT project, day, if(sign = 1 AND dimension = 'currency', dimension_value, '(none)') AS currency,
        event_days.value * if(dimension = '', 1, sign) AS value, event_days.count * if(dimension = '', 1, sign) AS count
    FROM sojourn.event_days ARRAY JOIN if(dimension = '', [1], [1, -1]) AS sign
    WHERE metric_type = 'revenue' AND dimension IN ('', 'currency')
) AS t
GROUP BY t.project, t.day, t.currency
HAVING revenue != 0 OR payments != 0
COMMENT 'Revenue by currency and day, in the time zone of the project';

CREATE OR REPLACE VIEW sojourn.visitors_now
(
    project LowCardinality(String) COMMENT 'Tenant',
    visitors UInt64 COMMENT 'Distinct visitors of sessions that are open and have written in the last 5 minutes: by visitor id, else by user id, else by session',
    bot_visitors UInt64 COMMENT 'Of visitors, those that are bots'
)
AS SELECT project, uniqExact(multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id))) AS visitors,
    uniqExactIf(multiIf(visitor_id != '', concat('v ', visitor_id), user_id != '', concat('u ', user_id), concat('s ', first_run_id)), bot) AS bot_visitors
FROM sojourn.sessions FINAL
WHERE state = 'open' AND NOT excluded AND updated_at >= now64(3) - INTERVAL 5 MINUTE
GROUP BY project
COMMENT 'Visitors on the site right now'
