/** Sessions that are there: which ids of a chunk have some, and what imports have kept of their own. */
import type { ClickHouseClient } from '@clickhouse/client';
import { select } from '../platform/clickhouse.ts';
import type { VisitorEvent } from '../shared/event.ts';
import type { FoundSession } from './decide.ts';

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
      found.set(sessionId, [...there, { identity, isImported: kept.has(identity) }]);
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
}

/** Sessions that imports have loaded, by their identity. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function keptSessions(
  reader: ClickHouseClient,
  identities: readonly string[],
): Promise<ReadonlyMap<string, KeptSession>> {
  const kept = new Map<string, KeptSession>();
  for (const some of parts(identities)) {
    const rows = await select<Omit<KeptSession, 'events'> & { readonly events: string }>(
      reader,
      `SELECT session_id AS sessionId, first_run_id AS identity, import AS id, life, new_user AS newUser, events
       FROM sojourn.import_sessions
       WHERE first_run_id IN {identities:Array(String)} AND fate IN ('load', 'replace')`,
      { identities: some },
    );
    for (const row of rows) {
      kept.set(row.identity, { ...row, events: JSON.parse(row.events) as VisitorEvent[] });
    }
  }
  return kept;
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
