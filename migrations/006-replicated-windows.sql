-- For installations that make these tables Replicated: a token is known for a week there as well. (ClickHouse's own
-- default went from a week to an hour in 25.10.)
ALTER TABLE sojourn.metrics MODIFY SETTING replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800;
ALTER TABLE sojourn.sessions MODIFY SETTING replicated_deduplication_window = 10000, replicated_deduplication_window_seconds = 604800
