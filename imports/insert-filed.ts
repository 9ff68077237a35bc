/**
 * Sums of a chunk into the tables, as they are: which of their values have rows of their own is decided before. Sessions go
 * by a fence as metrics do, so nothing of a chunk that is loaded, or whose load is closed, comes in late.
 */
import { loadBatch, type TableWriter } from '../activities/load-batch.ts';
import { chunkRange } from '../bulk/ledger.ts';
import type { RangeSums } from '../shared/rollup.ts';
import { fenceOf } from './import-tables.ts';

/** Safe to repeat. @throws what the tables throw */
export async function insertFiled(
  tables: TableWriter,
  load: string,
  number: number,
  sums: RangeSums,
): Promise<void> {
  const fenced: TableWriter = {
    insert: (table, rows, token) =>
      table === 'sessions'
        ? insertSessions(tables, load, number, { rows, token })
        : tables.insert(table, rows, token),
  };
  await loadBatch({ sumRange: () => Promise.resolve(sums) }, fenced, chunkRange(load, number));
}

/** Rows as the table `sessions` has them, of one chunk. Safe to repeat. @throws what the tables throw */
export async function insertSessions(
  tables: TableWriter,
  load: string,
  number: number,
  { rows, token }: { readonly rows: readonly object[]; readonly token: string },
): Promise<void> {
  const fence = fenceOf(load, number);
  await tables.insert(
    'sessions_inbox',
    rows.map((row) => ({ ...fence, ...row })),
    token,
  );
}
