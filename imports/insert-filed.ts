/** Sums of a chunk into the tables, as they are: which of their values have rows of their own is decided before. */
import { loadBatch, type TableWriter } from '../activities/load-batch.ts';
import { chunkRange } from '../bulk/ledger.ts';
import type { RangeSums } from '../shared/rollup.ts';

/** Safe to repeat. @throws what the tables throw */
export async function insertFiled(
  tables: TableWriter,
  load: string,
  number: number,
  sums: RangeSums,
): Promise<void> {
  await loadBatch({ sumRange: () => Promise.resolve(sums) }, tables, chunkRange(load, number));
}
