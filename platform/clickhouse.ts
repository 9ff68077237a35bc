/** ClickHouse: clients for the three users, and inserts that a token makes repeatable. */
import { readFileSync } from 'node:fs';
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import { SojournError } from '../shared/errors.ts';
import type { Config } from './config.ts';
import { reasonOf } from './unreachable.ts';

export const DATABASE = 'sojourn';

export type ClickHouseRole = 'admin' | 'writer' | 'bi';

/** A client that logs in as one of our users. Opens no connection before its first query. */
export function connectClickHouse(
  config: Config & { readonly CLICKHOUSE_URL: string },
  role: ClickHouseRole,
): ClickHouseClient {
  const [username, password] = {
    admin: [config.CLICKHOUSE_ADMIN_USER, config.CLICKHOUSE_ADMIN_PASSWORD],
    writer: [config.CLICKHOUSE_WRITER_USER, config.CLICKHOUSE_WRITER_PASSWORD],
    bi: [config.CLICKHOUSE_BI_USER, config.CLICKHOUSE_BI_PASSWORD],
  }[role];
  return createClient({
    url: config.CLICKHOUSE_URL,
    application: 'sojourn',
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    // The admin comes before the database exists.
    ...(role !== 'admin' && { database: DATABASE }),
    // An insert that is given up is repeated: refused while the first one still runs, ignored once it
    // is through. So the writer need not be patient with a connection that nobody answers on.
    request_timeout: role === 'writer' ? 20_000 : 60_000,
    keep_alive: { enabled: true },
    // Errors are thrown to us; whoever catches them logs them.
    log: { level: ClickHouseLogLevel.OFF },
    ...(config.CLICKHOUSE_TLS_CA !== undefined && {
      tls: { ca_cert: readFileSync(config.CLICKHOUSE_TLS_CA) },
    }),
  });
}

/** Whether it answers with this login; false rather than an error. */
export async function answers(client: ClickHouseClient): Promise<boolean> {
  const { success } = await client.ping({ select: true });
  return success;
}

/** The tables, as the writer sees them. */
export function createTableWriter(client: ClickHouseClient): TableWriter {
  return {
    async insert(table, rows, token) {
      // Nothing to insert needs no block; the same range has nothing again when it is repeated.
      const [first] = rows;
      if (first === undefined) return;
      await client.insert({
        table: `${DATABASE}.${table}`,
        // Names once, not in each row: they would be most of the bytes.
        columns: Object.keys(first) as [string, ...string[]],
        values: rows.map((row) => Object.values(row) as unknown[]),
        format: 'JSONCompactEachRow',
        // The server runs one query of an id at a time: a lost reply cannot become two inserts.
        query_id: `${table}-${token}`,
        clickhouse_settings: {
          // All that exactness rests on is said with each insert: a profile, or a `compatibility` in it, may say otherwise.
          insert_deduplication_token: token,
          insert_deduplicate: 1,
          // By default since 26.2; before, the token is not known behind the view, and a repeated block counts twice.
          deduplicate_blocks_in_dependent_materialized_views: 1,
          // A view that failed would lose rows without a word.
          materialized_views_ignore_errors: 0,
          // One token, one block: nothing may split or batch what belongs together.
          async_insert: 0,
          wait_end_of_query: 1,
          input_format_parallel_parsing: 0,
          max_insert_block_size: '10000000',
          min_insert_block_size_rows: '10000000',
          min_insert_block_size_bytes: '4000000000',
        },
      });
    },
  };
}

/** All rows of a query, checked by the caller. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function select<Row>(
  client: ClickHouseClient,
  query: string,
  params: Record<string, unknown> = {},
  settings: ClickHouseSettings = {},
): Promise<Row[]> {
  try {
    const result = await client.query({
      query,
      query_params: params,
      format: 'JSONEachRow',
      clickhouse_settings: settings,
    });
    return await result.json<Row>();
  } catch (error) {
    const what = error instanceof ClickHouseError ? 'refused a query' : 'does not answer';
    throw new SojournError('SJ_SERVER_UNREACHABLE', `ClickHouse ${what}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}
