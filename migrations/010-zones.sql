-- The rules of all time zones, from the one copy of the product (docs/decisions/032). `migrate` fills the table: each release
-- of the rules comes as one insert, which is there as a whole or not at all, and readers take the newest release.
CREATE TABLE sojourn.zones
(
    version LowCardinality(String) COMMENT 'Release of the IANA database, for example 2026f; the greatest is the newest',
    zone LowCardinality(String) COMMENT 'IANA name of the time zone, aliases too',
    starts_at DateTime('UTC') COMMENT 'First instant that the offset holds for, UTC',
    ends_at DateTime('UTC') COMMENT 'First instant that it no longer holds for, UTC; the last offset holds on after it',
    offset_seconds Int32 COMMENT 'Seconds that local clocks are ahead of UTC; negative west of Greenwich',
    hour_starts_at DateTime('UTC') COMMENT 'Start of the local hour that holds starts_at, UTC: earlier where the change leaves the hour the same'
)
ENGINE = MergeTree
ORDER BY (version, zone, starts_at)
SETTINGS non_replicated_deduplication_window = 100, replicated_deduplication_window = 100
COMMENT 'Time zone rules by release. The newest two releases are kept; read WHERE version = (SELECT max(version) FROM zones)';

CREATE VIEW sojourn.project_offsets
(
    project LowCardinality(String) COMMENT 'Tenant; one without settings is not here, its days are those of UTC',
    time_zone LowCardinality(String) COMMENT 'IANA time zone of the project',
    starts_at DateTime('UTC') COMMENT 'First instant that the offset holds for, UTC',
    offset_seconds Int32 COMMENT 'Seconds that its clocks are ahead of UTC',
    hour_starts_at DateTime('UTC') COMMENT 'Start of the local hour that holds starts_at, UTC'
)
AS SELECT p.project AS project, p.time_zone AS time_zone, z.starts_at AS starts_at, z.offset_seconds AS offset_seconds,
    z.hour_starts_at AS hour_starts_at
FROM (SELECT project, time_zone FROM sojourn.projects FINAL) AS p
INNER JOIN
(
    SELECT zone, starts_at, offset_seconds, hour_starts_at FROM sojourn.zones
    WHERE version = (SELECT max(version) FROM sojourn.zones)
        AND zone IN (SELECT time_zone FROM sojourn.projects FINAL)
) AS z ON z.zone = p.time_zone
COMMENT 'What the clocks of each project are ahead of UTC, and since when. For joins: ASOF LEFT JOIN ... ON project AND time >= starts_at';

ALTER TABLE sojourn.metrics COMMENT COLUMN granularity 'Size of the bucket: minute, quarter_hour, hour, day, week or month'
