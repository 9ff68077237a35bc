/**
 * Sums of a chunk into the tables, as they are: which of their values have rows of their own is decided before. Sessions go
 * by a fence as metrics do, so nothing of a chunk that is loaded, or whose load is closed, comes in late.
 */
import { loadBatch, type TableWriter } from '../activities/load-batch.ts';
import { chunkRange } from '../bulk/ledger.ts';
import { NO_ROWS, type RowBytes } from '../platform/row-bytes.ts';
import type { RangeSums } from '../shared/rollup.ts';

/**
 * Safe to repeat. @throws what the tables throw
 * @param sums without sessions
 * @param sessions for `sessions_inbox`, in their place
 */
export async function insertFiled(
  tables: TableWriter,
  load: string,
  number: number,
  sums: RangeSums,
  sessions: RowBytes = NO_ROWS,
): Promise<void> {
  const fenced: TableWriter = {
    insert: (table, rows, token) =>
      table === 'sessions'
        ? tables.insert('sessions_inbox', sessions.length === 0 ? [] : sessions, token)
        : tables.insert(table, rows, token),
  };
  await loadBatch({ sumRange: () => Promise.resolve(sums) }, fenced, chunkRange(load, number));
}
