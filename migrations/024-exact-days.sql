-- Days by path, by what projects declare and by conversion type, exact in zones of half and quarter hours too: an event in
-- the hour of UTC that is of two local days brings a row by quarter of an hour besides (docs/decisions/040). Such rows are
-- moved into their own day as totals are, by views that need no more than new comments for it.
CREATE OR REPLACE VIEW sojourn.event_days
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Local day of the events',
    metric_type LowCardinality(String) COMMENT 'See metrics',
    dimension LowCardinality(String) COMMENT 'See metrics',
    dimension_value String COMMENT 'See metrics',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics',
    is_correction Bool COMMENT 'The row puts quarters of an hour into their own days. What sessions have by hour only is compared with rows that are none'
)
AS SELECT t.project AS project, day, metric_type, dimension, dimension_value, value, count, false AS is_correction
FROM
(
    SELECT project, toDate(bucket) AS day, 0 AS shift, bucket AS at, metric_type, dimension, dimension_value, value, count
    FROM sojourn.metrics WHERE granularity = 'hour'
    UNION ALL
    SELECT project, toDate(bucket) + 1 AS day, 1 AS shift, bucket AS at, metric_type, dimension, dimension_value, value, count
    FROM sojourn.metrics WHERE granularity = 'hour'
        AND ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) > 0
        AND toUnixTimestamp(bucket) % 86400 >= 86400 - ifNull((SELECT greatest(max(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
    UNION ALL
    SELECT project, toDate(bucket) - 1 AS day, -1 AS shift, bucket AS at, metric_type, dimension, dimension_value, value, count
    FROM sojourn.metrics WHERE granularity = 'hour'
        AND ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0) < 0
        AND toUnixTimestamp(bucket) % 86400 < -ifNull((SELECT least(min(offset_seconds), 0) FROM sojourn.project_clocks FINAL), 0)
) AS t
ASOF LEFT JOIN sojourn.project_clocks AS o FINAL ON o.project = t.project AND t.at >= o.starts_at
WHERE intDiv(greatest(toInt64(toUnixTimestamp(at)) + ifNull(o.offset_seconds, 0), 0), 86400)
    = toInt64(intDiv(toUnixTimestamp(at), 86400)) + shift
UNION ALL
SELECT t.project AS project, toDate(toDateTime(greatest(toInt64(toUnixTimestamp(at)) + o.offset_seconds, 0), 'UTC')) AS day, metric_type, dimension, dimension_value, value, count,
    true AS is_correction
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
COMMENT 'For the views below: what metrics hold by hour, by local day. Name metric_type and dimension, then sum';

CREATE OR REPLACE VIEW sojourn.pages_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    path String COMMENT 'Path of the page',
    page_views Int64 COMMENT 'Page views in the day. In zones of half and quarter hours, of sessions that began before catalogue 3, the hour around midnight is of the day it begins in',
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

CREATE OR REPLACE VIEW sojourn.event_dimensions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project. In zones of half and quarter hours, of sessions that began before catalogue 3, the hour around midnight is of the day it begins in',
    dimension LowCardinality(String) COMMENT 'Name of the declared dimension. Choose one: an event that brings two of them is in both',
    dimension_value String COMMENT 'Value that the event itself brought; events without one are not here',
    page_views Int64 COMMENT 'Page views that brought the value',
    events Int64 COMMENT 'Purchases, conversions and custom events that brought the value',
    bot_page_views Int64 COMMENT 'Of page_views, what came from bots',
    bot_events Int64 COMMENT 'Of events, what came from bots'
)
AS SELECT t.project AS project, t.day AS day, toLowCardinality(replaceRegexpOne(toString(t.dimension), '^bot:', '')) AS dimension, t.dimension_value AS dimension_value,
    sumIf(t.count, t.metric_type = 'page_views' AND NOT startsWith(t.dimension, 'bot:')) AS page_views,
    sumIf(t.count, t.metric_type = 'event_count' AND NOT startsWith(t.dimension, 'bot:')) AS events,
    sumIf(t.count, t.metric_type = 'page_views' AND startsWith(t.dimension, 'bot:')) AS bot_page_views,
    sumIf(t.count, t.metric_type = 'event_count' AND startsWith(t.dimension, 'bot:')) AS bot_events
FROM sojourn.event_days AS t
WHERE t.metric_type IN ('page_views', 'event_count') AND t.dimension NOT IN ('', 'audience', 'path', 'bot:path', 'event_type', 'bot:event_type')
GROUP BY t.project, t.day, replaceRegexpOne(toString(t.dimension), '^bot:', ''), t.dimension_value
HAVING page_views != 0 OR events != 0
COMMENT 'Page views and events by the declared dimensions that they bring, by day, in the time zone of the project. Choose one dimension';

-- What has no type is all, less what has one, so both are moved alike: all by hour, with what conversion_rate_by_quarter
-- of no dimension moves. The quarters of event_count would move what sessions of before have, and their types stay.
CREATE OR REPLACE VIEW sojourn.conversions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    conversion_type String COMMENT 'What the event calls its conversion; (none) where it says nothing, as most purchases do',
    conversions Int64 COMMENT 'Purchases and conversions in the day. In zones of half and quarter hours, of sessions that began before catalogue 3, the hour around midnight is of the day it begins in',
    bot_conversions Int64 COMMENT 'Of conversions, what came from bots'
)
AS SELECT t.project AS project, t.day AS day, t.conversion_type AS conversion_type,
    sum(t.amount) AS conversions, sum(t.bot_amount) AS bot_conversions
FROM
(
    SELECT project, day, if(sign = 1 AND dimension IN ('conversion_type', 'bot:conversion_type'), dimension_value, '(none)') AS conversion_type,
        if(dimension = 'audience' OR startsWith(dimension, 'bot:'), 0, event_days.count * sign) AS amount,
        if(dimension = 'audience' OR startsWith(dimension, 'bot:'), event_days.count * sign, 0) AS bot_amount
    FROM sojourn.event_days ARRAY JOIN if(dimension IN ('conversion_type', 'bot:conversion_type'), [1, -1], [1]) AS sign
    WHERE metric_type = 'conversion_rate' AND dimension IN ('', 'audience', 'conversion_type', 'bot:conversion_type')
        OR metric_type = 'event_count' AND NOT is_correction AND dimension IN ('event_type', 'bot:event_type')
            AND dimension_value IN ('purchase', 'conversion')
) AS t
GROUP BY t.project, t.day, t.conversion_type
HAVING conversions != 0 OR bot_conversions != 0
COMMENT 'Purchases and conversions by conversion type and day, in the time zone of the project'
