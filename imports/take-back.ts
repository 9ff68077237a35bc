/**
 * Takes an import back: its rows by their opposite, a chunk at a time and under tokens of its own; its sessions out of
 * `sessions`; those that it had replaced in again. Nothing of its files is needed. It may be killed anywhere and done again.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { metricTableRows, sessionTableRow, type TableWriter } from '../activities/load-batch.ts';
import { begunLoads, chunkRange, noteBegun, noteDone } from '../bulk/ledger.ts';
import { DATABASE, select, settleReplicas } from '../platform/clickhouse.ts';
import { untilCaughtUp } from '../platform/replica-lag.ts';
import { reasonOf } from '../platform/unreachable.ts';
import type { Contributions } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportLife, ImportPlan, TakenBack } from '../shared/import-plan.ts';
import { rangeToken } from '../shared/ranges.ts';
import {
  countFates,
  importRowOf,
  listImports,
  loadName,
  noteImport,
  rowsOf,
} from './import-tables.ts';
import { insertFiled } from './insert-filed.ts';
import { keptSessions, type KeptSession } from './kept-sessions.ts';
import { failWhereOthersLoad } from './one-at-a-time.ts';
import { createRowSumsOf } from './row-sums.ts';
import { addWhole, foldWhole } from './whole-rows.ts';

export interface TakeBackDeps {
  readonly tables: TableWriter;
  readonly reader: ClickHouseClient;
  /** As the admin, who may delete. */
  readonly admin: ClickHouseClient;
}

/** So long at once; whoever looks sees how far it is in between. */
const AT_ONCE_MS = 20_000;

/** @throws SojournError `SJ_USAGE` where another import has replaced sessions of it, or loads; what servers throw */
export async function takeBackSome(deps: TakeBackDeps, plan: ImportPlan): Promise<TakenBack> {
  const { tables, reader } = deps;
  await untilCaughtUp(reader);
  await failWhereReplaced(reader, plan);
  const all = await listImports(reader, { project: plan.project });
  failWhereOthersLoad(
    all,
    all.find(({ id, life }) => id === plan.id && life === plan.life) ?? plan,
  );
  await noteImport(tables, importRowOf(plan, 'taking_back', await countFates(reader, plan)));
  await closeLoad(deps, plan);
  const load = takeBackName(plan);
  await noteBegun(tables, load);
  const { loadedTo } = await placeOf(reader, load);
  const last = await lastChunk(reader, plan);
  const until = Date.now() + AT_ONCE_MS;
  for (let chunk = loadedTo + 1; chunk <= last; chunk += 1) {
    if (Date.now() >= until) return { chunk: chunk - 1, isOver: false };
    // Before the chunk is noted as done.
    await restoreReplaced(deps, plan, chunk);
    await takeBackRows(deps, plan, chunk);
  }
  await deleteLoaded(deps.admin, plan);
  const counts = await countFates(reader, plan);
  await noteImport(tables, importRowOf(plan, 'taken_back', counts));
  return { chunk: last, isOver: true };
}

function takeBackName(life: ImportLife): string {
  return `${loadName(life)}/back`;
}

async function placeOf(reader: ClickHouseClient, load: string) {
  const loads = await begunLoads(reader, load);
  return loads.find((one) => one.load === load) ?? { load, loadedTo: 0, isDone: false };
}

/**
 * Nothing is loaded under its name from now on. The chunk that was on its way, when it was, is finished first: its rows
 * may be in `metrics`, or come there yet; after this they are, once.
 */
async function closeLoad({ tables, reader }: TakeBackDeps, life: ImportLife): Promise<void> {
  const load = loadName(life);
  const { loadedTo, isDone } = await placeOf(reader, load);
  if (isDone) return;
  const range = chunkRange(load, loadedTo + 1);
  const rows = await rowsOf(reader, life, loadedTo + 1);
  const { partition, log, from } = range;
  const place = { partition, log, range_from: from };
  await tables.insert(
    'metrics_inbox',
    metricTableRows(life.project, rows, place),
    rangeToken(range),
  );
  await noteDone(tables, load);
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

async function takeBackRows(
  { tables, reader }: TakeBackDeps,
  life: ImportLife,
  chunk: number,
): Promise<void> {
  const rows = await rowsOf(reader, life, chunk);
  const opposite: Contributions = new Map(
    Array.from(rows, ([key, { value, count }]) => [key, { value: -value, count: -count }]),
  );
  const sums = {
    metrics: new Map([[life.project, opposite]]),
    sessions: [],
    records: 0,
    behind: 0,
  };
  await insertFiled(tables, takeBackName(life), chunk, sums);
}

/** Sessions that it took the place of: of their rows those in `metrics` are back with the opposite of the chunk's. */
async function restoreReplaced(
  { tables, reader }: TakeBackDeps,
  life: ImportPlan,
  chunk: number,
): Promise<void> {
  const rows = await select<{ identities: readonly string[] }>(
    reader,
    `SELECT groupUniqArrayArray(instead_of) AS identities FROM ${DATABASE}.import_sessions
     WHERE import = {id:String} AND life = {life:UInt32} AND chunk = {chunk:UInt32}`,
    { id: life.id, life: life.life, chunk },
  );
  const kept = await keptSessions(reader, rows[0]?.identities ?? []);
  const token = `${rangeToken(chunkRange(takeBackName(life), chunk))}-restored`;
  // Of people who were forgotten nothing is kept.
  const whole = [...kept.values()].filter(({ events }) => events.length > 0);
  const restored = whole.map((session) => restoredRow(session, life));
  await tables.insert('sessions', restored, token);
}

function restoredRow(
  { sessionId, events, newUser, id, life }: KeptSession,
  plan: ImportPlan,
): object {
  const { project, idleTimeoutMs } = plan;
  const options = { project, load: loadName({ id, life }), idleTimeoutMs };
  // Its rows are back with the opposite of the chunk's: here they go nowhere.
  const sums = createRowSumsOf();
  const fold = foldWhole(sums, sessionId, events, options);
  const user = fold.visit && { userId: fold.visit.userId, isNew: newUser ?? false };
  return sessionTableRow(addWhole(sums, fold, user, options));
}

/** One deletion for all of them: each costs about the same. */
async function deleteLoaded(
  admin: ClickHouseClient,
  { project, id, life }: ImportLife,
): Promise<void> {
  const explain = (error: unknown): never => {
    throw new SojournError(
      'SJ_SERVER_UNREACHABLE',
      `ClickHouse did not delete sessions (${reasonOf(error)}); the same again goes on`,
      { cause: error },
    );
  };
  await settleReplicas(admin, 'import_sessions').catch(explain);
  await admin
    .command({
      query: `DELETE FROM ${DATABASE}.sessions WHERE project = {project:String} AND first_run_id IN (
        SELECT first_run_id FROM ${DATABASE}.import_sessions
        WHERE import = {id:String} AND life = {life:UInt32} AND fate IN ('load', 'replace'))`,
      query_params: { project, id, life },
      clickhouse_settings: { lightweight_deletes_sync: '2', allow_nondeterministic_mutations: 1 },
    })
    .catch(explain);
}

/** What replaced its sessions has taken away their rows: that has to be taken back first, or they were taken away twice. */
export async function failWhereReplaced(
  reader: ClickHouseClient,
  { id, life }: ImportLife,
): Promise<void> {
  const [later] = await select<{ by: string }>(
    reader,
    `SELECT replacing AS by FROM (
       SELECT import AS replacing, arrayJoin(instead_of) AS identity FROM ${DATABASE}.import_sessions
       WHERE fate = 'replace' AND (import, life) NOT IN (
         SELECT import, life FROM ${DATABASE}.imports FINAL WHERE state = 'taken_back'))
     WHERE identity IN (
       SELECT first_run_id FROM ${DATABASE}.import_sessions
       WHERE import = {id:String} AND life = {life:UInt32} AND fate IN ('load', 'replace'))
     ORDER BY replacing LIMIT 1`,
    { id, life },
  );
  if (later === undefined) return;
  throw new SojournError(
    'SJ_USAGE',
    `sessions of import ${id} were replaced by import ${later.by}; take that back first`,
  );
}
