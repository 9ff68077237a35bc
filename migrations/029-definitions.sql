-- Which definitions the numbers of a day are by: a session goes by those that were current when it began, until
-- `sojourn restate` has it go by later ones. The column says so of each session since 008.
CREATE VIEW sojourn.definitions_daily
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day of the first event, in the time zone of the project',
    catalogue UInt8 COMMENT 'Version of the definitions that these sessions, and all that they add to metrics, are counted by',
    sessions Int64 COMMENT 'Sessions whose first event lies in the day',
    open_sessions Int64 COMMENT 'Of these sessions, those that are still open'
)
AS SELECT v.project AS project, v.day AS day, v.catalogue AS catalogue, count() AS sessions, countIf(v.state = 'open') AS open_sessions
FROM sojourn.visits AS v
GROUP BY v.project, v.day, v.catalogue
COMMENT 'One row a day and version of the definitions, of sessions that are not excluded. A day of two versions is comparable with neither: sojourn restate brings its sessions to the latest, as far as Temporal knows them'
