/**
 * Sessions of which an import has kept the events (`import_sessions`). Whose they are is read out of the events: the rows
 * of `sessions` may be gone, because the import was taken back or the project keeps them only for a while.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { parts } from '../imports/kept-sessions.ts';
import { DATABASE, select } from '../platform/clickhouse.ts';
import { type FoundSession, type Person, UNLOGGED } from './forget-rows.ts';

export type KeptOfPerson = Pick<FoundSession, 'sessionId' | 'visitorIds' | 'lastEventAt'>;

const idOf = (field: 'userId' | 'visitorId') => `JSONExtractString(e, '${field}')`;

const NAMED = {
  user: `arrayExists(e -> has({ids:Array(String)}, ${idOf('userId')}), taken)`,
  visitor: `arrayExists(e -> has({ids:Array(String)}, ${idOf('visitorId')}), taken)`,
} as const;
/** Nobody had told who it was. */
const UNTOLD = `NOT arrayExists(e -> ${idOf('userId')} != '', taken)`;

/** Those with an event that names a user, or a visitor. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function keptNaming(
  admin: ClickHouseClient,
  { project, kind, id }: Person,
): Promise<readonly KeptOfPerson[]> {
  // A session's own id is a column: it is found without its events.
  return kind === 'session' ? [] : find(admin, project, [id], NAMED[kind]);
}

/** Those of devices, as far as no event says a user. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function keptOfDevices(
  admin: ClickHouseClient,
  project: string,
  devices: readonly string[],
): Promise<readonly KeptOfPerson[]> {
  const found: KeptOfPerson[] = [];
  for (const ids of parts(devices)) {
    found.push(...(await find(admin, project, ids, `${NAMED.visitor} AND ${UNTOLD}`)));
  }
  return found;
}

/** Only events in whose text an id stands are read as JSON: that is a hundred times as much work. */
async function find(
  admin: ClickHouseClient,
  project: string,
  ids: readonly string[],
  condition: string,
): Promise<readonly KeptOfPerson[]> {
  return select<KeptOfPerson>(
    admin,
    `SELECT session_id AS sessionId, arrayDistinct(arrayMap(e -> ${idOf('visitorId')}, taken)) AS visitorIds,
       toFloat64(arrayMax(arrayMap(e -> JSONExtractInt(e, 'at'), taken))) AS lastEventAt
     FROM (
       SELECT session_id, JSONExtractArrayRaw(events) AS taken FROM ${DATABASE}.import_sessions
       WHERE project = {project:String} AND arrayExists(text -> position(events, text) > 0, {texts:Array(String)}))
     WHERE ${condition}`,
    { project, ids, texts: ids.map((id) => JSON.stringify(id)) },
    UNLOGGED,
  );
}
