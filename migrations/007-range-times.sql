-- A sequence alone does not tell a record from the one that got it after the log was put back to an older copy.
ALTER TABLE sojourn.loaded_ranges ADD COLUMN IF NOT EXISTS range_at String DEFAULT ''
    COMMENT 'When the log took the last record of the newest range, nanoseconds since 1970; empty where a version before 007 loaded it' AFTER range_to
