/**
 * Takes an import back: its rows by their opposite, a chunk at a time and under tokens of its own; its sessions out of
 * `sessions`; those that it had replaced in again. Nothing of its files is needed. It may be killed anywhere and done again.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import { chunkRange, noteBegun } from '../bulk/ledger.ts';
import { DATABASE, select, settleReplicas } from '../platform/clickhouse.ts';
import { untilCaughtUp } from '../platform/replica-lag.ts';
import { reasonOf } from '../platform/unreachable.ts';
import type { Contributions } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportLife, ImportPlan, TakenBack } from '../shared/import-plan.ts';
import { rangeToken } from '../shared/ranges.ts';
import { closeLoad, placeOf } from './close-load.ts';
import { sessionRows } from './chunk-rows.ts';
import {
  countFates,
  fenceOf,
  importRowOf,
  isOver,
  listImports,
  loadName,
  NO_COUNTS,
  noteImport,
  rowsOf,
} from './import-tables.ts';
import { insertFiled } from './insert-filed.ts';
import { addKept, keptSessions } from './kept-sessions.ts';
import { failWhereOthersLoad } from './one-at-a-time.ts';
import { createRowSumsOf } from './row-sums.ts';

export interface TakeBackDeps {
  readonly tables: TableWriter;
  readonly reader: ClickHouseClient;
  /** As the admin, who may delete. */
  readonly admin: ClickHouseClient;
}

/** So long at once; whoever looks sees how far it is in between. */
const AT_ONCE_MS = 20_000;

/**
 * May be done by several processes at once, or by one that stood still: each step is let go where it was done before.
 * @throws SojournError `SJ_USAGE` where another import has replaced sessions of it, or loads; what servers throw
 */
export async function takeBackSome(deps: TakeBackDeps, plan: ImportPlan): Promise<TakenBack> {
  const { tables, reader } = deps;
  await untilCaughtUp(reader);
  const all = await listImports(reader, { project: plan.project, withdrawn: true });
  const own = all.find(({ id, life }) => id === plan.id && life === plan.life);
  // Somebody else was at it, too, and is through. Others of the project may be loading by now.
  if (own !== undefined && isOver(own.state)) return { chunk: 0, isOver: true };
  await failWhereReplaced(reader, plan);
  failWhereOthersLoad(all, own ?? plan);
  await noteImport(tables, importRowOf(plan, 'taking_back', await countFates(reader, plan)));
  const taken = await takeBackChunks(deps, plan);
  if (!taken.isOver) return taken;
  await noteImport(tables, importRowOf(plan, 'taken_back', await countFates(reader, plan)));
  return taken;
}

/**
 * For one that was noted and must not go on, because another one of its project was first: it is as if it had never been
 * begun. Nothing of it is loaded, but by somebody else with the same files who came when the other one was through.
 * @throws what servers throw; safe to repeat
 */
export async function withdraw(deps: TakeBackDeps, plan: ImportPlan): Promise<void> {
  for (let isThrough = false; !isThrough;) {
    isThrough = (await takeBackChunks(deps, plan)).isOver;
  }
  await noteImport(deps.tables, importRowOf(plan, 'withdrawn', NO_COUNTS));
}

async function takeBackChunks(deps: TakeBackDeps, plan: ImportPlan): Promise<TakenBack> {
  const { tables, reader } = deps;
  const last = await closeLoad(deps, plan);
  if (last === 0) return { chunk: 0, isOver: true };
  const load = takeBackName(plan);
  await noteBegun(tables, load);
  const { loadedTo } = await placeOf(reader, load);
  const until = Date.now() + AT_ONCE_MS;
  for (let chunk = loadedTo + 1; chunk <= last; chunk += 1) {
    if (Date.now() >= until) return { chunk: chunk - 1, isOver: false };
    // Before the chunk is noted as done.
    await restoreReplaced(deps, plan, chunk);
    await takeBackRows(deps, plan, chunk);
  }
  await deleteLoaded(deps.admin, plan);
  return { chunk: last, isOver: true };
}

function takeBackName(life: ImportLife): string {
  return `${loadName(life)}/back`;
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
  const [replaced] = await select<{ identities: readonly string[] }>(
    reader,
    `SELECT groupUniqArrayArray(instead_of) AS identities FROM ${DATABASE}.import_sessions
     WHERE import = {id:String} AND life = {life:UInt32} AND chunk = {chunk:UInt32}`,
    { id: life.id, life: life.life, chunk },
  );
  const kept = await keptSessions(reader, replaced?.identities ?? []);
  const token = `${rangeToken(chunkRange(takeBackName(life), chunk))}-restored`;
  // Of people who were forgotten nothing is kept.
  const whole = [...kept.values()].filter(({ events }) => events.length > 0);
  // Its rows are back with the opposite of the chunk's: here they go nowhere.
  const sums = createRowSumsOf();
  const rows = sessionRows(fenceOf(takeBackName(life), chunk));
  for (const session of whole) rows.add(addKept(sums, life.project, session));
  await tables.insert('sessions_inbox', rows.end(), token);
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
         SELECT import, life FROM ${DATABASE}.imports FINAL WHERE state IN ('taken_back', 'withdrawn')))
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
