/** Inserts into ClickHouse that a token makes repeatable, and that do not go nowhere. */
import { finished } from 'node:stream/promises';
import type { ClickHouseClient, InsertResult } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import { checkIntake, DATABASE, INTAKES } from './clickhouse.ts';
import { RowBytes } from './row-bytes.ts';

/** The tables, as the writer sees them. */
export function createTableWriter(client: ClickHouseClient): TableWriter {
  return {
    async insert(table, rows, token) {
      // Nothing to insert needs no block; the same range has nothing again when it is repeated.
      if (rows.length === 0) return;
      const insert = () => insertOnce(client, table, rows, token);
      const inserted = await insert();
      const intake = INTAKES.get(table);
      if (intake === undefined || isPassedOn(inserted, rows.length)) return;
      // Nothing went further. Either the range is loaded already, and the view let it go, or there was no view: it may
      // be back by now. So once more, with the view there before and after it.
      await checkIntake(client, intake);
      const again = await insert();
      if (isPassedOn(again, rows.length)) return;
      await checkIntake(client, intake);
      // Rows that the view lets go were taken in all the same.
      const taken = writtenRows(again);
      if (taken !== undefined && taken < rows.length) {
        throw new Error(
          `ClickHouse says that it took ${taken} of ${rows.length} rows for ${table}`,
        );
      }
    },
  };
}

type Summarized = Pick<InsertResult, 'summary'>;

async function insertOnce(
  client: ClickHouseClient,
  table: string,
  rows: readonly object[] | RowBytes,
  token: string,
): Promise<Summarized> {
  const request = {
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
  } as const;
  const into = `${DATABASE}.${table}`;
  if (rows instanceof RowBytes) {
    const { stream, summary } = await client.exec({
      ...request,
      query: `INSERT INTO ${into} (${rows.columns.join(', ')}) FORMAT RowBinary`,
      values: rows.stream(),
    });
    await finished(stream.resume());
    return summary === undefined ? {} : { summary };
  }
  return client.insert({
    ...request,
    table: into,
    // Names once, not in each row: they would be most of the bytes.
    columns: Object.keys(rows[0] ?? {}) as [string, ...string[]],
    values: rows.map((row): unknown => Object.values(row)),
    format: 'JSONCompactEachRow',
  });
}

/**
 * Whether the rows went through the view: the server counts those that it writes into the inbox, and once more those
 * that it writes behind it. Where it does not say, they did not for all we know.
 */
function isPassedOn(inserted: Summarized, rows: number): boolean {
  return (writtenRows(inserted) ?? 0) >= 2 * rows;
}

function writtenRows({ summary }: Summarized): number | undefined {
  return summary === undefined ? undefined : Number(summary.written_rows);
}
