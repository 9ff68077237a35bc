-- An import's process may stand still for hours, and go on writing when its import has been taken back. So what it writes
-- goes through views that ask where its load is, as metrics do (001-metrics, docs/decisions/013, 042): chunks that are loaded,
-- and all chunks of a load that is closed, are let go. Notes are closed sooner than rows, by a log of their own.
-- A column that `sessions` gets later has to be put into sessions_inbox and sessions_intake, too.
CREATE TABLE sojourn.sessions_inbox
(
    partition UInt32 COMMENT 'Always 0: a load in bulk has no partitions',
    log String COMMENT 'The life of an import, or of its undo: see log in loaded_ranges',
    range_from UInt64 COMMENT 'Number of the chunk, from 1',
    project LowCardinality(String) COMMENT 'See sessions',
    session_id String COMMENT 'See sessions',
    first_run_id String COMMENT 'See sessions',
    started_at DateTime64(3, 'UTC') COMMENT 'See sessions',
    last_event_at DateTime64(3, 'UTC') COMMENT 'See sessions',
    duration_seconds Decimal(18, 3) COMMENT 'See sessions',
    page_views UInt64 COMMENT 'See sessions',
    events UInt64 COMMENT 'See sessions',
    conversions UInt64 COMMENT 'See sessions',
    engaged Bool COMMENT 'See sessions',
    bounced Bool COMMENT 'See sessions',
    converted Bool COMMENT 'See sessions',
    revenue Decimal(38, 9) COMMENT 'See sessions',
    entry_path String COMMENT 'See sessions',
    exit_path String COMMENT 'See sessions',
    user_id String COMMENT 'See sessions',
    new_user Nullable(Bool) COMMENT 'See sessions',
    traffic_source LowCardinality(String) COMMENT 'See sessions',
    device_type LowCardinality(String) COMMENT 'See sessions',
    country LowCardinality(String) COMMENT 'See sessions',
    browser LowCardinality(String) COMMENT 'See sessions',
    os LowCardinality(String) COMMENT 'See sessions',
    visitor_id String COMMENT 'See sessions',
    channel LowCardinality(String) COMMENT 'See sessions',
    medium LowCardinality(String) COMMENT 'See sessions',
    campaign LowCardinality(String) COMMENT 'See sessions',
    term LowCardinality(String) COMMENT 'See sessions',
    content LowCardinality(String) COMMENT 'See sessions',
    referrer_host LowCardinality(String) COMMENT 'See sessions',
    language LowCardinality(String) COMMENT 'See sessions',
    screen LowCardinality(String) COMMENT 'See sessions',
    app_version LowCardinality(String) COMMENT 'See sessions',
    bot Bool COMMENT 'See sessions',
    excluded Bool COMMENT 'See sessions',
    revenue_by_currency Map(LowCardinality(String), Decimal(38, 9)) COMMENT 'See sessions',
    dimensions Map(LowCardinality(String), String) COMMENT 'See sessions',
    state LowCardinality(String) COMMENT 'See sessions',
    end_reason LowCardinality(String) COMMENT 'See sessions',
    catalogue UInt8 COMMENT 'See sessions',
    updated_at DateTime64(3, 'UTC') COMMENT 'See sessions',
    version UInt64 COMMENT 'See sessions'
)
ENGINE = Null
COMMENT 'The way into sessions, for imports: what comes of a chunk that is loaded already, or of an import that was taken back, is let go';

CREATE MATERIALIZED VIEW sojourn.sessions_intake TO sojourn.sessions
(
    project LowCardinality(String) COMMENT 'See sessions',
    session_id String COMMENT 'See sessions',
    first_run_id String COMMENT 'See sessions',
    started_at DateTime64(3, 'UTC') COMMENT 'See sessions',
    last_event_at DateTime64(3, 'UTC') COMMENT 'See sessions',
    duration_seconds Decimal(18, 3) COMMENT 'See sessions',
    page_views UInt64 COMMENT 'See sessions',
    events UInt64 COMMENT 'See sessions',
    conversions UInt64 COMMENT 'See sessions',
    engaged Bool COMMENT 'See sessions',
    bounced Bool COMMENT 'See sessions',
    converted Bool COMMENT 'See sessions',
    revenue Decimal(38, 9) COMMENT 'See sessions',
    entry_path String COMMENT 'See sessions',
    exit_path String COMMENT 'See sessions',
    user_id String COMMENT 'See sessions',
    new_user Nullable(Bool) COMMENT 'See sessions',
    traffic_source LowCardinality(String) COMMENT 'See sessions',
    device_type LowCardinality(String) COMMENT 'See sessions',
    country LowCardinality(String) COMMENT 'See sessions',
    browser LowCardinality(String) COMMENT 'See sessions',
    os LowCardinality(String) COMMENT 'See sessions',
    visitor_id String COMMENT 'See sessions',
    channel LowCardinality(String) COMMENT 'See sessions',
    medium LowCardinality(String) COMMENT 'See sessions',
    campaign LowCardinality(String) COMMENT 'See sessions',
    term LowCardinality(String) COMMENT 'See sessions',
    content LowCardinality(String) COMMENT 'See sessions',
    referrer_host LowCardinality(String) COMMENT 'See sessions',
    language LowCardinality(String) COMMENT 'See sessions',
    screen LowCardinality(String) COMMENT 'See sessions',
    app_version LowCardinality(String) COMMENT 'See sessions',
    bot Bool COMMENT 'See sessions',
    excluded Bool COMMENT 'See sessions',
    revenue_by_currency Map(LowCardinality(String), Decimal(38, 9)) COMMENT 'See sessions',
    dimensions Map(LowCardinality(String), String) COMMENT 'See sessions',
    state LowCardinality(String) COMMENT 'See sessions',
    end_reason LowCardinality(String) COMMENT 'See sessions',
    catalogue UInt8 COMMENT 'See sessions',
    updated_at DateTime64(3, 'UTC') COMMENT 'See sessions',
    version UInt64 COMMENT 'See sessions'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT project, session_id, first_run_id, started_at, last_event_at, duration_seconds, page_views, events,
    conversions, engaged, bounced, converted, revenue, entry_path, exit_path, user_id, new_user,
    traffic_source, device_type, country, browser, os, visitor_id, channel, medium, campaign, term,
    content, referrer_host, language, screen, app_version, bot, excluded, revenue_by_currency,
    dimensions, state, end_reason, catalogue, updated_at, version
FROM sojourn.sessions_inbox
WHERE range_from > (
    SELECT mapFromArrays(groupArray(place), groupArray(loaded_to))
    FROM (
        SELECT concat(toString(partition), ' ', log) AS place, max(range_to) AS loaded_to
        FROM sojourn.loaded_ranges GROUP BY partition, log
    )
)[concat(toString(partition), ' ', log)]
COMMENT 'Passes rows of chunks that are neither loaded nor closed. A repeated insert is ignored by its token; one that was delayed until after its import was taken back, here';

CREATE TABLE sojourn.import_sessions_inbox
(
    partition UInt32 COMMENT 'Always 0: a load in bulk has no partitions',
    log String COMMENT 'The life of an import, or of its undo: see log in loaded_ranges',
    range_from UInt64 COMMENT 'Number of the chunk, from 1',
    import String COMMENT 'See import_sessions',
    life UInt32 COMMENT 'See import_sessions',
    chunk UInt32 COMMENT 'See import_sessions',
    project LowCardinality(String) COMMENT 'See import_sessions',
    session_id String COMMENT 'See import_sessions',
    first_run_id String COMMENT 'See import_sessions',
    fate LowCardinality(String) COMMENT 'See import_sessions',
    instead_of Array(String) COMMENT 'See import_sessions',
    new_user Nullable(Bool) COMMENT 'See import_sessions',
    events String COMMENT 'See import_sessions'
)
ENGINE = Null
COMMENT 'The way into import_sessions, for imports: what comes of a chunk that is loaded already, or of an import that was taken back, is let go';

CREATE MATERIALIZED VIEW sojourn.import_sessions_intake TO sojourn.import_sessions
(
    import String COMMENT 'See import_sessions',
    life UInt32 COMMENT 'See import_sessions',
    chunk UInt32 COMMENT 'See import_sessions',
    project LowCardinality(String) COMMENT 'See import_sessions',
    session_id String COMMENT 'See import_sessions',
    first_run_id String COMMENT 'See import_sessions',
    fate LowCardinality(String) COMMENT 'See import_sessions',
    instead_of Array(String) COMMENT 'See import_sessions',
    new_user Nullable(Bool) COMMENT 'See import_sessions',
    events String COMMENT 'See import_sessions'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT import, life, chunk, project, session_id, first_run_id, fate, instead_of, new_user, events
FROM sojourn.import_sessions_inbox
WHERE range_from > (
    SELECT mapFromArrays(groupArray(place), groupArray(loaded_to))
    FROM (
        SELECT concat(toString(partition), ' ', log) AS place, max(range_to) AS loaded_to
        FROM sojourn.loaded_ranges GROUP BY partition, log
    )
)[concat(toString(partition), ' ', log)]
AND range_from > (
    SELECT mapFromArrays(groupArray(place), groupArray(loaded_to))
    FROM (
        SELECT concat(toString(partition), ' ', log) AS place, max(range_to) AS loaded_to
        FROM sojourn.loaded_ranges GROUP BY partition, log
    )
)[concat(toString(partition), ' ', log, '/notes')]
COMMENT 'Passes rows of chunks that are neither loaded nor closed. A repeated insert is ignored by its token; one that was delayed until after its import was taken back, here';

CREATE TABLE sojourn.import_rows_inbox
(
    partition UInt32 COMMENT 'Always 0: a load in bulk has no partitions',
    log String COMMENT 'The life of an import, or of its undo: see log in loaded_ranges',
    range_from UInt64 COMMENT 'Number of the chunk, from 1',
    import String COMMENT 'See import_rows',
    life UInt32 COMMENT 'See import_rows',
    chunk UInt32 COMMENT 'See import_rows',
    project LowCardinality(String) COMMENT 'See import_rows',
    metric_type LowCardinality(String) COMMENT 'See import_rows',
    granularity LowCardinality(String) COMMENT 'See import_rows',
    bucket DateTime('UTC') COMMENT 'See import_rows',
    dimension LowCardinality(String) COMMENT 'See import_rows',
    dimension_value String COMMENT 'See import_rows',
    value Decimal(38, 9) COMMENT 'See import_rows',
    count Int64 COMMENT 'See import_rows'
)
ENGINE = Null
COMMENT 'The way into import_rows, for imports: what comes of a chunk that is loaded already, or of an import that was taken back, is let go';

CREATE MATERIALIZED VIEW sojourn.import_rows_intake TO sojourn.import_rows
(
    import String COMMENT 'See import_rows',
    life UInt32 COMMENT 'See import_rows',
    chunk UInt32 COMMENT 'See import_rows',
    project LowCardinality(String) COMMENT 'See import_rows',
    metric_type LowCardinality(String) COMMENT 'See import_rows',
    granularity LowCardinality(String) COMMENT 'See import_rows',
    bucket DateTime('UTC') COMMENT 'See import_rows',
    dimension LowCardinality(String) COMMENT 'See import_rows',
    dimension_value String COMMENT 'See import_rows',
    value Decimal(38, 9) COMMENT 'See import_rows',
    count Int64 COMMENT 'See import_rows'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT import, life, chunk, project, metric_type, granularity, bucket, dimension, dimension_value, value,
    count
FROM sojourn.import_rows_inbox
WHERE range_from > (
    SELECT mapFromArrays(groupArray(place), groupArray(loaded_to))
    FROM (
        SELECT concat(toString(partition), ' ', log) AS place, max(range_to) AS loaded_to
        FROM sojourn.loaded_ranges GROUP BY partition, log
    )
)[concat(toString(partition), ' ', log)]
AND range_from > (
    SELECT mapFromArrays(groupArray(place), groupArray(loaded_to))
    FROM (
        SELECT concat(toString(partition), ' ', log) AS place, max(range_to) AS loaded_to
        FROM sojourn.loaded_ranges GROUP BY partition, log
    )
)[concat(toString(partition), ' ', log, '/notes')]
COMMENT 'Passes rows of chunks that are neither loaded nor closed. A repeated insert is ignored by its token; one that was delayed until after its import was taken back, here';

ALTER TABLE sojourn.imports COMMENT COLUMN state 'loading, done, taking_back, taken_back, or withdrawn (another one of the project was loading: nothing of it was loaded)'
