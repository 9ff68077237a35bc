/**
 * The real servers and a real Sojourn process, as a benchmark needs them: addresses, clients, and the
 * pid of everything that burns CPU.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import { Redis } from 'ioredis';
import type { Client, Connection } from '@temporalio/client';
import {
  cacheDir,
  type Config,
  loadConfig,
  processEnvironment,
  requireServers,
} from '../platform/config.ts';
import { DATABASE, select } from '../platform/clickhouse.ts';
import { silentLog } from '../platform/log.ts';
import { migrateAll } from '../platform/migrate.ts';
import { connectNats, type Nats } from '../platform/nats.ts';
import { connectTemporal } from '../platform/temporal.ts';
import {
  CLICKHOUSE_ADMIN,
  CLICKHOUSE_BI,
  CLICKHOUSE_WRITER,
  SERVER_NAMES,
  type Servers,
  startServers,
} from '../servers/index.ts';
import { SEARCH_ATTRIBUTES } from '../shared/search-attributes.ts';
import type { Pids } from './processes.ts';

const COMMAND = fileURLToPath(new URL('../bin/sojourn.mjs', import.meta.url));

export type WorldConfig = Config & {
  readonly NATS_URL: string;
  readonly TEMPORAL_ADDRESS: string;
  readonly CLICKHOUSE_URL: string;
  readonly REDIS_URL: string;
};

export interface World {
  readonly servers: Servers;
  readonly environment: Readonly<Record<string, string>>;
  readonly config: WorldConfig;
  readonly nats: Nats;
  readonly temporal: Client;
  readonly admin: ClickHouseClient;
  /** Pids of the servers. */
  readonly pids: Pids;
  /** Starts a process of this project, and waits until it has logged `ready`. */
  start(
    args: readonly string[],
    ready: string,
    environment?: Readonly<Record<string, string>>,
  ): Promise<Started>;
  /** What the servers say they are. */
  versions(): Promise<Readonly<Record<string, string>>>;
  /** A project name that was not used before. */
  project(): string;
  stop(): Promise<void>;
}

export interface Started {
  readonly pid: number;
  log(): string;
  /** Writes a line to its standard input. */
  tell(line: string): void;
  stop(): Promise<void>;
}

/** A Temporal server that is not the embedded one. */
export interface OwnTemporal {
  readonly address: string;
  /** What it keeps its data in, with its version. */
  readonly storage: string;
  /** Of the server and of its storage. */
  readonly pids: Pids;
  stop(): Promise<void>;
}

/**
 * Servers on a fresh data folder, migrated; nothing of ours runs yet.
 * @param own in the place of the embedded Temporal; stops with the world
 */
export async function createWorld(own?: OwnTemporal): Promise<World> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sojourn-bench-'));
  const servers = await startServers({
    dataDir,
    cacheDir: cacheDir(processEnvironment()),
    which: new Set(SERVER_NAMES.filter((name) => name !== 'temporal' || own === undefined)),
    namespace: 'default',
    searchAttributes: SEARCH_ATTRIBUTES,
    log: silentLog,
  });
  const environment = {
    ...environmentOf(servers),
    ...(own !== undefined && { TEMPORAL_ADDRESS: own.address }),
  };
  const config = requireServers(loadConfig(environment), [
    'NATS_URL',
    'TEMPORAL_ADDRESS',
    'CLICKHOUSE_URL',
    'REDIS_URL',
  ]);
  await migrateAll(config, silentLog);
  const nats = await connectNats(config, 'bench', silentLog);
  const { client, connection }: { client: Client; connection: Connection } =
    await connectTemporal(config);
  if (own !== undefined) await untilAttributesAreKnown(client);
  const admin = createClient({
    url: config.CLICKHOUSE_URL,
    username: CLICKHOUSE_ADMIN,
    password: servers.secrets.clickhouse.adminPassword,
    database: DATABASE,
    request_timeout: 600_000,
  });
  let projects = 0;
  const { PATH = '', HOME = '' } = processEnvironment();
  return {
    servers,
    environment,
    config,
    nats,
    temporal: client,
    admin,
    get pids() {
      const embedded = SERVER_NAMES.flatMap((name) => {
        const server = servers[name];
        return server === undefined ? [] : [[name, server.pid] as const];
      });
      return { ...Object.fromEntries(embedded), ...own?.pids };
    },
    start: (args, ready, more = {}) =>
      startProcess(args, ready, { PATH, HOME, ...environment, ...more }),
    versions: () => versionsOf(nats, connection, admin, config.REDIS_URL),
    project() {
      projects += 1;
      return `bench-${projects}`;
    },
    async stop() {
      await nats.connection.close();
      await connection.close();
      await admin.close();
      await servers.stop();
      await own?.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** A server that has just got them takes a moment, in each of its services. */
async function untilAttributesAreKnown(client: Client): Promise<void> {
  const query = Object.keys(SEARCH_ATTRIBUTES)
    .map((name) => `${name} IS NOT NULL`)
    .join(' AND ');
  const deadline = Date.now() + 60_000;
  for (;;) {
    try {
      await client.workflow.count(query);
      break;
    } catch (error) {
      if (Date.now() > deadline) throw error;
      await sleep(200);
    }
  }
  await sleep(3_000);
}

function environmentOf({ nats, temporal, clickhouse, redis, secrets }: Servers) {
  return {
    NATS_URL: nats?.url ?? '',
    TEMPORAL_ADDRESS: temporal?.address ?? '',
    CLICKHOUSE_URL: clickhouse?.url ?? '',
    CLICKHOUSE_ADMIN_USER: CLICKHOUSE_ADMIN,
    CLICKHOUSE_ADMIN_PASSWORD: secrets.clickhouse.adminPassword,
    CLICKHOUSE_WRITER_USER: CLICKHOUSE_WRITER,
    CLICKHOUSE_WRITER_PASSWORD: secrets.clickhouse.writerPassword,
    CLICKHOUSE_BI_USER: CLICKHOUSE_BI,
    CLICKHOUSE_BI_PASSWORD: secrets.clickhouse.biPassword,
    REDIS_URL: redis?.url ?? '',
  };
}

async function versionsOf(
  nats: Nats,
  connection: Connection,
  admin: ClickHouseClient,
  redisUrl: string,
): Promise<Record<string, string>> {
  const redis = new Redis(redisUrl);
  try {
    const [info, system, rows] = await Promise.all([
      redis.info('server'),
      connection.workflowService.getSystemInfo({}),
      select<{ version: string }>(admin, 'SELECT version() AS version'),
    ]);
    return {
      nats: nats.connection.info?.version ?? 'unknown',
      temporal: system.serverVersion,
      clickhouse: rows[0]?.version ?? 'unknown',
      redis: /redis_version:(\S+)/.exec(info)?.[1] ?? 'unknown',
    };
  } finally {
    redis.disconnect();
  }
}

/** Words of ours, or the path of a script: of the benchmark (`.ts`), or of another checkout's command (`.mjs`). */
async function startProcess(
  args: readonly string[],
  ready: string,
  environment: Readonly<Record<string, string>>,
): Promise<Started> {
  const [first = ''] = args;
  const command = first.endsWith('.ts')
    ? ['--import', 'tsx/esm', ...args]
    : first.endsWith('.mjs')
      ? args
      : [COMMAND, ...args];
  const child = spawn(process.execPath, command, {
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (log += chunk.toString()));
  }
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  while (!log.includes(ready)) {
    if (child.exitCode !== null) throw new Error(`${args.join(' ')} ended: ${log}`);
    await sleep(50);
  }
  return {
    pid: child.pid ?? 0,
    log: () => log,
    tell: (line) => void child.stdin.write(`${line}\n`),
    async stop() {
      await endOf(child);
      process.off('exit', killAtExit);
    },
  };
}

async function endOf(child: ChildProcess): Promise<void> {
  const exited = new Promise((resolve) => child.once('close', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
  await exited;
  clearTimeout(timer);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}
