/** Whether a process can do its work, and if not, why: one sentence for each trouble. Pure. */
import { SERVER_TITLES } from '../shared/server-titles.ts';
import type { Look } from './look.ts';

/** What a process does. */
export interface Work {
  readonly ingest: boolean;
  readonly worker: boolean;
  /** These two say of their servers themselves. */
  readonly collect?: boolean;
  readonly dashboard?: boolean;
}

/**
 * Ingest needs NATS and Temporal; a worker needs ClickHouse and Redis besides.
 * @returns nothing where it is ready
 */
export function troublesOf({ status, isPaused }: Look, work: Work): readonly string[] {
  const needed = work.worker
    ? (['nats', 'temporal', 'clickhouse', 'redis'] as const)
    : (['nats', 'temporal'] as const);
  return [
    ...needed.flatMap((name) => {
      const server = status.servers[name];
      if (server.reachable) return [];
      // The sentence about a fault begins with the server.
      return [server.fault ? server.error : `${SERVER_TITLES[name]}: ${server.error}`];
    }),
    ...(work.ingest && isPaused ? ['the consumer of EVENTS is paused'] : []),
  ];
}
