-- Two views that read sessions counted those that an operator has taken out of the numbers, too.
CREATE OR REPLACE VIEW sojourn.conversion_rate
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day the sessions began, UTC',
    sessions Int64 COMMENT 'Sessions',
    converted Int64 COMMENT 'Sessions with at least one purchase or conversion',
    conversion_rate Float64 COMMENT 'converted / sessions, 0 to 1'
)
AS SELECT project, toDate(started_at) AS day, count() AS sessions, countIf(converted) AS converted,
    converted / sessions AS conversion_rate
FROM (SELECT project, started_at, sessions.converted AS converted FROM sojourn.sessions FINAL WHERE NOT excluded)
GROUP BY project, day
COMMENT 'Share of sessions that converted, by day';

CREATE OR REPLACE VIEW sojourn.unique_users
(
    project LowCardinality(String) COMMENT 'Tenant',
    day Date COMMENT 'Day the sessions began, UTC',
    users Int64 COMMENT 'Distinct user ids',
    sessions Int64 COMMENT 'Sessions with a user'
)
AS SELECT project, toDate(started_at) AS day, uniqExact(user_id) AS users, count() AS sessions
FROM sojourn.sessions FINAL
WHERE user_id != '' AND NOT excluded
GROUP BY project, day
COMMENT 'Distinct users by day. Never add days up: a user of two days is one user';
