-- Ordered by first_run_id, not by session_id: Temporal's run ids begin with their time (UUIDv7), so this
-- is the order of arrival, and questions about a span of time read little else.
CREATE TABLE sojourn.sessions
(
    project LowCardinality(String) COMMENT 'Tenant: the second token of the NATS subject',
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
    state LowCardinality(String) COMMENT 'open or ended',
    end_reason LowCardinality(String) COMMENT 'session_end, idle or operator; empty while open',
    updated_at DateTime64(3, 'UTC') COMMENT 'When the session wrote this',
    version UInt64 COMMENT 'Number of the write; the greatest wins',
    INDEX started_at started_at TYPE minmax,
    INDEX last_event_at last_event_at TYPE minmax,
    INDEX updated_at updated_at TYPE minmax,
    INDEX session_id session_id TYPE bloom_filter
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, first_run_id, session_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'One row per session, open ones too. Read the view sessions_current, or this table with FINAL: older versions stay until a merge';
