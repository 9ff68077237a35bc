/**
 * What ClickHouse has of a person. Rows of sessions are replaced by such that name nobody, inserted first and the old ones
 * deleted after that: broken off in between, the next run knows the pseudonyms (table `forgetting`) and makes the same rows
 * again, which count once. No id is part of a query's text: ClickHouse keeps that of a deletion.
 */
import { randomBytes } from 'node:crypto';
import type { ClickHouseClient } from '@clickhouse/client';
import { parts } from '../imports/kept-sessions.ts';
import { DATABASE, select, settleReplicas } from '../platform/clickhouse.ts';
import { untilDeleted } from '../platform/deletions.ts';
import { untilCaughtUp } from '../platform/replica-lag.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { SojournError } from '../shared/errors.ts';
import type { PersonKind } from '../shared/forgotten.ts';
import {
  forgottenRow,
  linkedRow,
  type Pseudonyms,
  pseudonymOf,
  type ReplacedKind,
  type TableRow,
} from '../shared/pseudonyms.ts';

export interface Person {
  readonly project: string;
  readonly kind: PersonKind;
  readonly id: string;
}

/** A session in ClickHouse: one row, or several that are not merged yet. */
export interface FoundSession {
  readonly sessionId: string;
  readonly identity: string;
  readonly userIds: readonly string[];
  readonly visitorIds: readonly string[];
  /** Epoch milliseconds. */
  readonly lastEventAt: number;
  /** It counts in no number. */
  readonly excluded: boolean;
}

/** Not into the log of queries, with the parameters that name somebody. */
export const UNLOGGED = { log_queries: 0 } as const;

const NAMES = `session_id AS sessionId, first_run_id AS identity, groupUniqArray(user_id) AS userIds,
  groupUniqArray(visitor_id) AS visitorIds, toFloat64(toUnixTimestamp64Milli(max(last_event_at))) AS lastEventAt,
  argMax(excluded, version) AS excluded`;

const runsWhere = (table: string, condition: string) =>
  `first_run_id IN (SELECT first_run_id FROM ${DATABASE}.${table} WHERE project = {project:String} AND ${condition})`;

/**
 * Of a user also what its devices did before they told who it was, as far as no other user did. Whether one did says the
 * newest version only: an older one may be of the time before the session had a user.
 */
const OWN: Readonly<Record<PersonKind, string>> = {
  user: `${runsWhere('sessions', 'user_id = {id:String}')} OR ${runsWhere(
    'sessions FINAL',
    `user_id = '' AND visitor_id != '' AND visitor_id IN (
      SELECT visitor_id FROM ${DATABASE}.sessions WHERE project = {project:String} AND user_id = {id:String})`,
  )}`,
  visitor: runsWhere('sessions', 'visitor_id = {id:String}'),
  session: 'session_id = {id:String}',
};

/**
 * @param sessionIds that are known to be the person's besides
 * @param devices of a user besides: their sessions, as far as no user has one
 */
export async function findOwn(
  admin: ClickHouseClient,
  { project, kind, id }: Person,
  sessionIds: readonly string[],
  devices: readonly string[] = [],
): Promise<readonly FoundSession[]> {
  await untilCaughtUp(admin);
  const found = new Map<string, FoundSession>();
  const add = async (condition: string, params: Record<string, unknown>) => {
    const rows = await select<FoundSession>(
      admin,
      `SELECT ${NAMES} FROM ${DATABASE}.sessions WHERE project = {project:String} AND (${condition})
       GROUP BY session_id, first_run_id`,
      { project, ...params },
      UNLOGGED,
    );
    for (const row of rows) found.set(row.identity, row);
  };
  await add(OWN[kind], { id });
  for (const some of parts(sessionIds))
    await add('session_id IN {ids:Array(String)}', { ids: some });
  const untold = runsWhere('sessions FINAL', `user_id = '' AND visitor_id IN {ids:Array(String)}`);
  for (const some of parts(devices)) await add(untold, { ids: some });
  return [...found.values()];
}

/**
 * First runs of sessions that ended and are not the person's, but have a user or visitor id that the person's have. Also
 * those that have it only in a version which a newer one has replaced: it lies there until ClickHouse merges the two.
 * @param replaced ids that an earlier pass has replaced, whose own rows say them no more
 */
export async function findLinked(
  admin: ClickHouseClient,
  project: string,
  own: readonly FoundSession[],
  replaced: { readonly users: readonly string[]; readonly visitors: readonly string[] },
): Promise<readonly string[]> {
  const users = idsIn([...replaced.users, ...own.flatMap(({ userIds }) => userIds)]);
  const visitors = idsIn([...replaced.visitors, ...own.flatMap(({ visitorIds }) => visitorIds)]);
  const mine = new Set(own.map(({ identity }) => identity));
  const linked = new Set<string>();
  for (const [column, ids] of [
    ['user_id', users],
    ['visitor_id', visitors],
  ] as const) {
    for (const some of parts(ids)) {
      const rows = await select<{ identity: string }>(
        admin,
        `SELECT first_run_id AS identity FROM ${DATABASE}.sessions
         WHERE project = {project:String} AND ${runsWhere('sessions', `${column} IN {ids:Array(String)}`)}
         GROUP BY first_run_id HAVING argMax(state, version) = 'ended'`,
        { project, ids: some },
        UNLOGGED,
      );
      for (const { identity } of rows) if (!mine.has(identity)) linked.add(identity);
    }
  }
  return [...linked];
}

function idsIn(ids: readonly string[]): readonly string[] {
  return [...new Set(ids)].filter((id) => id !== '');
}

export interface RowsDeps {
  readonly admin: ClickHouseClient;
  readonly project: string;
  /** The name under which pseudonyms are kept. */
  readonly run: string;
}

export interface ReplacedRows {
  readonly sessions: number;
  readonly linked: number;
  readonly imports: number;
}

/**
 * Replaces rows of sessions. Safe to repeat.
 * @param sessionIds of all sessions that go, also of those without a row
 * @throws SojournError `SJ_SERVER_UNREACHABLE`, `SJ_TIMEOUT`
 */
export async function replaceRows(
  deps: RowsDeps,
  own: readonly FoundSession[],
  linked: readonly string[],
  sessionIds: readonly string[],
): Promise<ReplacedRows> {
  const { admin, project } = deps;
  const imported = await importRowsOf(admin, project, sessionIds);
  const isWithoutRows = own.length + linked.length + imported.length === 0;
  const nothing = { sessions: 0, linked: 0, imports: 0 };
  if (isWithoutRows && sessionIds.length === 0) return nothing;
  // Also of sessions without any row: what says that one is the person's may be gone before its other messages are.
  const pseudonyms = await madeUp(deps, [
    ...sessionIds.map((id) => ['session', id] as const),
    ...own.map(({ identity }) => ['run', identity] as const),
    ...imported.flatMap(({ identity }) => (identity === '' ? [] : [['run', identity] as const])),
    ...linked.map((identity) => ['linked', identity] as const),
    ...own.flatMap(({ userIds }) => idsIn(userIds).map((id) => ['user', id] as const)),
    ...own.flatMap(({ visitorIds }) => idsIn(visitorIds).map((id) => ['visitor', id] as const)),
  ]);
  if (isWithoutRows) return nothing;
  const sessions = await rowsOf(
    admin,
    project,
    own.map(({ identity }) => identity),
  );
  // No number needs the row of one that is excluded.
  const counted = sessions.filter((row) => row['excluded'] !== true);
  await insert(
    admin,
    'sessions',
    counted.map((row) => forgottenRow(row, pseudonyms)),
  );
  await noteVersions(deps, linked);
  const others = await rowsOf(admin, project, linked);
  await insert(
    admin,
    'sessions',
    others.map((row) => linkedRow(row, pseudonyms)),
  );
  await deleteWhere(
    deps,
    'sessions',
    `first_run_id IN (${idsOfKind('run')}) OR (first_run_id, version) IN (${NOTED_VERSIONS})
     AND (user_id IN (${idsOfKind('user')}) OR visitor_id IN (${idsOfKind('visitor')}))`,
  );
  await replaceImported(deps, imported, pseudonyms);
  return { sessions: sessions.length, linked: others.length, imports: imported.length };
}

/** Beside the pseudonyms in `forgetting`: versions of a session that stays, in the place of a pseudonym. */
const VERSION = 'version';
const NOTED_VERSIONS = `SELECT id, toUInt64OrZero(pseudonym) FROM ${DATABASE}.forgetting
  WHERE run = {run:String} AND kind = '${VERSION}'`;

/**
 * Which versions of these sessions there are, before they are read to be replaced: these may be deleted after. One that a
 * late event writes in between is not among them. It says more than the row that was replaced, and would be lost; the next
 * pass finds it.
 */
async function noteVersions(
  { admin, project, run }: RowsDeps,
  identities: readonly string[],
): Promise<void> {
  for (const some of parts(identities)) {
    await admin
      .command({
        query: `INSERT INTO ${DATABASE}.forgetting (run, kind, id, pseudonym)
          SELECT DISTINCT {run:String}, '${VERSION}', first_run_id, toString(version) FROM ${DATABASE}.sessions
          WHERE project = {project:String} AND first_run_id IN {identities:Array(String)}`,
        query_params: { run, project, identities: some },
        clickhouse_settings: { ...UNLOGGED, wait_end_of_query: 1 },
      })
      .catch(explain);
  }
}

/** In the place of ids: what was made up before, and something new for the others. */
async function madeUp(
  { admin, run }: RowsDeps,
  ids: readonly (readonly [ReplacedKind, string])[],
): Promise<Pseudonyms> {
  const known = new Map<ReplacedKind, Map<string, string>>();
  const note = (kind: ReplacedKind, id: string, pseudonym: string) => {
    known.set(kind, (known.get(kind) ?? new Map<string, string>()).set(id, pseudonym));
  };
  const rows = await select<{ kind: ReplacedKind; id: string; pseudonym: string }>(
    admin,
    `SELECT kind, id, pseudonym FROM ${DATABASE}.forgetting WHERE run = {run:String} AND kind != '${VERSION}'`,
    { run },
  );
  for (const { kind, id, pseudonym } of rows) note(kind, id, pseudonym);
  const added: object[] = [];
  for (const [kind, id] of ids) {
    if (known.get(kind)?.has(id) === true) continue;
    const isRun = kind === 'run' || kind === 'linked';
    const random = isRun ? randomBytes(16).toString('hex') : randomBytes(16).toString('base64url');
    const pseudonym = pseudonymOf(kind, id, random);
    note(kind, id, pseudonym);
    added.push({ run, kind, id, pseudonym });
  }
  await insert(admin, 'forgetting', added);
  return known;
}

/** The way back is gone when this is. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function dropPseudonyms({ admin, run }: RowsDeps): Promise<void> {
  await admin
    .command({ query: `ALTER TABLE ${DATABASE}.forgetting DROP PARTITION '${run}'` })
    .catch(explain);
}

async function rowsOf(
  admin: ClickHouseClient,
  project: string,
  identities: readonly string[],
): Promise<readonly TableRow[]> {
  const rows: TableRow[] = [];
  for (const some of parts(identities)) {
    const found = await select<TableRow>(
      admin,
      `SELECT * FROM ${DATABASE}.sessions FINAL
       WHERE project = {project:String} AND first_run_id IN {identities:Array(String)}`,
      { project, identities: some },
      { ...UNLOGGED, ...AS_TEXT },
    );
    rows.push(...found);
  }
  return rows;
}

/** A number of JavaScript has too few digits for these. */
const AS_TEXT = {
  output_format_json_quote_64bit_integers: 1,
  output_format_json_quote_decimals: 1,
} as const;

interface ImportedRow {
  readonly row: TableRow;
  readonly identity: string;
}

async function importRowsOf(
  admin: ClickHouseClient,
  project: string,
  sessionIds: readonly string[],
): Promise<readonly ImportedRow[]> {
  const rows: ImportedRow[] = [];
  for (const some of parts(sessionIds)) {
    const found = await select<TableRow & { readonly first_run_id: string }>(
      admin,
      `SELECT * EXCEPT (events) FROM ${DATABASE}.import_sessions
       WHERE project = {project:String} AND session_id IN {ids:Array(String)}`,
      { project, ids: some },
      UNLOGGED,
    );
    rows.push(...found.map((row) => ({ row, identity: row.first_run_id })));
  }
  return rows;
}

/** How many rows imports have of sessions. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function countImported(
  admin: ClickHouseClient,
  project: string,
  sessionIds: readonly string[],
): Promise<number> {
  return (await importRowsOf(admin, project, sessionIds)).length;
}

/** Their events go: an import that is taken back needs only to know which rows of `sessions` are its own. */
async function replaceImported(
  deps: RowsDeps,
  imported: readonly ImportedRow[],
  pseudonyms: Pseudonyms,
): Promise<void> {
  if (imported.length === 0) return;
  const of = (kind: ReplacedKind, id: unknown) =>
    (typeof id === 'string' && pseudonyms.get(kind)?.get(id)) || id;
  const rows = imported.map(({ row }): TableRow => {
    const insteadOf = Array.isArray(row['instead_of']) ? row['instead_of'] : [];
    return {
      ...row,
      session_id: of('session', row['session_id']),
      first_run_id: of('run', row['first_run_id']),
      instead_of: insteadOf.map((id: unknown) => of('run', id)),
      events: row['fate'] === 'load' || row['fate'] === 'replace' ? '[]' : '',
    };
  });
  const there = await importRowsOf(
    deps.admin,
    deps.project,
    rows.map((row) => String(row['session_id'])),
  );
  const placeOf = (row: TableRow) =>
    [row['import'], row['life'], row['chunk'], row['session_id']].join(' ');
  const known = new Set(there.map(({ row }) => placeOf(row)));
  await insert(
    deps.admin,
    'import_sessions',
    rows.filter((row) => !known.has(placeOf(row))),
  );
  await deleteWhere(deps, 'import_sessions', `session_id IN (${idsOfKind('session')})`);
}

function idsOfKind(kind: ReplacedKind): string {
  return `SELECT id FROM ${DATABASE}.forgetting WHERE run = {run:String} AND kind = '${kind}'`;
}

async function insert(
  admin: ClickHouseClient,
  table: string,
  values: readonly object[],
): Promise<void> {
  if (values.length === 0) return;
  await admin
    .insert({
      table: `${DATABASE}.${table}`,
      values,
      format: 'JSONEachRow',
      // The same rows once more are to be there once more where they were deleted meanwhile.
      clickhouse_settings: { async_insert: 0, wait_end_of_query: 1, insert_deduplicate: 0 },
    })
    .catch(explain);
}

/** Parts are written anew without them: a row that is only marked as deleted would lie on the disk until a merge. */
async function deleteWhere(
  { admin, project, run }: RowsDeps,
  table: string,
  condition: string,
): Promise<void> {
  await settleReplicas(admin, 'forgetting').catch(explain);
  await admin
    .command({
      query: `ALTER TABLE ${DATABASE}.${table} DELETE WHERE project = {project:String} AND (${condition})`,
      query_params: { project, run },
      clickhouse_settings: { mutations_sync: '0', allow_nondeterministic_mutations: 1 },
    })
    .catch(explain);
  await untilDeleted(admin, table, 'rows');
}

/** Rows of `metrics` in whose dimension value the id stands: a path with an account in it, for example. */
export async function valuesNaming(
  admin: ClickHouseClient,
  { project, id }: Person,
): Promise<number> {
  const [row] = await select<{ rows: string }>(
    admin,
    `SELECT toString(count()) AS rows FROM ${DATABASE}.metrics
     WHERE project = {project:String} AND position(dimension_value, {id:String}) > 0`,
    { project, id },
    UNLOGGED,
  );
  return Number(row?.rows ?? 0);
}

export interface AuditLine {
  readonly project: string;
  readonly kind: PersonKind;
  readonly hash: string;
  readonly state: 'begun' | 'done';
  /** Epoch milliseconds. */
  readonly until: number;
  readonly done_by: string;
  readonly counts: Readonly<Record<string, number>>;
}

/** That somebody was forgotten, for whoever has to prove it. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function noteForgotten(admin: ClickHouseClient, line: AuditLine): Promise<void> {
  const time = (at: number) => new Date(at).toISOString().slice(0, 23).replace('T', ' ');
  await insert(admin, 'forgotten', [{ ...line, at: time(Date.now()), until: time(line.until) }]);
}

function explain(error: unknown): never {
  throw new SojournError(
    'SJ_SERVER_UNREACHABLE',
    `ClickHouse did not replace rows (${reasonOf(error)}); the same command again goes on`,
    { cause: error },
  );
}
