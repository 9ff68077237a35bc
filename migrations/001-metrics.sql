CREATE TABLE sojourn.metrics
(
    project LowCardinality(String) COMMENT 'Tenant: the second token of the NATS subject',
    metric_type LowCardinality(String) COMMENT 'What is measured, for example page_views',
    granularity LowCardinality(String) COMMENT 'Size of the bucket: minute, hour, day, week or month',
    bucket DateTime('UTC') COMMENT 'Start of the bucket, UTC',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; empty for the total',
    value Decimal(38, 9) COMMENT 'Sum of the measured values; read it with sum(value)',
    count Int64 COMMENT 'Number of measurements; read it with sum(count)'
)
ENGINE = SummingMergeTree((value, count))
ORDER BY (project, metric_type, granularity, dimension, bucket, dimension_value)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Pre-summed metrics. Read with sum(value), sum(count) ... GROUP BY: rows are merged in the background, and count(*) means nothing';

CREATE TABLE sojourn.loaded_ranges
(
    partition UInt32 COMMENT 'Partition of the rollup log',
    log String COMMENT 'Life of the log: when its stream was made, epoch milliseconds',
    range_from UInt64 COMMENT 'First stream sequence of the newest range',
    range_to UInt64 COMMENT 'Last stream sequence of the newest range',
    records UInt64 COMMENT 'Differences in the newest range',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was loaded'
)
ENGINE = ReplacingMergeTree(range_to)
ORDER BY (partition, log)
COMMENT 'How far the rollup log has been loaded. Read with max(range_to)';

CREATE TABLE sojourn.metrics_inbox
(
    partition UInt32 COMMENT 'Partition of the rollup log the row comes from',
    log String COMMENT 'Life of the log',
    range_from UInt64 COMMENT 'First stream sequence of the range the row comes from',
    project String COMMENT 'See metrics',
    metric_type String COMMENT 'See metrics',
    granularity String COMMENT 'See metrics',
    bucket DateTime('UTC') COMMENT 'See metrics',
    dimension String COMMENT 'See metrics',
    dimension_value String COMMENT 'See metrics',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics'
)
ENGINE = Null
COMMENT 'The way into metrics, for the loader: what comes from a range that has been loaded already is let go';

CREATE MATERIALIZED VIEW sojourn.metrics_intake TO sojourn.metrics
(
    project LowCardinality(String) COMMENT 'See metrics',
    metric_type LowCardinality(String) COMMENT 'See metrics',
    granularity LowCardinality(String) COMMENT 'See metrics',
    bucket DateTime('UTC') COMMENT 'See metrics',
    dimension LowCardinality(String) COMMENT 'See metrics',
    dimension_value String COMMENT 'See metrics',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT project, metric_type, granularity, bucket, dimension, dimension_value, value, count
FROM sojourn.metrics_inbox
WHERE range_from > (
    SELECT mapFromArrays(groupArray(place), groupArray(loaded_to))
    FROM (
        SELECT concat(toString(partition), ' ', log) AS place, max(range_to) AS loaded_to
        FROM sojourn.loaded_ranges GROUP BY partition, log
    )
)[concat(toString(partition), ' ', log)]
COMMENT 'Passes rows of ranges that have not been loaded yet. A repeated insert is ignored by its token; one that was delayed until after its range was done, here'
