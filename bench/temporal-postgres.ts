/**
 * Temporal as it runs where there is more than one machine: its server program, all four services in
 * one process, on a Postgres of its own, with as many history shards as wanted.
 */
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { Connection } from '@temporalio/client';
import { processEnvironment } from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { launch, type RunningServer, untilReady } from '../servers/guard.ts';
import { assertPortFree } from '../servers/ports.ts';
import { DYNAMIC_CONFIG } from '../servers/temporal.ts';
import { NO_POSTGRES, type Postgres, startPostgres } from './postgres.ts';
import type { OwnTemporal } from './world.ts';

const run = promisify(execFile);

export interface TemporalPrograms {
  readonly server: string;
  readonly sqlTool: string;
}

/** What to say where they are not there. */
export const NO_TEMPORAL_SERVER =
  'no Temporal server program here: put temporal-server and temporal-sql-tool on PATH, or name them ' +
  'in BENCH_TEMPORAL_SERVER and BENCH_TEMPORAL_SQL_TOOL (bench/README.md says how to build them)';

const DATABASE = 'temporal';
const VISIBILITY = 'temporal_visibility';
/** Of its Postgres; the second is only the list of workflows. */
export const TEMPORAL_DATABASES = [DATABASE, VISIBILITY];
/** Schemas that the tool has built in. */
const SCHEMAS = [
  { database: DATABASE, schema: 'postgresql/v12/temporal' },
  { database: VISIBILITY, schema: 'postgresql/v12/visibility' },
];
const READY_TIMEOUT_MS = 90_000;
const PROBE_TIMEOUT_MS = 2_000;

export function findTemporalServer(): string | undefined {
  return find('BENCH_TEMPORAL_SERVER', 'temporal-server');
}

function find(variable: string, name: string): string | undefined {
  const environment = processEnvironment();
  const given = environment[variable];
  if (given !== undefined && given !== '') return given;
  const { PATH = '' } = environment;
  return PATH.split(delimiter)
    .map((folder) => join(folder, name))
    .find((file) => existsSync(file));
}

export function findTemporalPrograms(): TemporalPrograms | undefined {
  const server = findTemporalServer();
  const sqlTool = find('BENCH_TEMPORAL_SQL_TOOL', 'temporal-sql-tool');
  return server === undefined || sqlTool === undefined ? undefined : { server, sqlTool };
}

export interface TemporalOnPostgres extends OwnTemporal {
  /** When the server program of now ends, by itself or not. */
  readonly exited: RunningServer['exited'];
  /** SIGKILL for the server; its Postgres goes on. */
  kill(): void;
  /** Its Postgres, whose end does not end the server. */
  readonly database: Pick<Postgres, 'url' | 'kill' | 'restart'>;
  /**
   * Starts it again on its ports and its Postgres, stopping it first where it still runs.
   * @param meanwhile what is done to its databases between
   */
  restart(meanwhile?: () => Promise<void>): Promise<void>;
}

/** @throws Error where there is no Postgres */
export async function startTemporalOnPostgres(
  programs: TemporalPrograms,
  historyShards: number,
): Promise<TemporalOnPostgres> {
  const postgres = await startPostgres();
  if (postgres === undefined) throw new Error(NO_POSTGRES);
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-temporal-'));
  const clear = async () => {
    await postgres.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    for (const { database, schema } of SCHEMAS) {
      await makeSchema(programs.sqlTool, postgres, database, schema);
    }
    const ports = await takePorts();
    const configFile = join(folder, 'server.yaml');
    const dynamicFile = join(folder, 'dynamic.yaml');
    // JSON is YAML.
    writeFileSync(dynamicFile, JSON.stringify(dynamicConfig()));
    writeFileSync(
      configFile,
      JSON.stringify(serverConfig({ postgres, historyShards, ports, dynamicFile })),
    );
    const address = `127.0.0.1:${ports.frontend}`;
    const start = async () => {
      const launched = await launch({
        name: 'temporal-postgres',
        file: programs.server,
        args: ['--config-file', configFile, '--allow-no-auth', 'start'],
        dataDir: folder,
        log: silentLog,
      });
      await untilReady(launched, () => serves(address), { timeoutMs: READY_TIMEOUT_MS });
      return launched;
    };
    let server = await start();
    return {
      address,
      storage: `Postgres ${/[\d.]+/.exec(postgres.version)?.[0] ?? ''}`,
      get pids() {
        return { temporal: server.pid, postgres: postgres.pid };
      },
      get exited() {
        return server.exited;
      },
      database: postgres,
      kill() {
        server.kill();
      },
      async restart(meanwhile) {
        await server.stop();
        await meanwhile?.();
        server = await start();
      },
      async stop() {
        await server.stop();
        await clear();
      },
    };
  } catch (error) {
    await clear();
    throw error;
  }
}

async function makeSchema(
  tool: string,
  { url }: Postgres,
  database: string,
  schema: string,
): Promise<void> {
  const { hostname, port, username } = new URL(url);
  const sql = (...words: string[]) =>
    run(tool, [
      ...['--plugin', 'postgres12', '--endpoint', hostname, '--port', port],
      ...['--user', username, '--database', database, ...words],
    ]);
  await sql('create-database');
  await sql('setup-schema', '--version', '0.0');
  await sql('update-schema', '--schema-name', schema);
}

/** A port for calls and one for the membership of each service. */
type Ports = Readonly<Record<Service | `${Service}Membership`, number>>;
const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;
type Service = (typeof SERVICES)[number];

async function takePorts(): Promise<Ports> {
  const free = await lowPorts(2 * SERVICES.length);
  return Object.fromEntries(
    SERVICES.flatMap((service, i) => [
      [service, free[2 * i]],
      [`${service}Membership`, free[2 * i + 1]],
    ]),
  ) as Ports;
}

/** The server writes its ports into a column of 16 bits with a sign. */
const PORTS = { first: 20_000, last: 32_767 };

/** What a server of Temporal is told that is a cluster by itself. @param rpcAddress of its frontend */
export function aloneAt(rpcAddress: string): object {
  return {
    enableGlobalNamespace: false,
    failoverVersionIncrement: 10,
    masterClusterName: 'active',
    currentClusterName: 'active',
    clusterInformation: {
      active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress },
    },
  };
}

/** Of those that Temporal can have. */
export async function lowPorts(count: number): Promise<number[]> {
  const found: number[] = [];
  for (let port = PORTS.first + (process.pid % 10_000); found.length < count; port += 1) {
    if (port > PORTS.last) throw new Error('no free ports that Temporal on Postgres could have');
    const isFree = await assertPortFree(port, '').then(
      () => true,
      () => false,
    );
    if (isFree) found.push(port);
  }
  return found;
}

/** The limits are those of the embedded server; only names that were just made are found sooner. */
function dynamicConfig(): object {
  const settings = { ...DYNAMIC_CONFIG, 'system.namespaceCacheRefreshInterval': '1s' };
  return Object.fromEntries(Object.entries(settings).map(([name, value]) => [name, [{ value }]]));
}

interface ServerOptions {
  readonly postgres: Postgres;
  readonly historyShards: number;
  readonly ports: Ports;
  readonly dynamicFile: string;
}

function serverConfig({ postgres, historyShards, ports, dynamicFile }: ServerOptions): object {
  const address = `127.0.0.1:${ports.frontend}`;
  return {
    log: { stdout: true, level: 'error' },
    persistence: {
      defaultStore: 'default',
      visibilityStore: 'visibility',
      numHistoryShards: historyShards,
      datastores: {
        default: { sql: sqlStore(postgres, DATABASE) },
        visibility: { sql: sqlStore(postgres, VISIBILITY) },
      },
    },
    global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
    services: Object.fromEntries(
      SERVICES.map((service) => [
        service,
        {
          rpc: {
            grpcPort: ports[service],
            membershipPort: ports[`${service}Membership`],
            bindOnLocalHost: true,
          },
        },
      ]),
    ),
    clusterMetadata: aloneAt(address),
    publicClient: { hostPort: address },
    dynamicConfigClient: { filepath: dynamicFile, pollInterval: '60s' },
  };
}

function sqlStore({ url }: Postgres, databaseName: string): object {
  const { host, username } = new URL(url);
  return {
    pluginName: 'postgres12',
    databaseName,
    connectAddr: host,
    connectProtocol: 'tcp',
    user: username,
    password: '',
    // All of them together are fewer than Postgres takes by default.
    maxConns: 20,
    maxIdleConns: 20,
    maxConnLifetime: '1h',
  };
}

async function serves(address: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: PROBE_TIMEOUT_MS });
  try {
    await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, () =>
      connection.workflowService.describeNamespace({ namespace: 'temporal-system' }),
    );
    return true;
  } finally {
    await connection.close();
  }
}
