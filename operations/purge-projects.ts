/**
 * Deletes rows that are older than their project keeps them. Days are whole ones of the project's time zone: the limit is the
 * start of a local day, and a row goes when all that it tells of lies before that. So no number of a kept day changes, and a
 * session that began before the limit and ended after it stays, for its end counts in a kept day.
 *
 * The limit is noted first (`kept_from`), then rows go, sessions before metrics: broken off anywhere, the next run goes on. A
 * limit never goes back: what is deleted does not come again. What comes in later for a time before it, as a difference to what
 * is gone, is in no number that the audit compares, and goes with the next run.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import { DATABASE, select } from '../platform/clickhouse.ts';
import { untilDeleted } from '../platform/deletions.ts';
import type { Nats } from '../platform/nats.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { loadZones } from '../platform/zones.ts';
import { SojournError } from '../shared/errors.ts';
import { retentionLimit } from '../shared/retention.ts';
import { deleteLetters } from './dead-letter-stream.ts';
import { listProjects } from './projects.ts';

export interface PurgeDeps {
  readonly nats: Pick<Nats, 'js' | 'jsm'>;
  /** As the admin, who may delete. */
  readonly admin: ClickHouseClient;
  /** Told of each project when it is done, so also of those before one that fails. */
  readonly onPurged?: (purged: Purged) => void;
  /** Told what is looked at, and deleted, next. */
  readonly onStep?: (step: PurgeStep) => void;
}

export interface PurgeStep {
  readonly project: string;
  readonly table: string;
  /** Which of the projects that do not keep their rows for ever it is, of how many. */
  readonly nth: number;
  readonly of: number;
}

export interface Purged {
  readonly project: string;
  /** RFC 3339: the start of the first day that is kept in full. */
  readonly keptFrom: string;
  /** Rows that were deleted; of sessions each version that was not merged yet is one. */
  readonly sessions: number;
  readonly metrics: number;
  readonly deadLetters: number;
}

/** All that is before the limit. The end of a bucket goes by its size. */
const OLD = {
  sessions: 'project = {project: String} AND last_event_at < toDateTime({limit: UInt32})',
  metrics: `project = {project: String} AND bucket < toDateTime({limit: UInt32}) AND multiIf(
    granularity = 'minute', bucket + INTERVAL 1 MINUTE, granularity = 'quarter_hour', bucket + INTERVAL 15 MINUTE,
    granularity = 'hour', bucket + INTERVAL 1 HOUR, granularity = 'day', bucket + INTERVAL 1 DAY,
    granularity = 'week', bucket + INTERVAL 7 DAY, bucket + INTERVAL 1 MONTH) <= toDateTime({limit: UInt32})`,
  // Which values had rows of their own on days of UTC of which no row is left.
  full_dimensions:
    "project = {project: String} AND day + 1 <= toDate(toDateTime({limit: UInt32}, 'UTC'))",
} as const;

/**
 * One project after the other, one table after the other: ClickHouse never has more than one deletion of ours to do. What the
 * bucket PROJECTS says counts; a value that breaks a rule is none, and deletes nothing. A project whose limit lies in the
 * future keeps nobody else's rows: it is told of when the others are done.
 * @param now epoch milliseconds
 * @param signal stops the waiting; a deletion that ClickHouse has begun it does by itself
 * @returns the projects that do not keep their rows for ever
 * @throws SojournError `SJ_SERVER_UNREACHABLE`, `SJ_TIMEOUT`, `SJ_MIGRATION`, `SJ_CONFIG` where a limit lies in the future; what the client of NATS throws
 */
export async function purgeProjects(
  { nats, admin, onPurged, onStep }: PurgeDeps,
  now: number,
  signal?: AbortSignal,
): Promise<readonly Purged[]> {
  const zones = loadZones();
  const purged: Purged[] = [];
  const refused: string[] = [];
  const limited = (await listProjects(nats)).flatMap(({ project, settings }) => {
    const { retentionDays, timeZone } = settings;
    return retentionDays === undefined ? [] : [{ project, retentionDays, timeZone }];
  });
  for (const [n, { project, retentionDays, timeZone }] of limited.entries()) {
    const wanted = retentionLimit(retentionDays, now, (at) =>
      zones.startOfLocal(timeZone, 'day', at),
    );
    const limit = await noteLimit(admin, project, wanted / 1_000);
    if (limit * 1_000 > now) {
      refused.push(`project ${project} up to ${new Date(limit * 1_000).toISOString()}`);
      continue;
    }
    const onTable = (table: string) => onStep?.({ project, table, nth: n + 1, of: limited.length });
    const rows = await purgeBefore({ admin, signal, onTable }, project, limit);
    // What was kept by then tells of nothing later.
    const { deleted: deadLetters } = await deleteLetters(nats, { project, before: limit * 1_000 });
    const done = { ...rows, deadLetters };
    onPurged?.(done);
    purged.push(done);
  }
  if (refused.length > 0) {
    throw new SojournError(
      'SJ_CONFIG',
      `noted as deleted are the rows of ${refused.join(' and of ')}, which is still to come: a clock was wrong then. Nothing of these projects is deleted before those rows of sojourn.kept_from are; what was to go of the others is gone`,
    );
  }
  return purged;
}

interface Purging {
  readonly admin: ClickHouseClient;
  readonly signal: AbortSignal | undefined;
  readonly onTable: (table: string) => void;
}

/** @param limit seconds since 1970, the start of a local day */
async function purgeBefore(
  purging: Purging,
  project: string,
  limit: number,
): Promise<Omit<Purged, 'deadLetters'>> {
  const sessions = await deleteOld(purging, 'sessions', { project, limit });
  const metrics = await deleteOld(purging, 'metrics', { project, limit });
  await deleteOld(purging, 'full_dimensions', { project, limit });
  return { project, keptFrom: new Date(limit * 1_000).toISOString(), sessions, metrics };
}

/** @returns what counts, seconds since 1970: what was noted before, where that is later */
async function noteLimit(
  admin: ClickHouseClient,
  project: string,
  wanted: number,
): Promise<number> {
  const [row] = await select<{ noted: number }>(
    admin,
    `SELECT toUnixTimestamp(max(kept_from)) AS noted FROM ${DATABASE}.kept_from WHERE project = {project: String}`,
    { project },
  );
  const noted = row?.noted ?? 0;
  if (noted >= wanted) return noted;
  await admin
    .insert({
      table: `${DATABASE}.kept_from`,
      values: [{ project, kept_from: wanted }],
      format: 'JSONEachRow',
      clickhouse_settings: { async_insert: 0, wait_end_of_query: 1 },
    })
    .catch(explain);
  return wanted;
}

/** @returns how many rows there were */
async function deleteOld(
  { admin, signal, onTable }: Purging,
  table: keyof typeof OLD,
  params: { readonly project: string; readonly limit: number },
): Promise<number> {
  onTable(table);
  const count = async () => {
    const [row] = await select<{ rows: string }>(
      admin,
      `SELECT toString(count()) AS rows FROM ${DATABASE}.${table} WHERE ${OLD[table]}`,
      params,
    );
    return Number(row?.rows ?? 0);
  };
  const before = await count();
  if (before === 0) return 0;
  await admin
    .command({
      query: `DELETE FROM ${DATABASE}.${table} WHERE ${OLD[table]}`,
      query_params: params,
      // Asked for below: it may take longer than an answer.
      clickhouse_settings: { lightweight_deletes_sync: '0' },
    })
    .catch(explain);
  await untilDeleted(admin, table, `rows of project ${params.project}`, signal);
  return before - (await count());
}

function explain(error: unknown): never {
  throw new SojournError(
    'SJ_SERVER_UNREACHABLE',
    `ClickHouse did not delete what is old (${reasonOf(error)}); the same run again goes on`,
    { cause: error },
  );
}
