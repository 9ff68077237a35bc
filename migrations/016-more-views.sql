-- What an analyst asks in the first hour and no view answered (docs/questions.md): by medium, referring site, language, screen
-- and version, new against returning, by declared dimensions, conversions by type, revenue by source and currency, and the
-- pattern of a day. As in 011-overviews: a row a bucket and a value, a column a measure.
CREATE VIEW sojourn.mediums_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    medium String COMMENT 'Medium, for example cpc or email; (none) where nothing tells',
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

CREATE VIEW sojourn.referrers_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    referrer String COMMENT 'Host of the site that sent the visitor; (none) where there was none, or where it was an own host',
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

CREATE VIEW sojourn.languages_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    language String COMMENT 'Language as sent, for example de-DE; (none) where none was sent',
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

CREATE VIEW sojourn.screens_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    screen String COMMENT 'Size of the screen as sent, for example 1920x1080; (none) where none was sent',
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

CREATE VIEW sojourn.app_versions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    app_version String COMMENT 'Version of the application as sent; (none) where none was sent',
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

CREATE VIEW sojourn.user_types_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    user_type String COMMENT 'New: the first session of its user to be written; Returning: its user had one before; (none): a session without a user id',
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

-- The rows of one declared dimension add up to all sessions, those of two to twice as many: hence two columns, and no total.
CREATE VIEW sojourn.dimensions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    dimension String COMMENT 'Name of the declared dimension. Choose one: each has all sessions once, so that a sum over several counts them as often',
    dimension_value String COMMENT 'Earliest value that the session brought; (none) where it brought none',
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

CREATE OR REPLACE VIEW sojourn.event_days
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Local day of the events',
    metric_type LowCardinality(String) COMMENT 'See metrics',
    dimension LowCardinality(String) COMMENT 'See metrics',
    dimension_value String COMMENT 'See metrics',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics',
    is_correction Bool COMMENT 'The row puts quarters of an hour into their own days. What is kept by hour only is compared with rows that are none'
)
AS SELECT t.project AS project, day, metric_type, dimension, dimension_value, value, count, false AS is_correction
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
COMMENT 'For the views below: what metrics hold by hour, by local day. Name metric_type and dimension, then sum. By path and by declared dimensions, in zones of half and quarter hours, an hour that is partly of the next day is of the day it begins in';

-- Types are kept by hour only, and what has none is all, less what has one: so all is taken by hour as well.
CREATE VIEW sojourn.conversions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project',
    conversion_type String COMMENT 'What the event calls its conversion; (none) where it says nothing, as most purchases do',
    conversions Int64 COMMENT 'Purchases and conversions in the day. In zones of half and quarter hours the hour around midnight is of the day it begins in',
    bot_conversions Int64 COMMENT 'Of conversions, what came from bots'
)
AS SELECT t.project AS project, t.day AS day, t.conversion_type AS conversion_type,
    sum(t.amount) AS conversions, sum(t.bot_amount) AS bot_conversions
FROM
(
    SELECT project, day, if(sign = 1 AND metric_type = 'conversion_rate', dimension_value, '(none)') AS conversion_type,
        if(startsWith(dimension, 'bot:'), 0, event_days.count * if(metric_type = 'conversion_rate', sign, 1)) AS amount,
        if(startsWith(dimension, 'bot:'), event_days.count * if(metric_type = 'conversion_rate', sign, 1), 0) AS bot_amount
    FROM sojourn.event_days ARRAY JOIN if(metric_type = 'conversion_rate', [1, -1], [1]) AS sign
    WHERE NOT is_correction AND (metric_type = 'conversion_rate' AND dimension IN ('conversion_type', 'bot:conversion_type')
        OR metric_type = 'event_count' AND dimension IN ('event_type', 'bot:event_type') AND dimension_value IN ('purchase', 'conversion'))
) AS t
GROUP BY t.project, t.day, t.conversion_type
HAVING conversions != 0 OR bot_conversions != 0
COMMENT 'Purchases and conversions by conversion type and day, in the time zone of the project';

CREATE VIEW sojourn.event_dimensions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day in the time zone of the project. In zones of half and quarter hours the hour around midnight is of the day it begins in',
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

-- What sessions of before had a currency for is not known: it is the session's revenue, less what has one.
CREATE VIEW sojourn.revenue_sources_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event of the sessions, in the time zone of the project',
    channel String COMMENT 'How visitors came, for example Organic Search; Direct where nothing tells',
    source String COMMENT 'Where visitors came from; Direct where nothing tells',
    medium String COMMENT 'Medium, for example cpc; (none) where nothing tells',
    campaign String COMMENT 'Campaign; (none) where there was none',
    currency String COMMENT 'Currency; (none) where none was given, (other) for what a session had beyond 32 currencies',
    revenue Decimal(38, 9) COMMENT 'Revenue of these sessions in the currency, refunds taken off. Only of one currency does a sum mean something',
    paying_sessions UInt64 COMMENT 'Sessions with revenue in the currency. A session that paid in two currencies is in both rows'
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

-- With what the pattern of a day and a week is made of.
CREATE OR REPLACE VIEW sojourn.overview_hourly
(
    project LowCardinality(String) COMMENT 'Tenant',
    hour DateTime('UTC') COMMENT 'Start of the local hour, as an instant of UTC',
    local_hour String COMMENT 'What clocks of the project showed at its start, and their offset, for example 2026-10-25 02:00 +02:00; a text, so that no tool shifts it',
    day Date COMMENT 'Day in the time zone of the project that the hour is of',
    weekday UInt8 COMMENT 'Of that day: 1 is Monday, 7 is Sunday',
    hour_of_day UInt8 COMMENT 'Hour that clocks of the project showed at its start, 0 to 23',
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
COMMENT 'One row an hour of the project time zone. All measures are of people and bots together, as in metrics; bot_… tells how much of it came from bots'
