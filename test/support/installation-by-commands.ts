/**
 * An installation on servers of one's own, whose stores are copied and put back while the servers run, by the commands
 * that docs/operating.md (Taking a backup) names: those of the makers. Temporal is on a Postgres, ClickHouse has a disk
 * for backups, and of NATS everything is copied but ROLLUPS.
 */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, existsSync, mkdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Redis } from 'ioredis';
import { findPostgres, NO_POSTGRES } from '../../bench/postgres.ts';
import {
  findTemporalPrograms,
  NO_TEMPORAL_SERVER,
  startTemporalOnPostgres,
  TEMPORAL_DATABASES,
  type TemporalOnPostgres,
  type TemporalPrograms,
} from '../../bench/temporal-postgres.ts';
import { processEnvironment } from '../../platform/config.ts';
import { CLICKHOUSE_ADMIN, freePort, obtainServers } from '../../servers/index.ts';
import {
  DEADLETTERS_STREAM,
  EVENTS_STREAM,
  FORGOTTEN_STREAM,
  INGEST_STREAM,
  PROJECTS_STREAM,
} from '../../shared/ids.ts';
import { eventually } from './eventually.ts';
import { connectStores, type Installation, pipelineIn } from './installation.ts';
import { onInterrupt } from './on-interrupt.ts';
import { startPrivateServers, temporaryFolder, testStartOptions } from './servers.ts';

const run = promisify(execFile);

export interface BackupPrograms {
  readonly temporal: TemporalPrograms;
  readonly nats: string;
  readonly pgDump: string;
  readonly pgRestore: string;
}

/** @returns a sentence about what is missing, where one of them is */
export async function findBackupPrograms(): Promise<BackupPrograms | string> {
  const temporal = findTemporalPrograms();
  if (temporal === undefined) return NO_TEMPORAL_SERVER;
  const postgres = await findPostgres();
  if (postgres === undefined) return NO_POSTGRES;
  // A link on PATH may stand alone.
  const bin = dirname(realpathSync(postgres.postgres));
  const [pgDump, pgRestore] = [join(bin, 'pg_dump'), join(bin, 'pg_restore')];
  if (!existsSync(pgDump) || !existsSync(pgRestore)) return `no pg_dump and pg_restore in ${bin}`;
  const { PATH = '' } = processEnvironment();
  const nats = PATH.split(delimiter)
    .map((folder) => join(folder, 'nats'))
    .find((file) => existsSync(file));
  if (nats === undefined)
    return 'no program `nats` on PATH: `go install github.com/nats-io/natscli/nats@v0.5.1`';
  return { temporal, nats, pgDump, pgRestore };
}

export interface InstallationByCommands extends Installation {
  /** The program `nats`, on its NATS. */
  nats(...words: readonly string[]): Promise<void>;
  /** Ends the servers, which go on when stores are closed. */
  stop(): Promise<void>;
}

const STREAMS = [
  EVENTS_STREAM,
  INGEST_STREAM,
  DEADLETTERS_STREAM,
  PROJECTS_STREAM,
  FORGOTTEN_STREAM,
];
const HISTORY_SHARDS = 4;
const SOON = { withinMs: 30_000 };

export async function startInstallationByCommands(
  programs: BackupPrograms,
  settings: Readonly<Record<string, string>>,
): Promise<InstallationByCommands> {
  const dataDir = join(temporaryFolder(), 'data');
  const copies = temporaryFolder();
  const fileOf = (name: string, store: string) => {
    mkdirSync(join(copies, name), { recursive: true });
    return join(copies, name, store);
  };
  giveBackupDisk(dataDir);
  const { redis: redisServer = '' } = await obtainServers(testStartOptions(dataDir, ['redis']));
  const temporal = await startTemporalOnPostgres(programs.temporal, HISTORY_SHARDS);
  onInterrupt(() => temporal.stop());
  const embedded = await startPrivateServers({
    dataDir,
    which: new Set(['nats', 'clickhouse', 'redis']),
  });
  const nats = async (...words: readonly string[]) => {
    await run(programs.nats, ['--server', embedded.nats.url, ...words]);
  };
  const clickhouse = async (statement: string) => {
    const headers = {
      'X-ClickHouse-User': CLICKHOUSE_ADMIN,
      'X-ClickHouse-Key': embedded.secrets.clickhouse.adminPassword,
    };
    const answer = await fetch(embedded.clickhouse.url, {
      ...{ method: 'POST', body: statement, headers },
    });
    if (!answer.ok) throw new Error(`${statement}: ${await answer.text()}`);
  };
  const redisFolder = join(dataDir, 'redis');

  const copy = {
    clickhouse: (name: string) =>
      clickhouse(`BACKUP DATABASE sojourn TO Disk('backups', '${name}')`),
    temporal: (name: string) => dumpTemporal(programs.pgDump, temporal, (of) => fileOf(name, of)),
    async nats(name: string) {
      for (const stream of STREAMS) await nats('backup', 'stream', stream, fileOf(name, stream));
    },
    async redis(name: string) {
      await saveRedis(embedded.redis.url);
      copyFileSync(join(redisFolder, 'dump.rdb'), fileOf(name, 'dump.rdb'));
    },
  };

  const putBack = {
    async clickhouse(name: string) {
      await clickhouse('DROP DATABASE sojourn SYNC');
      await clickhouse(`RESTORE DATABASE sojourn FROM Disk('backups', '${name}')`);
    },
    temporal: (name: string) =>
      restoreTemporal(programs.pgRestore, temporal, (of) => fileOf(name, of)),
    async nats(name: string) {
      await embedded.nats.stop();
      rmSync(join(dataDir, 'nats'), { recursive: true, force: true });
      await embedded.restart('nats');
      for (const stream of STREAMS) await nats('backup', 'restore', 'stream', fileOf(name, stream));
      // Until its next start a stream that was restored does not know the ids that it has.
      await embedded.restart('nats');
    },
    async redis(name: string | undefined) {
      await embedded.redis.stop();
      rmSync(redisFolder, { recursive: true, force: true });
      mkdirSync(redisFolder);
      if (name !== undefined) {
        copyFileSync(fileOf(name, 'dump.rdb'), join(redisFolder, 'dump.rdb'));
        await makeRedisLog(redisServer, redisFolder);
      }
      await embedded.restart('redis');
    },
  };

  return {
    openStores: () =>
      connectStores(
        {
          nats: embedded.nats,
          clickhouse: embedded.clickhouse,
          redis: embedded.redis,
          secrets: embedded.secrets,
          temporal,
        },
        () => Promise.resolve(),
      ),
    ...pipelineIn(join(dataDir, 'up'), settings),
    async copyAs(name) {
      for (const store of ['nats', 'temporal', 'clickhouse', 'redis'] as const)
        await copy[store](name);
    },
    async putBack(store, name) {
      if (store === 'redis') return putBack.redis(name);
      if (name === undefined) throw new Error(`there is no copy of ${store}`);
      return putBack[store](name);
    },
    nats,
    async stop() {
      await embedded.stop();
      await temporal.stop();
    },
  };
}

/** Beside the file that is written at each start: ClickHouse reads this folder along with it. */
function giveBackupDisk(dataDir: string): void {
  const folder = join(dataDir, 'clickhouse', 'config.d');
  mkdirSync(folder, { recursive: true });
  const backups = join(dataDir, 'backups');
  writeFileSync(
    join(folder, 'backups.xml'),
    `<clickhouse>
  <storage_configuration>
    <disks><backups><type>local</type><path>${backups}/</path></backups></disks>
  </storage_configuration>
  <backups><allowed_disk>backups</allowed_disk></backups>
</clickhouse>
`,
  );
}

type FileOf = (database: string) => string;

async function dumpTemporal(
  pgDump: string,
  { database: { url } }: TemporalOnPostgres,
  fileOf: FileOf,
): Promise<void> {
  for (const database of TEMPORAL_DATABASES) {
    const dsn = Object.assign(new URL(url), { pathname: `/${database}` }).href;
    await run(pgDump, ['--format=custom', `--file=${fileOf(database)}`, `--dbname=${dsn}`]);
  }
}

async function restoreTemporal(
  pgRestore: string,
  temporal: TemporalOnPostgres,
  fileOf: FileOf,
): Promise<void> {
  const { url } = temporal.database;
  await temporal.restart(async () => {
    for (const database of TEMPORAL_DATABASES) {
      const dsn = Object.assign(new URL(url), { pathname: `/${database}` }).href;
      await run(pgRestore, ['--clean', '--if-exists', `--dbname=${dsn}`, fileOf(database)]);
    }
  });
}

async function saveRedis(url: string): Promise<void> {
  const redis = new Redis(url);
  try {
    const before = await redis.lastsave();
    // It counts seconds.
    await eventually(async () => {
      const [seconds = ''] = await redis.time();
      if (Number(seconds) <= before) throw new Error('within the same second');
    }, SOON);
    await redis.bgsave();
    await eventually(async () => {
      if ((await redis.lastsave()) === before) throw new Error('it still saves');
    }, SOON);
  } finally {
    redis.disconnect();
  }
}

/** A server with `appendonly yes` reads nothing but its log: it is made from `dump.rdb` by one that begins without. */
async function makeRedisLog(program: string, folder: string): Promise<void> {
  const port = await freePort();
  const words = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''];
  const server = spawn(program, [...words, '--appendonly', 'no'], { stdio: 'ignore' });
  const exited = once(server, 'exit');
  const redis = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
  redis.on('error', () => undefined);
  try {
    await redis.config('SET', 'appendonly', 'yes');
    await eventually(async () => {
      const info = await redis.info('persistence');
      if (!info.includes('aof_rewrite_in_progress:0')) throw new Error('it still writes its log');
    }, SOON);
  } finally {
    redis.disconnect();
    server.kill('SIGTERM');
    await exited;
  }
}
