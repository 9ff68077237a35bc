/** What ClickHouse keeps of imports (020-imports): which there are, what was decided about their sessions, what they added. */
import type { ClickHouseClient } from '@clickhouse/client';
import { metricTableRows, type TableWriter } from '../activities/load-batch.ts';
import { chunkRange } from '../bulk/ledger.ts';
import { select } from '../platform/clickhouse.ts';
import { type Contributions, rowKeyText } from '../shared/contributions.ts';
import type { Granularity } from '../shared/buckets.ts';
import { readUnits } from '../shared/decimal.ts';
import type { ImportLife, ImportPlan } from '../shared/import-plan.ts';
import type { RowBytes } from '../platform/row-bytes.ts';
import type { ChunkPlace, Fence } from './chunk-rows.ts';
import type { Decision, Fate } from './decide.ts';

/** The name of its load (decision 039). */
export function loadName({ id, life }: Pick<ImportLife, 'id' | 'life'>): string {
  return `import/${id}/${life}`;
}

/**
 * `taking_back` is noted before anything of it goes. `withdrawn`: noted, and refused for another one that was loading;
 * nothing of it was loaded.
 */
export type ImportState = 'loading' | 'done' | 'taking_back' | 'taken_back' | 'withdrawn';

/** What became of the sessions of an import. */
export interface ImportCounts {
  readonly loaded: number;
  readonly replaced: number;
  readonly left: number;
  readonly live: number;
}

export interface ImportRow extends ImportLife, ImportCounts {
  readonly format: string;
  readonly files: readonly string[];
  readonly state: ImportState;
  readonly records: number;
  readonly badRecords: number;
  readonly events: number;
  readonly sessions: number;
  /** Epoch milliseconds. */
  readonly beganAt: number;
  /** JSON, see {@link ImportPlan}. */
  readonly plan: string;
}

/** Order in which states follow on each other: a later one wins whoever writes it. */
const VERSIONS: Readonly<Record<ImportState, number>> = {
  loading: 1,
  done: 2,
  // Earlier versions note 3 for taken back, after which nothing follows.
  taking_back: 3,
  taken_back: 4,
  withdrawn: 5,
};

/** Whether nothing of an import is in the tables, nor will ever be: the same files are imported in another life. */
export function isOver(state: ImportState): boolean {
  return state === 'taken_back' || state === 'withdrawn';
}

/** An import in the form it is noted in. */
export function importRowOf(plan: ImportPlan, state: ImportState, counts: ImportCounts): ImportRow {
  const { project, id, life, format, files, records, badRecords, events, sessions, beganAt } = plan;
  return {
    ...{ project, id, life, format, files, state, records, badRecords, events, sessions, beganAt },
    ...counts,
    plan: JSON.stringify(plan),
  };
}

export const NO_COUNTS: ImportCounts = { loaded: 0, replaced: 0, left: 0, live: 0 };

/** Safe to repeat. @throws what the tables throw */
export async function noteImport(tables: TableWriter, row: ImportRow): Promise<void> {
  const { id, life, badRecords, beganAt, project, format, files, state, records } = row;
  const { events, sessions, loaded, replaced, left, live, plan } = row;
  const noted = { project, import: id, life, format, files, state, records };
  await tables.insert(
    'imports',
    [
      {
        ...noted,
        bad_records: badRecords,
        ...{ events, sessions, loaded, replaced, left_alone: left, live },
        began_at: new Date(beganAt).toISOString().slice(0, 23).replace('T', ' '),
        plan,
        version: VERSIONS[state],
      },
    ],
    `import-${id}-${life}-${state}`,
  );
}

/**
 * Imports of a project, or of all, the newest first; of one id the latest life first, whatever clocks said.
 * @param withdrawn also those of which nothing was loaded
 * @throws SojournError `SJ_SERVER_UNREACHABLE`
 */
export async function listImports(
  reader: ClickHouseClient,
  {
    project = '',
    id = '',
    withdrawn = false,
  }: { readonly project?: string; readonly id?: string; readonly withdrawn?: boolean },
): Promise<readonly ImportRow[]> {
  const rows = await select<ImportRow>(
    reader,
    `SELECT project, import AS id, life, format, files, state, toFloat64(records) AS records,
       toFloat64(bad_records) AS badRecords, toFloat64(events) AS events, toFloat64(sessions) AS sessions,
       toFloat64(loaded) AS loaded, toFloat64(replaced) AS replaced, toFloat64(left_alone) AS \`left\`, toFloat64(live) AS live,
       toFloat64(toUnixTimestamp64Milli(began_at)) AS beganAt, plan
     FROM sojourn.imports FINAL
     WHERE ({project:String} = '' OR project = {project:String}) AND ({id:String} = '' OR import = {id:String})
       AND ({withdrawn:Bool} OR state != 'withdrawn')
     ORDER BY if({id:String} = '', 0, life) DESC, began_at DESC, import, life DESC`,
    { project, id, withdrawn },
  );
  return rows;
}

/** The name of a chunk's notes everywhere. */
export function notesToken({ id, life }: ImportLife, chunk: number): string {
  return `import-${id}-${life}-${chunk}`;
}

/** What an insert of a chunk goes by (027-import-fences): where the load is, ClickHouse asks with it. */
export function fenceOf(load: string, chunk: number): Fence {
  const { partition, log, from } = chunkRange(load, chunk);
  return { partition, log, range_from: from };
}

/** Where the rows of a chunk belong. */
export function chunkPlaceOf(life: ImportLife, chunk: number): ChunkPlace {
  const fence = fenceOf(loadName(life), chunk);
  return { fence, import: life.id, life: life.life, chunk, project: life.project };
}

/** Notes what was decided about a chunk, before anything of it is loaded. Safe to repeat. @throws what the tables throw */
export async function noteSessions(
  tables: TableWriter,
  life: ImportLife,
  chunk: number,
  notes: RowBytes,
): Promise<void> {
  await tables.insert('import_sessions_inbox', notes, notesToken(life, chunk));
}

/** Notes what a chunk adds, once its sessions are noted and before it does. Safe to repeat. @throws what the tables throw */
export async function noteRows(
  tables: TableWriter,
  life: ImportLife,
  chunk: number,
  rows: Contributions,
): Promise<void> {
  const place = { ...fenceOf(loadName(life), chunk), import: life.id, life: life.life, chunk };
  const noted = metricTableRows(life.project, rows, place);
  await tables.insert('import_rows_inbox', noted, notesToken(life, chunk));
}

/** What was decided about the sessions of a chunk, by id; empty where it was not noted. */
export async function decidedOf(
  reader: ClickHouseClient,
  { id, life }: ImportLife,
  chunk: number,
): Promise<ReadonlyMap<string, Decision>> {
  const rows = await select<{ sessionId: string; fate: Fate; insteadOf: readonly string[] }>(
    reader,
    `SELECT session_id AS sessionId, fate, instead_of AS insteadOf FROM sojourn.import_sessions
     WHERE import = {id:String} AND life = {life:UInt32} AND chunk = {chunk:UInt32}`,
    { id, life, chunk },
  );
  return new Map(rows.map((row) => [row.sessionId, row]));
}

/** What a chunk added, or was to add; empty where it was not noted. */
export async function rowsOf(
  reader: ClickHouseClient,
  { id, life }: ImportLife,
  chunk: number,
): Promise<Contributions> {
  const rows = await select<{
    readonly metric: string;
    readonly granularity: Granularity;
    readonly at: number;
    readonly dimension: string;
    readonly dimensionValue: string;
    readonly amount: string;
    readonly counted: string;
  }>(
    reader,
    `SELECT metric_type AS metric, granularity, toUnixTimestamp(bucket) AS at, dimension,
       dimension_value AS dimensionValue, toString(value) AS amount, toString(count) AS counted
     FROM sojourn.import_rows
     WHERE import = {id:String} AND life = {life:UInt32} AND chunk = {chunk:UInt32}
     ORDER BY metric_type, granularity, dimension, bucket, dimension_value`,
    { id, life, chunk },
  );
  return new Map(
    rows.map(({ at, amount, counted, ...key }) => [
      rowKeyText({ ...key, bucket: at * 1_000 }),
      { value: readUnits(amount), count: Number(counted) },
    ]),
  );
}

/** How many of its sessions each fate has so far. */
export async function countFates(
  reader: ClickHouseClient,
  { id, life }: Pick<ImportLife, 'id' | 'life'>,
): Promise<ImportCounts> {
  const rows = await select<{ fate: Fate; sessions: string }>(
    reader,
    `SELECT fate, toString(count()) AS sessions FROM sojourn.import_sessions
     WHERE import = {id:String} AND life = {life:UInt32} GROUP BY fate`,
    { id, life },
  );
  const of = (fate: Fate) => Number(rows.find((row) => row.fate === fate)?.sessions ?? 0);
  const replaced = of('replace');
  return { loaded: of('load') + replaced, replaced, left: of('leave'), live: of('live') };
}
