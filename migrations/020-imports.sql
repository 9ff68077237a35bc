-- What was brought in by `sojourn import`, and all that is needed to take it back without its files
-- (docs/decisions/042). Rows of a chunk are noted here before they are loaded.
CREATE TABLE sojourn.imports
(
    project LowCardinality(String) COMMENT 'Tenant: the second token of the NATS subject',
    import String COMMENT 'Name of the import: the same records of the same project and format have the same',
    life UInt32 COMMENT 'From 1; one more each time that it was taken back and is imported again',
    format LowCardinality(String) COMMENT 'What the files were read as',
    files Array(String) COMMENT 'The files, as they were named',
    state LowCardinality(String) COMMENT 'loading, done, or taken_back',
    records UInt64 COMMENT 'Records in the files',
    bad_records UInt64 COMMENT 'Records, or elements of one, that broke a rule',
    events UInt64 COMMENT 'Events in the files that broke none',
    sessions UInt64 COMMENT 'Sessions that these events make',
    loaded UInt64 COMMENT 'Of them loaded by the import',
    replaced UInt64 COMMENT 'Of the loaded ones took the place of one that was there',
    left_alone UInt64 COMMENT 'Of them were there already, and left as they were',
    live UInt64 COMMENT 'Of them published, for more events of theirs may come',
    began_at DateTime64(3, 'UTC') COMMENT 'When it was first begun',
    plan String COMMENT 'What whoever goes on with it goes by, JSON' CODEC(ZSTD(3)),
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When this was noted',
    version UInt64 COMMENT 'The greatest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, import, life)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'Imports of history. Read it with FINAL';

CREATE TABLE sojourn.import_sessions
(
    import String COMMENT 'See imports',
    life UInt32 COMMENT 'See imports',
    chunk UInt32 COMMENT 'Number of the chunk that the session is in, from 1',
    project LowCardinality(String) COMMENT 'See imports',
    session_id String COMMENT 'Id of the session',
    first_run_id String COMMENT 'What it is known by in sessions',
    fate LowCardinality(String) COMMENT 'load, replace, leave (it was there already), or live (published)',
    instead_of Array(String) COMMENT 'What it took the place of: first_run_id of each',
    new_user Nullable(Bool) COMMENT 'See sessions; NULL unless it was loaded',
    events String COMMENT 'Its events as they were taken, JSON; empty unless it was loaded' CODEC(ZSTD(3)),
    INDEX session_id session_id TYPE bloom_filter
)
ENGINE = MergeTree
ORDER BY (import, life, chunk, session_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What was decided about each session of an import, before it was loaded';

CREATE TABLE sojourn.import_rows
(
    import String COMMENT 'See imports',
    life UInt32 COMMENT 'See imports',
    chunk UInt32 COMMENT 'Number of the chunk, from 1',
    project LowCardinality(String) COMMENT 'See metrics',
    metric_type LowCardinality(String) COMMENT 'See metrics',
    granularity LowCardinality(String) COMMENT 'See metrics',
    bucket DateTime('UTC') COMMENT 'See metrics',
    dimension LowCardinality(String) COMMENT 'See metrics',
    dimension_value String COMMENT 'See metrics',
    value Decimal(38, 9) COMMENT 'See metrics',
    count Int64 COMMENT 'See metrics'
)
ENGINE = MergeTree
ORDER BY (import, life, chunk, metric_type, granularity, dimension, bucket, dimension_value)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'What each chunk of an import adds to metrics, noted before it does: to take the import back is to add the opposite';
