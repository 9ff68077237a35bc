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
    range_from UInt64 COMMENT 'First stream sequence of the range',
    range_to UInt64 COMMENT 'Last stream sequence of the range',
    records UInt64 COMMENT 'Differences in the range',
    loaded_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was loaded'
)
ENGINE = MergeTree
ORDER BY (partition, log, range_to)
TTL toDateTime(loaded_at) + INTERVAL 90 DAY
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Which ranges of the rollup log have been loaded, for operators';
