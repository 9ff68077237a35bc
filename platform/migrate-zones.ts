/**
 * Brings the table `zones` up to the rules that this release came with. A release of the rules is one insert, so no query sees
 * a part of it; the one before stays, for queries that have just asked which is the newest.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { type ZoneRow, ZONE_YEARS, zoneRows, type Zones } from '../shared/zones/index.ts';
import { DATABASE, select } from './clickhouse.ts';
import type { Logger } from './log.ts';

const TABLE = `${DATABASE}.zones`;
const PROJECTS = `${DATABASE}.projects`;

/** @param now epoch milliseconds: how old the rules are goes by it */
export async function migrateZones(
  client: ClickHouseClient,
  zones: Zones,
  now: number,
  log: Logger,
): Promise<void> {
  const version = zones.zoneDataVersion;
  if (isOld(version, now)) {
    log.warn({ version }, 'time zone rules are older than a year; a newer release may have others');
  }
  const newest = await newestVersion(client);
  if (newest > version) {
    log.warn(
      { version, newest },
      'time zone rules of this release are older than those in ClickHouse, which stay',
    );
  }
  if (newest < version) await insertRelease(client, zones, newest, log);
  await tellProjects(client);
}

async function insertRelease(
  client: ClickHouseClient,
  zones: Zones,
  newest: string,
  log: Logger,
): Promise<void> {
  const version = zones.zoneDataVersion;
  await client.insert({
    table: TABLE,
    values: tableRows(zones),
    format: 'JSONEachRow',
    clickhouse_settings: {
      // Two processes that migrate at once make one release of it, whole.
      insert_deduplication_token: version,
      insert_deduplicate: 1,
      input_format_parallel_parsing: 0,
      max_insert_block_size: '1000000',
      min_insert_block_size_rows: '1000000',
    },
  });
  await client.command({
    query: `DELETE FROM ${TABLE} WHERE version NOT IN {kept: Array(String)}`,
    query_params: { kept: [version, newest] },
  });
  log.info({ version, before: newest }, 'time zone rules brought up to date');
}

/** The rows again as they are: the view on them writes each project's clocks by the newest rules (010-zones). */
async function tellProjects(client: ClickHouseClient): Promise<void> {
  await client.command({
    query: `INSERT INTO ${PROJECTS} SELECT * FROM ${PROJECTS} FINAL`,
    clickhouse_settings: { insert_deduplicate: 0 },
  });
}

async function newestVersion(client: ClickHouseClient): Promise<string> {
  const [row] = await select<{ newest: string }>(
    client,
    `SELECT toString(max(version)) AS newest FROM ${TABLE}`,
  );
  return row?.newest ?? '';
}

/** IANA names releases by year and letter: the last of a year is at least a year old when the year after has passed. */
function isOld(version: string, now: number): boolean {
  return new Date(now).getUTCFullYear() >= Number.parseInt(version, 10) + 2;
}

interface TableRow extends ZoneRow {
  readonly hour_starts_at: number;
}

/** Rows of the table: those of all zones, the first from 1970, and where the local hour around each change begins. */
export function tableRows(zones: Zones): TableRow[] {
  const firstSeconds = Date.UTC(ZONE_YEARS.from, 0, 1) / 1_000;
  return zoneRows(zones, ZONE_YEARS.from, ZONE_YEARS.to).map((row) => {
    if (row.starts_at === firstSeconds) return { ...row, starts_at: 0, hour_starts_at: 0 };
    const hourMs = zones.startOfLocal(row.zone, 'hour', row.starts_at * 1_000);
    return { ...row, hour_starts_at: hourMs / 1_000 };
  });
}
