/** Sessions that are there: which ids of a chunk have some, and what imports have kept of their own. */
import type { ClickHouseClient } from '@clickhouse/client';
import { select } from '../platform/clickhouse.ts';
import type { RecognizedUser } from '../shared/actor.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import type { VisitorEvent } from '../shared/event.ts';
import type { SessionRecord } from '../shared/rollup.ts';
import type { FoundSession } from './decide.ts';
import { loadName } from './import-tables.ts';
import type { RowSums } from './row-sums.ts';
import { addWhole, foldWhole } from './whole-rows.ts';

/** Ids that one query asks for, in bytes: ClickHouse takes 128 KiB a parameter. */
const IDS_BYTES_AT_ONCE = 64 * 1024;
/** An id takes this much beside its text. */
const QUOTES_BYTES = 10;

/**
 * What there is of sessions in ClickHouse, by id.
 * @param isOwn says whether a session is one that the import itself has brought
 * @throws SojournError `SJ_SERVER_UNREACHABLE`
 */
export async function findSessions(
  reader: ClickHouseClient,
  project: string,
  ids: readonly string[],
  isOwn: (sessionId: string, identity: string) => boolean,
): Promise<ReadonlyMap<string, readonly FoundSession[]>> {
  const found = new Map<string, FoundSession[]>();
  for (const some of parts(ids)) {
    const rows = await select<{ sessionId: string; identities: readonly string[] }>(
      reader,
      `SELECT session_id AS sessionId, groupUniqArray(first_run_id) AS identities FROM sojourn.sessions
       WHERE project = {project:String} AND session_id IN {ids:Array(String)} GROUP BY session_id`,
      { project, ids: some },
    );
    const foreign = rows.flatMap(({ sessionId, identities }) =>
      identities
        .filter((identity) => !isOwn(sessionId, identity))
        .map((identity) => ({ sessionId, identity })),
    );
    if (foreign.length === 0) continue;
    const kept = await keptSessions(
      reader,
      foreign.map(({ identity }) => identity),
    );
    for (const { sessionId, identity } of foreign) {
      const there = found.get(sessionId) ?? [];
      // What a later version has brought cannot be worked out again here.
      const { catalogue = Infinity } = kept.get(identity) ?? {};
      const isImported = catalogue <= CATALOGUE_VERSION;
      found.set(sessionId, [...there, { identity, isImported }]);
    }
  }
  return found;
}

/** What an import kept of a session that it loaded. */
export interface KeptSession {
  readonly sessionId: string;
  readonly identity: string;
  /** The import that loaded it. */
  readonly id: string;
  readonly life: number;
  readonly newUser: boolean | null;
  readonly events: readonly VisitorEvent[];
  /** What that import was planned with, and so its rows were made with. */
  readonly catalogue: number;
  readonly idleTimeoutMs: number;
}

/** Sessions that imports have loaded, by their identity. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function keptSessions(
  reader: ClickHouseClient,
  identities: readonly string[],
): Promise<ReadonlyMap<string, KeptSession>> {
  const kept = new Map<string, KeptSession>();
  for (const some of parts(identities)) {
    const rows = await select<KeptRow>(
      reader,
      `SELECT session_id AS sessionId, first_run_id AS identity, import AS id, life, new_user AS newUser, events
       FROM sojourn.import_sessions
       WHERE first_run_id IN {identities:Array(String)} AND fate IN ('load', 'replace')`,
      { identities: some },
    );
    const plans = await plansOf(reader, [...new Set(rows.map(({ id }) => id))]);
    for (const row of rows) {
      const plan = plans.get(loadName(row));
      if (plan === undefined) continue;
      const { catalogue, idleTimeoutMs } = plan;
      const events = JSON.parse(row.events) as VisitorEvent[];
      kept.set(row.identity, { ...row, events, catalogue, idleTimeoutMs });
    }
  }
  return kept;
}

interface KeptRow extends Omit<KeptSession, 'events' | keyof PlannedWith> {
  readonly events: string;
}

type PlannedWith = Pick<KeptSession, 'catalogue' | 'idleTimeoutMs'>;

/** By the name of the load. */
async function plansOf(
  reader: ClickHouseClient,
  ids: readonly string[],
): Promise<ReadonlyMap<string, PlannedWith>> {
  if (ids.length === 0) return new Map();
  const rows = await select<PlannedWith & Pick<KeptSession, 'id' | 'life'>>(
    reader,
    `SELECT import AS id, life, toFloat64(JSONExtractUInt(plan, 'catalogue')) AS catalogue,
       toFloat64(JSONExtractUInt(plan, 'idleTimeoutMs')) AS idleTimeoutMs
     FROM sojourn.imports FINAL WHERE import IN {ids:Array(String)}`,
    { ids },
  );
  return new Map(rows.map((row) => [loadName(row), row]));
}

/**
 * Adds what a session has added when it was imported, to the last row: by the catalogue of then, which may be an older one.
 * @returns the session as it lay in the table `sessions`
 * @throws RangeError where it has no events
 */
export function addKept(
  sums: RowSums,
  project: string,
  { sessionId, events, newUser, id, life, catalogue, idleTimeoutMs }: KeptSession,
): SessionRecord {
  const options = { project, load: loadName({ id, life }), idleTimeoutMs, catalogue };
  const fold = foldWhole(sums, sessionId, events, options);
  const user: RecognizedUser | undefined = fold.visit && {
    userId: fold.visit.userId,
    isNew: newUser ?? false,
  };
  return addWhole(sums, fold, user, options);
}

/** As many at once as a parameter takes. */
export function* parts(ids: readonly string[]): Generator<readonly string[]> {
  let some: string[] = [];
  let bytes = 0;
  for (const id of ids) {
    const size = Buffer.byteLength(id) + QUOTES_BYTES;
    if (bytes + size > IDS_BYTES_AT_ONCE) {
      yield some;
      some = [];
      bytes = 0;
    }
    some.push(id);
    bytes += size;
  }
  if (some.length > 0) yield some;
}
