-- Dimensions that have had more values in a day than DIMENSION_VALUES_MAX. Written before the range that was too much for
-- them, and never changed: whoever loads that range again, or a later one, reads here what has rows of its own
-- (docs/decisions/035).
CREATE TABLE sojourn.full_dimensions
(
    project LowCardinality(String) COMMENT 'Tenant: the second token of the NATS subject',
    day Date COMMENT 'Day of the rows, UTC',
    dimension LowCardinality(String) COMMENT 'Dimension of the rows; those of bots go by the same',
    values_max UInt64 COMMENT 'How many values may have rows of their own, as it was set then',
    kept_values Array(String) COMMENT 'The values that have. Every other one of that day is in the row (other)',
    full_since DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When one came that was too many'
)
ENGINE = ReplacingMergeTree
ORDER BY (project, day, dimension)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Dimensions that had too many values in a day: the rest is filed under (other), in rows that have no bound in the table of metrics.md. Read it with FINAL';

CREATE TABLE sojourn.full_dimensions_inbox
(
    partition UInt32 COMMENT 'Partition of the rollup log the range is of',
    log String COMMENT 'Life of the log',
    range_from UInt64 COMMENT 'First stream sequence of the range that was too much',
    project String COMMENT 'See full_dimensions',
    day Date COMMENT 'See full_dimensions',
    dimension String COMMENT 'See full_dimensions',
    values_max UInt64 COMMENT 'See full_dimensions',
    kept_values Array(String) COMMENT 'See full_dimensions'
)
ENGINE = Null
COMMENT 'The way into full_dimensions, for the loader: what comes from a range that has been loaded already is let go';

CREATE MATERIALIZED VIEW sojourn.full_dimensions_intake TO sojourn.full_dimensions
(
    project LowCardinality(String) COMMENT 'See full_dimensions',
    day Date COMMENT 'See full_dimensions',
    dimension LowCardinality(String) COMMENT 'See full_dimensions',
    values_max UInt64 COMMENT 'See full_dimensions',
    kept_values Array(String) COMMENT 'See full_dimensions',
    full_since DateTime64(3, 'UTC') COMMENT 'See full_dimensions'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT project, day, dimension, values_max, kept_values, now64(3) AS full_since
FROM sojourn.full_dimensions_inbox
WHERE range_from > (
    SELECT mapFromArrays(groupArray(place), groupArray(loaded_to))
    FROM (
        SELECT concat(toString(partition), ' ', log) AS place, max(range_to) AS loaded_to
        FROM sojourn.loaded_ranges GROUP BY partition, log
    )
)[concat(toString(partition), ' ', log)]
COMMENT 'Passes what is noted of ranges that have not been loaded yet. A repeated insert is ignored by its token; one that was delayed until after its range was done, here';

-- What sessions add up to by value, filed as metrics are. Of a total over all time nobody knows which day it is of: where
-- a dimension has been full on any day, its totals are compared as one.
CREATE VIEW sojourn.audit_filed
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    granularity LowCardinality(String) COMMENT 'hour or day; total where only the sum over all time can be compared',
    bucket DateTime('UTC') COMMENT 'Start of the bucket, UTC; 1970-01-01 for a total',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; (other) for values that have no rows of their own in metrics, (all) where only their sum can be compared; empty for the total',
    in_sessions Decimal(38, 9) COMMENT 'Sum of the measured values, worked out from sessions',
    in_metrics Decimal(38, 9) COMMENT 'Sum of the measured values in metrics',
    count_in_sessions Int64 COMMENT 'Number of measurements, worked out from sessions; 0 where sessions do not tell',
    count_in_metrics Int64 COMMENT 'Number of measurements in metrics; 0 where sessions do not tell'
)
AS SELECT t.project AS project, t.metric_type AS metric_type, t.granularity AS granularity, t.bucket AS bucket, t.dimension AS dimension,
    multiIf(
        t.dimension NOT IN ('channel', 'campaign', 'entry_path', 'browser', 'os'), t.dimension_value,
        t.granularity = 'day' AND (t.project, toDate(t.bucket), t.dimension) IN (SELECT project, day, dimension FROM sojourn.full_dimensions)
            AND (t.project, toDate(t.bucket), t.dimension, t.dimension_value) NOT IN
                (SELECT project, day, dimension, arrayJoin(kept_values) FROM sojourn.full_dimensions FINAL), '(other)',
        t.granularity = 'total' AND t.metric_type = 'revenue' AND (t.project, t.dimension) IN
            (SELECT project, dimension FROM sojourn.full_dimensions), '(all)',
        t.dimension_value) AS dimension_value,
    sum(t.in_sessions) AS in_sessions, sum(t.in_metrics) AS in_metrics,
    sum(t.count_in_sessions) AS count_in_sessions, sum(t.count_in_metrics) AS count_in_metrics
FROM sojourn.audit AS t
GROUP BY project, metric_type, granularity, bucket, dimension, dimension_value
COMMENT 'The rows of audit, with values that metrics file under (other) filed so';

CREATE OR REPLACE VIEW sojourn.drift
(
    project LowCardinality(String) COMMENT 'Tenant',
    metric_type LowCardinality(String) COMMENT 'What is measured',
    granularity LowCardinality(String) COMMENT 'hour or day; total where only the sum over all time can be compared',
    bucket DateTime('UTC') COMMENT 'Start of the bucket, UTC; 1970-01-01 for a total',
    dimension LowCardinality(String) COMMENT 'What the row is split by; empty for the total',
    dimension_value String COMMENT 'Value of the dimension; (other) for values that have no rows of their own in metrics, (all) where only their sum can be compared; empty for the total',
    in_sessions Decimal(38, 9) COMMENT 'Sum of the measured values, worked out from sessions',
    in_metrics Decimal(38, 9) COMMENT 'Sum of the measured values in metrics',
    count_in_sessions Int64 COMMENT 'Number of measurements, worked out from sessions; 0 where sessions do not tell',
    count_in_metrics Int64 COMMENT 'Number of measurements in metrics; 0 where sessions do not tell'
)
AS SELECT * FROM sojourn.audit_filed
WHERE in_sessions != in_metrics OR count_in_sessions != count_in_metrics
COMMENT 'Rows where metrics and sessions disagree: none, but for the moment in which a range is being loaded'
