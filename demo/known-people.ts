/** Who has been in the demo's shop lately, of its own table: they may come again, also after a restart. */
import type { ClickHouseClient } from '@clickhouse/client';
import { select } from '../platform/clickhouse.ts';
import { DEMO_PROJECT } from './settings.ts';
import { DEVICES, HOMES, type Person } from './visit.ts';

/** A device is known by its screen, a home by its country: no two are alike. */
interface PersonRow {
  readonly visitor_id: string;
  readonly user_id: string;
  readonly country: string;
  readonly screen: string;
}

/** The latest at the end. @param reader of a user who may read @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function readKnownPeople(
  reader: ClickHouseClient,
  most: number,
): Promise<readonly Person[]> {
  const rows = await select<PersonRow>(
    reader,
    `SELECT visitor_id, argMaxIf(user_id, last_event_at, user_id != '') AS user_id,
       argMax(country, last_event_at) AS country, argMax(screen, last_event_at) AS screen
     FROM sojourn.sessions FINAL
     WHERE project = {project:String} AND NOT bot AND visitor_id != ''
     GROUP BY visitor_id ORDER BY max(last_event_at) DESC, visitor_id LIMIT {most:UInt32}`,
    { project: DEMO_PROJECT, most },
  );
  return rows.flatMap(personOf).reverse();
}

function personOf({
  visitor_id: visitorId,
  user_id: userId,
  country,
  screen,
}: PersonRow): Person[] {
  const [home] = HOMES.find(([one]) => one.country === country) ?? [];
  const [device] = DEVICES.find(([[, one]]) => one === screen) ?? [];
  // Somebody else has published into the project.
  if (home === undefined || device === undefined) return [];
  return [{ visitorId, ...(userId !== '' && { userId }), home, device }];
}
