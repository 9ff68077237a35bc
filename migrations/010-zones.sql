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

-- What the clocks of each project are ahead, as a table: every view asks for it, some several times, and as a view it would be
-- most of what planning them takes. A project has 128 rows, whatever its zone, so that those of one zone take the place of those
-- of another; rows that are not needed begin after all times. (With years to 2049 a zone has 97 offsets at most.)
CREATE TABLE sojourn.project_clocks
(
    project LowCardinality(String) COMMENT 'Tenant',
    slot UInt8 COMMENT 'Number of the row within the project',
    starts_at DateTime('UTC') COMMENT 'First instant that the offset holds for, UTC; 2106-02-07 where the row is not needed',
    offset_seconds Int32 COMMENT 'Seconds that its clocks are ahead of UTC',
    hour_starts_at DateTime('UTC') COMMENT 'Start of the local hour that holds starts_at, UTC',
    version UInt64 COMMENT 'Number of the change of the project; the greatest wins'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY (project, slot)
COMMENT 'For the views: see project_offsets. Read it with FINAL';

CREATE MATERIALIZED VIEW sojourn.project_clocks_intake TO sojourn.project_clocks
(
    project LowCardinality(String) COMMENT 'See project_clocks',
    slot UInt8 COMMENT 'See project_clocks',
    starts_at DateTime('UTC') COMMENT 'See project_clocks',
    offset_seconds Int32 COMMENT 'See project_clocks',
    hour_starts_at DateTime('UTC') COMMENT 'See project_clocks',
    version UInt64 COMMENT 'See project_clocks'
)
DEFINER = CURRENT_USER SQL SECURITY DEFINER
AS SELECT project, slot, change.1 AS starts_at, change.2 AS offset_seconds, change.3 AS hour_starts_at, version
FROM
(
    SELECT p.project AS project, p.version AS version,
        arrayResize(z.changes, 128, (toDateTime(4294967295, 'UTC'), toInt32(0), toDateTime(0, 'UTC'))) AS changes
    FROM sojourn.projects AS p
    LEFT JOIN
    (
        SELECT zone, arraySort(groupArray((starts_at, offset_seconds, hour_starts_at))) AS changes
        FROM sojourn.zones
        WHERE version = (SELECT max(version) FROM sojourn.zones)
        GROUP BY zone
    ) AS z ON z.zone = p.time_zone
)
ARRAY JOIN changes AS change, arrayEnumerate(changes) AS slot
COMMENT 'Writes the clocks of a project that is set; migrate has all of them written again when there are newer rules';

CREATE VIEW sojourn.project_offsets
(
    project LowCardinality(String) COMMENT 'Tenant; one without settings is not here, its days are those of UTC',
    starts_at DateTime('UTC') COMMENT 'First instant that the offset holds for, UTC',
    offset_seconds Int32 COMMENT 'Seconds that its clocks are ahead of UTC',
    hour_starts_at DateTime('UTC') COMMENT 'Start of the local hour that holds starts_at, UTC'
)
AS SELECT project, starts_at, offset_seconds, hour_starts_at
FROM sojourn.project_clocks FINAL
WHERE starts_at < toDateTime(4294967295, 'UTC')
COMMENT 'What the clocks of each project are ahead of UTC, and since when. For joins: ASOF LEFT JOIN ... ON project AND time >= starts_at';

ALTER TABLE sojourn.metrics COMMENT COLUMN granularity 'Size of the bucket: minute, quarter_hour, hour, day, week or month'
