/**
 * Brings streams, the Temporal namespace and the ClickHouse schema up to date. Safe to run again,
 * and by several processes. Migrations are numbered SQL files; an applied one never changes, which
 * its checksum proves.
 */
import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ClickHouseClient } from '@clickhouse/client';
import { SojournError, toError } from '../shared/errors.ts';
import { renewAnalysts } from './analyst-users.ts';
import {
  checkIntake,
  clickHouseUnreachable,
  connectClickHouse,
  DATABASE,
  INTAKES,
  select,
} from './clickhouse.ts';
import { clusterOf } from './clickhouse-servers.ts';
import type { Config } from './config.ts';
import type { EventsFrom } from './events-from.ts';
import type { Logger } from './log.ts';
import { checkCluster, isOnAllServers, mendReplicas, warnOfCluster } from './migrate-cluster.ts';
import { migrateZones } from './migrate-zones.ts';
import { connectNats, migrateStreams } from './nats.ts';
import { createUsers, MARTS_DATABASE } from './product-users.ts';
import { restoreProjectRows } from './project-rows.ts';
import { connectTemporal, migrateTemporal } from './temporal.ts';
import { loadZones } from './zones.ts';

type MigrationConfig = Config & {
  readonly NATS_URL: string;
  readonly TEMPORAL_ADDRESS: string;
  readonly CLICKHOUSE_URL: string;
};

export type MigratedPart = 'NATS' | 'Temporal' | 'ClickHouse' | 'projects';

export interface MigrateOptions {
  /** Where a consumer of EVENTS that has to be made begins. */
  readonly eventsFrom?: EventsFrom | undefined;
  /** Told what a part does now; undefined once it is through. Parts go side by side. */
  readonly onStep?: (part: MigratedPart, what: string | undefined) => void;
}

/**
 * Everything, in parallel; then what is set for projects, from NATS to ClickHouse.
 * @throws SojournError `SJ_MIGRATION`, `SJ_SERVER_UNREACHABLE`, or what a server threw
 */
export async function migrateAll(
  config: MigrationConfig,
  log: Logger,
  { eventsFrom, onStep = () => undefined }: MigrateOptions = {},
): Promise<void> {
  const part = async (name: MigratedPart, what: string, work: Promise<void>) => {
    onStep(name, what);
    await work.finally(() => {
      onStep(name, undefined);
    });
  };
  const results = await Promise.allSettled([
    part('NATS', 'streams', migrateNats(config, log, eventsFrom)),
    part('Temporal', 'namespace', migrateNamespace(config, log)),
    part(
      'ClickHouse',
      'database',
      migrateClickHouse(config, log, (what) => {
        onStep('ClickHouse', what);
      }),
    ),
  ]);
  for (const result of results) if (result.status === 'rejected') throw toError(result.reason);
  await part('projects', 'their rows', migrateProjects(config, log));
}

/** Needs the bucket and the table: once both are there. */
async function migrateProjects(config: MigrationConfig, log: Logger): Promise<void> {
  const client = connectClickHouse(config, 'admin');
  try {
    const nats = await connectNats(config, 'sojourn migrate', log);
    try {
      await restoreProjectRows(client, nats, loadZones().isZone, log);
    } finally {
      await nats.connection.close();
    }
  } finally {
    await client.close();
  }
}

async function migrateNats(
  config: MigrationConfig,
  log: Logger,
  eventsFrom: EventsFrom | undefined,
): Promise<void> {
  const nats = await connectNats(config, 'sojourn migrate', log);
  try {
    await migrateStreams(nats, log, {
      from: eventsFrom,
      replicas: config.STREAM_REPLICAS,
      eventsBytesMax: config.EVENTS_MAX_BYTES,
    });
  } finally {
    await nats.connection.close();
  }
}

async function migrateNamespace(config: MigrationConfig, log: Logger): Promise<void> {
  const { connection } = await connectTemporal(config);
  try {
    await migrateTemporal(config, connection, log);
  } finally {
    await connection.close();
  }
}

/**
 * The schema and the users of ClickHouse; with CLICKHOUSE_CLUSTER on all its servers.
 * @param onStep told what is done now
 * @throws SojournError `SJ_MIGRATION`, `SJ_SERVER_UNREACHABLE`
 */
export async function migrateClickHouse(
  config: Config & { readonly CLICKHOUSE_URL: string },
  log: Logger,
  onStep: (what: string) => void = () => undefined,
): Promise<void> {
  const { CLICKHOUSE_CLUSTER: cluster } = config;
  const client = connectClickHouse(config, 'admin', { log });
  try {
    if (cluster !== undefined) {
      await checkCluster(client, cluster, clickHouseUnreachable(config));
    }
    await createDatabase(client).catch(clickHouseUnreachable(config));
    const migrations = readMigrations();
    await applyMigrations(client, migrations, log, onStep);
    if (cluster !== undefined) {
      onStep('what servers lack');
      await mendReplicas(client, cluster, log);
    }
    onStep('time zones');
    await migrateZones(client, loadZones(), Date.now(), log);
    onStep('views and users');
    for (const intake of INTAKES.values()) await restoreIntake(client, intake, migrations, log);
    await client.command({ query: `CREATE DATABASE IF NOT EXISTS ${MARTS_DATABASE}` });
    await createUsers(client, config, log);
    await renewAnalysts(client, log);
    if (cluster !== undefined) await warnOfCluster(client, cluster, log);
  } finally {
    await client.close();
  }
}

/** A server that has to wake up first gets a minute, a connection that nobody answers on a part of it. */
const FIRST_ANSWER = { tries: 12, withinMs: 5_000 } as const;

async function createDatabase(client: ClickHouseClient): Promise<void> {
  const { tries, withinMs } = FIRST_ANSWER;
  for (let tried = 1; tried <= tries; tried += 1) {
    const patience = AbortSignal.timeout(withinMs);
    try {
      await client.command({
        query: `CREATE DATABASE IF NOT EXISTS ${DATABASE}`,
        abort_signal: patience,
      });
      return;
    } catch (error) {
      if (!patience.aborted) throw error;
    }
  }
  throw new Error(`no answer within ${(tries * withinMs) / 1_000} s`);
}

export interface Migration {
  readonly name: string;
  readonly sql: string;
}

/** The numbered files, in order. */
export function readMigrations(folder = migrationsFolder()): Migration[] {
  return readdirSync(folder)
    .filter((name) => /^\d{3}-[\w-]+\.sql$/.test(name))
    .sort()
    .map((name) => ({ name, sql: readFileSync(join(folder, name), 'utf8') }));
}

function migrationsFolder(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  // From `dist/platform/` the files are two levels up.
  return here.includes(join('dist', 'platform'))
    ? join(here, '..', '..', 'migrations')
    : join(here, '..', 'migrations');
}

/** The statements of a file: each ends with a semicolon at the end of a line. Comment lines go. */
export function splitStatements(sql: string): string[] {
  return sql
    .replace(/^--.*\n/gm, '')
    .split(/;\s*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

/**
 * @param onStep told which file is applied now
 * @throws SojournError `SJ_MIGRATION` where an applied file has changed or a statement fails
 */
export async function applyMigrations(
  client: ClickHouseClient,
  migrations: readonly Migration[],
  log: Logger,
  onStep: (what: string) => void = () => undefined,
): Promise<void> {
  await client.command({
    query: `CREATE TABLE IF NOT EXISTS ${DATABASE}.schema_migrations
      (name String COMMENT 'File', checksum String COMMENT 'SHA-256 of the file',
       applied_at DateTime64(3, 'UTC') DEFAULT now64(3) COMMENT 'When it was applied')
      ENGINE = MergeTree ORDER BY name COMMENT 'Schema migrations that have been applied'`,
  });
  const rows = await select<{ name: string; checksum: string }>(
    client,
    `SELECT name, any(checksum) AS checksum FROM ${DATABASE}.schema_migrations GROUP BY name`,
  );
  const applied = new Map(rows.map(({ name, checksum }) => [name, checksum]));
  for (const [n, { name, sql }] of migrations.entries()) {
    const checksum = createHash('sha256').update(sql).digest('hex');
    const before = applied.get(name);
    if (before === checksum) continue;
    if (before !== undefined) {
      throw new SojournError(
        'SJ_MIGRATION',
        `migrations/${name} has changed since it was applied; add a new file instead`,
      );
    }
    onStep(`${name} (${n + 1} of ${migrations.length})`);
    await applyOne(client, name, sql);
    await client.insert({
      table: `${DATABASE}.schema_migrations`,
      values: [{ name, checksum }],
      format: 'JSONEachRow',
    });
    log.info({ migration: name }, 'migration applied');
  }
}

/** ClickHouse has no transactions over DDL: each statement is made repeatable instead. */
async function applyOne(client: ClickHouseClient, name: string, sql: string): Promise<void> {
  for (const statement of splitStatements(sql)) {
    const query = statement.replace(
      /^CREATE (TABLE|VIEW|MATERIALIZED VIEW) /,
      'CREATE $1 IF NOT EXISTS ',
    );
    try {
      await client.command({ query });
    } catch (error) {
      throw new SojournError(
        'SJ_MIGRATION',
        `migrations/${name} failed: ${toError(error).message}`,
        {
          cause: error,
        },
      );
    }
  }
}

/**
 * Where somebody has detached a view that passes rows on, it is attached; where it was dropped, made again as the
 * migration made it. What was to be loaded meanwhile has waited.
 */
async function restoreIntake(
  client: ClickHouseClient,
  intake: string,
  migrations: readonly Migration[],
  log: Logger,
): Promise<void> {
  if (await isIntakeThere(client, intake)) return;
  try {
    await client.command({ query: `ATTACH TABLE IF NOT EXISTS ${intake}` });
  } catch (error) {
    log.debug({ err: error }, 'view cannot be attached, it is made again');
    const sql = migrations
      .flatMap((migration) => splitStatements(migration.sql))
      .findLast((statement) => statement.startsWith(`CREATE MATERIALIZED VIEW ${intake} `));
    // Another process may do the same.
    await client.command({ query: (sql ?? '').replace(' VIEW ', ' VIEW IF NOT EXISTS ') });
  }
  await checkIntake(client, intake);
  log.warn({ view: intake }, 'view was missing, and is there again');
}

async function isIntakeThere(client: ClickHouseClient, intake: string): Promise<boolean> {
  const cluster = clusterOf(client);
  if (cluster !== undefined) return isOnAllServers(client, cluster, intake);
  return checkIntake(client, intake).then(
    () => true,
    () => false,
  );
}
