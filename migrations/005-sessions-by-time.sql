-- Sessions in the order of their first runs' time, about three days at a time, and by project within them. By project
-- first, the last sessions of one project lie in a granule with the oldest of the next, and FINAL then reads all of
-- that project to be sure that nothing replaces them: a quarter of a second for 5 million sessions, whatever is asked.
-- (The first 5 digits of a UUIDv7 are its time in steps of 2^28 ms.)
--
-- Nothing is lost of what is inserted meanwhile, and what is copied twice is one row again. Broken off in the middle and
-- run again, it may end up with the old order: slower, and as right.
CREATE TABLE sojourn.sessions_by_time AS sojourn.sessions
ENGINE = ReplacingMergeTree(version)
ORDER BY (substring(first_run_id, 1, 5), project, first_run_id, session_id)
SETTINGS non_replicated_deduplication_window = 10000
COMMENT 'One row per session, open ones too. Read the view sessions_current, or this table with FINAL: older versions stay until a merge';
INSERT INTO sojourn.sessions_by_time SELECT * FROM sojourn.sessions;
EXCHANGE TABLES sojourn.sessions AND sojourn.sessions_by_time;
INSERT INTO sojourn.sessions SELECT * FROM sojourn.sessions_by_time;
DROP TABLE IF EXISTS sojourn.sessions_by_time SYNC
