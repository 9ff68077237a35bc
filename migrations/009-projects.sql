-- What is set for projects, for the views: the truth lies in NATS (bucket PROJECTS), where ingest reads it.
CREATE TABLE sojourn.projects
(
    project LowCardinality(String) COMMENT 'Tenant: the second token of the NATS subject',
    time_zone LowCardinality(String) DEFAULT 'UTC' COMMENT 'IANA time zone in which its days are told',
    week LowCardinality(String) DEFAULT 'monday' COMMENT 'First day of its week: monday or sunday',
    currency LowCardinality(String) COMMENT 'What revenue is in where an event does not say; empty where nobody says',
    own_hosts Array(String) COMMENT 'Hosts that are its own: a visitor who comes from there comes from nowhere else',
    dimensions Map(String, String) COMMENT 'Declared dimensions: name, and the property that each is read from',
    version UInt64 COMMENT 'Number of the change; the greatest wins',
    updated_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was set'
)
ENGINE = ReplacingMergeTree(version)
ORDER BY project
COMMENT 'Settings of projects. Read it with FINAL; a project that is not here has the defaults'
