-- People who were forgotten (docs/decisions/046): that it was done, by whom and when, and what a command that is under way
-- has made up in the place of ids. The second is emptied when it is through, and with it goes the way back.
CREATE TABLE sojourn.forgotten
(
    project LowCardinality(String) COMMENT 'Tenant',
    kind LowCardinality(String) COMMENT 'user, visitor or session: by what the person was known',
    hash String COMMENT 'Keyed hash of the id, as in the bucket FORGOTTEN of NATS',
    state LowCardinality(String) COMMENT 'begun or done',
    at DateTime64(3, 'UTC') COMMENT 'When',
    until DateTime64(3, 'UTC') COMMENT 'Events up to this time are nobody’s',
    done_by String COMMENT 'Who ran the command: user of the operating system, and host',
    counts Map(String, UInt64) COMMENT 'What went, by store; empty while it is begun'
)
ENGINE = MergeTree
ORDER BY (project, at, kind, hash)
COMMENT 'Who was forgotten when, without any id: for audits';

CREATE TABLE sojourn.forgetting
(
    run String COMMENT 'The command that forgets somebody',
    kind LowCardinality(String) COMMENT 'What the id is of: user, visitor, session, run (first_run_id of a session that goes) or linked (of one that stays)',
    id String COMMENT 'What is replaced',
    pseudonym String COMMENT 'What takes its place: random'
)
ENGINE = MergeTree
PARTITION BY run
ORDER BY (run, kind, id)
COMMENT 'Ids that are being replaced, until the command that does it is through';
