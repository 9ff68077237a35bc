/**
 * For who has to see all rows: on a cluster a replica may lack some that others have. `select_sequential_consistency` looks
 * for the newest insert alone, and a replica that lagged when it became the one that is written to may have that and lack
 * one before (docs/decisions/054). What it has not done yet, it knows.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { SojournError } from '../shared/errors.ts';
import { DATABASE, select } from './clickhouse.ts';
import { clusterOf } from './clickhouse-servers.ts';

const LOOK_EVERY_MS = 250;
const PATIENCE_MS = 60_000;

/** Of an empty log both numbers are 0. */
const BEHIND = `SELECT table AS name FROM system.replicas
  WHERE database = {database: String}
    AND (is_readonly OR inserts_in_queue > 0 OR log_max_index >= log_pointer AND log_max_index > 0)
  ORDER BY table`;

/**
 * Returns once the replica that is asked has all that was inserted before; at once where there is no cluster.
 * @throws SojournError `SJ_TIMEOUT` after a minute; `SJ_SERVER_UNREACHABLE`
 */
export async function untilCaughtUp(client: ClickHouseClient): Promise<void> {
  const cluster = clusterOf(client);
  if (cluster === undefined) return;
  for (const end = Date.now() + PATIENCE_MS; ;) {
    const behind = await select<{ name: string }>(client, BEHIND, { database: DATABASE });
    if (behind.length === 0) return;
    if (Date.now() >= end) {
      const names = behind.map(({ name }) => name).join(', ');
      throw new SojournError(
        'SJ_TIMEOUT',
        `the replica that was asked in the ClickHouse cluster ${cluster} lacks rows of ${names} that others have (system.replication_queue); run the same again later`,
      );
    }
    await sleep(LOOK_EVERY_MS);
  }
}
