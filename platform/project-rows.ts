/**
 * The settings of projects in ClickHouse, for the views: copies of what the bucket PROJECTS has. Whoever changes the
 * bucket writes the row, as the writer, who may insert and nothing else; `migrate` mends all of them, as the admin, who
 * may look at what is there.
 */
import { text } from 'node:stream/consumers';
import type { ClickHouseClient } from '@clickhouse/client';
import type { KvEntry } from '@nats-io/kv';
import { parseSettings, type ProjectSettings } from '../shared/project.ts';
import type { IsZone } from '../shared/setting-rules.ts';
import { DATABASE, select } from './clickhouse.ts';
import type { Logger } from './log.ts';
import type { Nats } from './nats.ts';
import { readBucket } from './project-bucket.ts';
import type { WriterTable } from './writer-rights.ts';

const TABLE: WriterTable = 'projects';
export const PROJECTS_TABLE = `${DATABASE}.${TABLE}`;

/** As the table has it. */
interface ProjectRow {
  readonly project: string;
  readonly time_zone: string;
  readonly week: string;
  readonly currency: string;
  readonly own_hosts: readonly string[];
  readonly dimensions: Readonly<Record<string, string>>;
  /** 0: for ever. */
  readonly retention_days: number;
  /** UInt64 */
  readonly version: string;
  /** RFC 3339 */
  readonly updated_at: string;
}

const REVISION_BITS = 20n;

/**
 * The number by which the latest row wins. Revisions alone begin anew with a bucket that is made anew, and the rows of
 * the one before would win: so the time of the change comes first, the revision within a millisecond.
 */
export function versionOf({ created, revision }: Pick<KvEntry, 'created' | 'revision'>): bigint {
  const within = BigInt(revision) & ((1n << REVISION_BITS) - 1n);
  return (BigInt(created.getTime()) << REVISION_BITS) | within;
}

function rowOf(
  entry: KvEntry,
  settings: ProjectSettings,
  version: bigint = versionOf(entry),
): ProjectRow {
  return {
    project: entry.key,
    time_zone: settings.timeZone,
    week: settings.week,
    currency: settings.currency ?? '',
    own_hosts: settings.ownHosts,
    dimensions: settings.dimensions,
    retention_days: settings.retentionDays ?? 0,
    version: String(version),
    updated_at: entry.created.toISOString(),
  };
}

/**
 * Whether a user that is let in may write rows; true also where nobody knows. The statement takes no format, so it is no
 * query for the client; servers answer it since 24.10.
 */
export async function mayWriteProjectRows(
  client: Pick<ClickHouseClient, 'exec'>,
): Promise<boolean> {
  try {
    const { stream } = await client.exec({ query: `CHECK GRANT INSERT ON ${PROJECTS_TABLE}` });
    return (await text(stream)).trim() !== '0';
  } catch {
    // Then the row itself will tell.
    return true;
  }
}

/** Writes the row of one project. Again is the same. @throws what the client throws */
export async function writeProjectRow(
  client: ClickHouseClient,
  entry: KvEntry,
  isZone: IsZone,
): Promise<void> {
  await insert(client, [rowOf(entry, parseSettings(entry.string(), isZone).settings)]);
}

async function insert(client: ClickHouseClient, rows: readonly ProjectRow[]): Promise<void> {
  if (rows.length === 0) return;
  await client.insert({
    table: PROJECTS_TABLE,
    values: rows,
    format: 'JSONEachRow',
    clickhouse_settings: {
      async_insert: 0,
      wait_end_of_query: 1,
      date_time_input_format: 'best_effort',
    },
  });
}

/**
 * Makes the rows say what the bucket says, where they do not: ClickHouse or NATS was put back to an older copy, or a
 * change got no further than the bucket.
 * @throws SojournError `SJ_MIGRATION`, `SJ_SERVER_UNREACHABLE`; what the clients throw
 */
export async function restoreProjectRows(
  client: ClickHouseClient,
  nats: Pick<Nats, 'js'>,
  isZone: IsZone,
  log: Logger,
): Promise<void> {
  // The table first: what is set meanwhile is then in the bucket that is read, and never written over.
  const kept = await select<Omit<ProjectRow, 'updated_at'>>(
    client,
    `SELECT project, time_zone, week, currency, own_hosts, dimensions, retention_days, toString(version) AS version
     FROM ${PROJECTS_TABLE} FINAL`,
  );
  const entries = await readBucket(nats);
  const rows = entries.flatMap((entry) => {
    const { settings } = parseSettings(entry.string(), isZone);
    const before = kept.find(({ project }) => project === entry.key);
    const row = rowOf(entry, settings, later(versionOf(entry), before));
    return before !== undefined && contentOf(before) === contentOf(row) ? [] : [row];
  });
  await insert(client, rows);
  if (rows.length > 0) log.info({ projects: rows.length }, 'settings of projects written anew');
  const lost = kept.filter(({ project }) => !entries.some(({ key }) => key === project));
  if (lost.length === 0) return;
  log.warn(
    { projects: lost.map(({ project }) => project) },
    'clickhouse has settings of projects that nats has lost: ingest reads by defaults until they are set again',
  );
}

function later(version: bigint, before: Pick<ProjectRow, 'version'> | undefined): bigint {
  const least = before === undefined ? 0n : BigInt(before.version) + 1n;
  return version > least ? version : least;
}

function contentOf(row: Omit<ProjectRow, 'version' | 'updated_at'>): string {
  const { time_zone, week, currency, own_hosts, dimensions, retention_days } = row;
  const sorted = Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1));
  return JSON.stringify([time_zone, week, currency, own_hosts, sorted, retention_days]);
}
