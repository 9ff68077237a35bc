-- What an operator has taken out of the numbers is in `sessions` still, and in no metric.
CREATE OR REPLACE VIEW sojourn.audit
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    granularity LowCardinality(String) COMMENT 'hour or day; total where only the sum over all time can be compared',
    bucket DateTime('UTC') COMMENT 'Start of the bucket, UTC; 1970-01-01 for a total',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    in_sessions Decimal(38, 9) COMMENT 'Sum of the measured values, worked out from sessions',
    in_metrics Decimal(38, 9) COMMENT 'Sum of the measured values in metrics',
    count_in_sessions Int64 COMMENT 'Number of measurements, worked out from sessions; 0 where sessions do not tell',
    count_in_metrics Int64 COMMENT 'Number of measurements in metrics; 0 where sessions do not tell'
)
AS SELECT project, metric_type, granularity, bucket, dimension, dimension_value,
    sum(session_value) AS in_sessions, sum(metric_value) AS in_metrics,
    sum(session_count) AS count_in_sessions, sum(metric_count) AS count_in_metrics
FROM
(
    SELECT project, toLowCardinality(line.3) AS metric_type, toLowCardinality(line.4) AS granularity,
        greatest(first_hour, first_day, last_hour, last_day) AS bucket, toLowCardinality(line.2) AS dimension,
        concat(traffic_source, device_type, country, browser, os, channel, campaign, entry_path, if(split = 'audience', 'bot', '')) AS dimension_value,
        line.5 AS session_value, toDecimal128(0, 9) AS metric_value,
        line.6 AS session_count, toInt64(0) AS metric_count
    FROM
    (
        SELECT project, first_hour, first_day, last_hour, last_day, traffic_source, device_type, country, browser, os,
            channel, campaign, entry_path, time, split,
            arrayJoin(CAST([
                ('first_hour', '', 'sessions', 'hour', sessions, sessions),
                ('first_day', 'traffic_source', 'sessions', 'day', sessions, sessions),
                ('first_day', 'device_type', 'sessions', 'day', sessions, sessions),
                ('first_day', 'country', 'sessions', 'day', sessions, sessions),
                ('first_day', '', 'new_users', 'day', new_users, new_users),
                ('first_day', '', 'returning_users', 'day', returning_users, returning_users),
                ('last_hour', '', 'engaged_sessions', 'hour', engaged_sessions, engaged_sessions),
                ('last_day', 'traffic_source', 'engaged_sessions', 'day', engaged_sessions, engaged_sessions),
                ('last_hour', '', 'bounce_rate', 'hour', bounces, sessions),
                ('last_hour', '', 'avg_session_duration', 'hour', seconds, sessions),
                ('last_hour', '', 'pages_per_session', 'hour', pages, sessions),
                ('first_day', 'channel', 'sessions', 'day', sessions_2, sessions_2),
                ('last_day', 'channel', 'engaged_sessions', 'day', engaged_2, engaged_2),
                ('last_day', 'channel', 'bounce_rate', 'day', bounces_2, sessions_2),
                ('total', 'channel', 'revenue', 'total', revenue_2, 0),
                ('first_day', 'campaign', 'sessions', 'day', sessions_2, sessions_2),
                ('last_day', 'campaign', 'engaged_sessions', 'day', engaged_2, engaged_2),
                ('last_day', 'campaign', 'bounce_rate', 'day', bounces_2, sessions_2),
                ('total', 'campaign', 'revenue', 'total', revenue_2, 0),
                ('first_day', 'entry_path', 'sessions', 'day', sessions_2, sessions_2),
                ('last_day', 'entry_path', 'engaged_sessions', 'day', engaged_2, engaged_2),
                ('last_day', 'entry_path', 'bounce_rate', 'day', bounces_2, sessions_2),
                ('total', 'entry_path', 'revenue', 'total', revenue_2, 0),
                ('first_day', 'browser', 'sessions', 'day', sessions_2, sessions_2),
                ('last_day', 'browser', 'engaged_sessions', 'day', engaged_2, engaged_2),
                ('last_day', 'browser', 'bounce_rate', 'day', bounces_2, sessions_2),
                ('total', 'browser', 'revenue', 'total', revenue_2, 0),
                ('first_day', 'os', 'sessions', 'day', sessions_2, sessions_2),
                ('last_day', 'os', 'engaged_sessions', 'day', engaged_2, engaged_2),
                ('last_day', 'os', 'bounce_rate', 'day', bounces_2, sessions_2),
                ('total', 'os', 'revenue', 'total', revenue_2, 0),
                ('first_hour', 'audience', 'sessions', 'hour', sessions_2, sessions_2),
                ('first_day', 'audience', 'new_users', 'day', new_users_2, new_users_2),
                ('first_day', 'audience', 'returning_users', 'day', returning_users_2, returning_users_2),
                ('last_hour', 'audience', 'engaged_sessions', 'hour', engaged_2, engaged_2),
                ('last_hour', 'audience', 'bounce_rate', 'hour', bounces_2, sessions_2),
                ('last_hour', 'audience', 'avg_session_duration', 'hour', seconds_2, sessions_2),
                ('last_hour', 'audience', 'pages_per_session', 'hour', pages_2, sessions_2),
                ('total', '', 'page_views', 'total', pages, pages),
                ('total', 'device_type', 'page_views', 'total', pages, pages),
                ('total', 'traffic_source', 'page_views', 'total', pages, pages),
                ('total', 'browser', 'page_views', 'total', pages, pages),
                ('total', 'os', 'page_views', 'total', pages, pages),
                ('total', 'country', 'page_views', 'total', pages, pages),
                ('total', '', 'conversions', 'total', conversion_events, conversion_events),
                ('total', '', 'revenue', 'total', revenue_sum, 0)
            ] AS Array(Tuple(String, String, String, String, Decimal(38, 9), Int64)))) AS line
        FROM
        (
            -- Of the keys only those of a row's own set are filled in, which `time` and `split` name.
            SELECT project, toStartOfHour(started_at) AS first_hour, toStartOfDay(started_at) AS first_day,
                toStartOfHour(last_event_at) AS last_hour, toStartOfDay(last_event_at) AS last_day,
                traffic_source, device_type, country, browser, os, channel, campaign, entry_path, bot,
                multiIf(grouping(first_hour) = 0, 'first_hour', grouping(first_day) = 0, 'first_day',
                    grouping(last_hour) = 0, 'last_hour', grouping(last_day) = 0, 'last_day', 'total') AS time,
                multiIf(grouping(traffic_source) = 0, 'traffic_source', grouping(device_type) = 0, 'device_type',
                    grouping(country) = 0, 'country', grouping(browser) = 0, 'browser', grouping(os) = 0, 'os',
                    grouping(channel) = 0, 'channel', grouping(campaign) = 0, 'campaign', grouping(entry_path) = 0, 'entry_path',
                    grouping(bot) = 0, if(bot, 'audience', 'people'), '') AS split,
                count() AS sessions, countIf(new_user = true) AS new_users, countIf(new_user = false) AS returning_users,
                countIf(engaged) AS engaged_sessions, countIf(bounced) AS bounces, sum(duration_seconds) AS seconds,
                sum(page_views) AS pages, sum(conversions) AS conversion_events, sum(revenue) AS revenue_sum,
                -- What only the second version of the catalogue files.
                countIf(new_user = true AND catalogue >= 2) AS new_users_2, countIf(new_user = false AND catalogue >= 2) AS returning_users_2,
                countIf(catalogue >= 2) AS sessions_2, countIf(engaged AND catalogue >= 2) AS engaged_2, countIf(bounced AND catalogue >= 2) AS bounces_2,
                sumIf(duration_seconds, catalogue >= 2) AS seconds_2, sumIf(page_views, catalogue >= 2) AS pages_2, sumIf(revenue, catalogue >= 2) AS revenue_2
            FROM sojourn.sessions FINAL
            WHERE NOT excluded
            GROUP BY GROUPING SETS (
                (project, first_hour), (project, first_day), (project, last_hour), (project),
                (project, first_day, traffic_source), (project, first_day, device_type), (project, first_day, country),
                (project, last_day, traffic_source), (project, traffic_source), (project, device_type),
                (project, country), (project, browser), (project, os),
                (project, first_day, channel), (project, first_day, campaign), (project, first_day, entry_path),
                (project, first_day, browser), (project, first_day, os),
                (project, last_day, channel), (project, last_day, campaign), (project, last_day, entry_path),
                (project, last_day, browser), (project, last_day, os),
                (project, channel), (project, campaign), (project, entry_path),
                (project, first_hour, bot), (project, first_day, bot), (project, last_hour, bot))
        )
    )
    WHERE line.1 = time AND line.2 = split AND (split = '' OR dimension_value != '') AND (line.5 != 0 OR line.6 != 0)
    UNION ALL
    SELECT project, metric_type, granularity, bucket, dimension, dimension_value,
        toDecimal128(0, 9) AS session_value, value AS metric_value,
        toInt64(0) AS session_count, count AS metric_count
    FROM sojourn.metrics
    WHERE (metric_type, granularity, dimension) IN (
        ('sessions', 'hour', ''), ('sessions', 'day', 'traffic_source'), ('sessions', 'day', 'device_type'),
        ('sessions', 'day', 'country'), ('new_users', 'day', ''), ('returning_users', 'day', ''),
        ('engaged_sessions', 'hour', ''), ('engaged_sessions', 'day', 'traffic_source'), ('bounce_rate', 'hour', ''),
        ('sessions', 'day', 'channel'), ('engaged_sessions', 'day', 'channel'), ('bounce_rate', 'day', 'channel'),
        ('sessions', 'day', 'campaign'), ('engaged_sessions', 'day', 'campaign'), ('bounce_rate', 'day', 'campaign'),
        ('sessions', 'day', 'entry_path'), ('engaged_sessions', 'day', 'entry_path'), ('bounce_rate', 'day', 'entry_path'),
        ('sessions', 'day', 'browser'), ('engaged_sessions', 'day', 'browser'), ('bounce_rate', 'day', 'browser'),
        ('sessions', 'day', 'os'), ('engaged_sessions', 'day', 'os'), ('bounce_rate', 'day', 'os'),
        ('sessions', 'hour', 'audience'), ('new_users', 'day', 'audience'), ('returning_users', 'day', 'audience'), ('engaged_sessions', 'hour', 'audience'), ('bounce_rate', 'hour', 'audience'),
        ('avg_session_duration', 'hour', 'audience'), ('pages_per_session', 'hour', 'audience'),
        ('avg_session_duration', 'hour', ''), ('pages_per_session', 'hour', ''))
    UNION ALL
    SELECT project, metric_type, toLowCardinality('total') AS granularity, toDateTime(0, 'UTC') AS bucket, dimension, dimension_value,
        toDecimal128(0, 9) AS session_value, value AS metric_value,
        toInt64(0) AS session_count, count AS metric_count
    FROM sojourn.metrics
    WHERE (metric_type, metrics.granularity, dimension) IN (
        ('page_views', 'hour', ''), ('page_views', 'day', 'device_type'), ('page_views', 'day', 'traffic_source'),
        ('page_views', 'day', 'browser'), ('page_views', 'day', 'os'), ('page_views', 'day', 'country'))
    UNION ALL
    SELECT project, toLowCardinality('conversions') AS metric_type, toLowCardinality('total') AS granularity,
        toDateTime(0, 'UTC') AS bucket, toLowCardinality('') AS dimension, '' AS dimension_value,
        toDecimal128(0, 9) AS session_value, value AS metric_value,
        toInt64(0) AS session_count, count AS metric_count
    FROM sojourn.metrics
    WHERE metrics.metric_type = 'event_count' AND metrics.granularity = 'hour' AND metrics.dimension = 'event_type'
        AND metrics.dimension_value IN ('purchase', 'conversion')
    UNION ALL
    -- How many conversions carried revenue is not in sessions.
    SELECT project, metric_type, toLowCardinality('total') AS granularity, toDateTime(0, 'UTC') AS bucket, dimension, dimension_value,
        toDecimal128(0, 9) AS session_value, value AS metric_value,
        toInt64(0) AS session_count, toInt64(0) AS metric_count
    FROM sojourn.metrics
    WHERE metric_type = 'revenue' AND (metrics.granularity, dimension) IN (('hour', ''), ('day', 'channel'), ('day', 'campaign'),
        ('day', 'entry_path'), ('day', 'browser'), ('day', 'os'))
)
GROUP BY project, metric_type, granularity, bucket, dimension, dimension_value
HAVING bucket >= (SELECT mapFromArrays(groupArray(name), groupArray(limit_at)) FROM (SELECT toString(project) AS name, max(kept_from) AS limit_at FROM sojourn.kept_from GROUP BY project))[toString(project)]
COMMENT 'Every row of metrics that the table sessions determines, worked out from both. Sessions that an operator has excluded add up to nothing in both. Reads all sessions, also for one project. Of a project whose old rows are deleted: the buckets that are kept, without totals'
