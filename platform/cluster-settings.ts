/** What is said with each query of ours on a cluster (docs/decisions/054): who writes waits for a majority, who reads sees it. */
import type { ClickHouseSettings } from '@clickhouse/client';

/** Below the time after which the writer gives up by itself, so that it is told why. */
const QUORUM_MS = 15_000;
/** Below the time after which the administrator gives up by himself. */
const DDL_SECONDS = '50';

/** With it a query waits for no replica, and may not see the latest. */
const READS = { select_sequential_consistency: '1' } as const;

const WRITES = {
  insert_quorum: 'auto',
  // One insert into a table after the other: only so does a reader know whether its replica has them all.
  insert_quorum_parallel: 0,
  insert_quorum_timeout: QUORUM_MS,
  // Neither goes with that.
  async_insert: 0,
  max_insert_threads: '1',
  // Without it, at one of two tries, the token is not known behind the view.
  deduplicate_blocks_in_dependent_materialized_views: 1,
} as const;

const DEFINES = {
  distributed_ddl_task_timeout: DDL_SECONDS,
  distributed_ddl_output_mode: 'throw',
  // Users that lie in Keeper are made once, and for all.
  ignore_on_cluster_for_replicated_access_entities_queries: 1,
} as const;

/** For who looks at numbers, and would rather have those of a moment ago than none. */
export type Reads = 'latest' | 'any';

/** By whom the query is. */
export function clusterSettings(
  role: 'admin' | 'writer' | 'bi',
  reads: Reads = 'latest',
): ClickHouseSettings {
  const reading = reads === 'latest' ? READS : {};
  if (role === 'bi') return reading;
  return { ...reading, ...WRITES, ...(role === 'admin' && DEFINES) };
}
