/**
 * Ends a life of an import for good, whatever processes are still at it, stand still, or have something on its way. Each
 * insert of theirs asks with itself where the load is (027-import-fences); this closes what they ask for, step by step:
 *
 * ```text
 * notes closed ── none under way ── the chunk that is noted and not loaded: in ── load closed ── none under way
 * ```
 *
 * So notes say for ever what is in the tables, and a process that wakes up later finds its notes let go, or its rows.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { metricTableRows, type TableWriter } from '../activities/load-batch.ts';
import { type BegunLoad, begunLoads, chunkRange, noteDone } from '../bulk/ledger.ts';
import { DATABASE, select } from '../platform/clickhouse.ts';
import type { WriterTable } from '../platform/writer-rights.ts';
import type { ImportLife } from '../shared/import-plan.ts';
import { rangeToken } from '../shared/ranges.ts';
import { fenceOf, loadName, notesToken, rowsOf } from './import-tables.ts';

export interface CloseDeps {
  readonly tables: TableWriter;
  readonly reader: ClickHouseClient;
}

/**
 * Safe to repeat, and by several at once.
 * @returns the last chunk that is noted, 0 where none is
 * @throws what ClickHouse throws, also while something of it is under way
 */
export async function closeLoad(deps: CloseDeps, life: ImportLife): Promise<number> {
  const { tables, reader } = deps;
  const load = loadName(life);
  await noteDone(tables, notesNameOf(load));
  const { loadedTo, isDone } = await placeOf(reader, load);
  if (!isDone) {
    const next = loadedTo + 1;
    for (const table of ['import_sessions_inbox', 'import_rows_inbox'] as const) {
      await failWhileUnderWay(tables, life, next, { table, token: notesToken(life, next) });
    }
    await finishChunk(deps, life, next);
    await noteDone(tables, load);
  }
  const last = await lastChunk(reader, life);
  const token = rangeToken(chunkRange(load, last));
  if (last > 0) await failWhileUnderWay(tables, life, last, { table: 'sessions_inbox', token });
  return last;
}

/** See `import_sessions_intake`. */
function notesNameOf(load: string): string {
  return `${load}/notes`;
}

/** How far a load has come, by its whole name. */
export async function placeOf(reader: ClickHouseClient, load: string): Promise<BegunLoad> {
  const loads = await begunLoads(reader, load);
  return loads.find((one) => one.load === load) ?? { load, loadedTo: 0, isDone: false };
}

/**
 * An insert of which nothing comes in, for its place is closed; ClickHouse refuses it while another one of this name is
 * running. One that comes later is let go as this one is.
 */
async function failWhileUnderWay(
  tables: TableWriter,
  life: ImportLife,
  chunk: number,
  { table, token }: { readonly table: WriterTable; readonly token: string },
): Promise<void> {
  const row = { ...fenceOf(loadName(life), chunk), project: life.project };
  await tables.insert(table, [row], token);
}

/** Its rows may be in `metrics`, or come there yet; after this they are, once. */
async function finishChunk(
  { tables, reader }: CloseDeps,
  life: ImportLife,
  chunk: number,
): Promise<void> {
  const load = loadName(life);
  const rows = await rowsOf(reader, life, chunk);
  await tables.insert(
    'metrics_inbox',
    metricTableRows(life.project, rows, fenceOf(load, chunk)),
    rangeToken(chunkRange(load, chunk)),
  );
}

/** Of both tables: a chunk whose sessions equal those that they replaced adds nothing, and has no rows. */
async function lastChunk(reader: ClickHouseClient, { id, life }: ImportLife): Promise<number> {
  const [row] = await select<{ last: number }>(
    reader,
    `SELECT max(chunk) AS last FROM (
       SELECT chunk FROM ${DATABASE}.import_rows WHERE import = {id:String} AND life = {life:UInt32}
       UNION ALL
       SELECT chunk FROM ${DATABASE}.import_sessions WHERE import = {id:String} AND life = {life:UInt32})`,
    { id, life },
  );
  return row?.last ?? 0;
}
