/** Rows that ClickHouse deletes on its own time: whoever told it to waits until it is through. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { SojournError } from '../shared/errors.ts';
import { DATABASE, select } from './clickhouse.ts';

const LOOK_EVERY_MS = 100;
/** What goes on longer goes on in ClickHouse, and is found done by the next run. */
const PATIENCE_MS = 10 * 60_000;

/**
 * Returns once nothing is being deleted from a table.
 * @param what of it is deleted, for people: `rows`
 * @throws SojournError `SJ_TIMEOUT` after ten minutes; `SJ_SERVER_UNREACHABLE` where it cannot; the reason of the signal
 */
export async function untilDeleted(
  admin: ClickHouseClient,
  table: string,
  what: string,
  signal?: AbortSignal,
): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; await isDeleting(admin, table);) {
    if (Date.now() >= end) {
      throw new SojournError(
        'SJ_TIMEOUT',
        `ClickHouse still deletes ${what} from ${table} (system.mutations); run the same again later`,
      );
    }
    await sleep(LOOK_EVERY_MS, undefined, signal && { signal });
  }
}

async function isDeleting(admin: ClickHouseClient, table: string): Promise<boolean> {
  const rows = await select<{ reason: string }>(
    admin,
    `SELECT latest_fail_reason AS reason FROM system.mutations
     WHERE database = {database:String} AND table = {table:String} AND NOT is_done`,
    { database: DATABASE, table },
  );
  const failed = rows.find(({ reason }) => reason !== '');
  if (failed !== undefined) {
    throw new SojournError('SJ_SERVER_UNREACHABLE', `ClickHouse cannot delete: ${failed.reason}`);
  }
  return rows.length > 0;
}
