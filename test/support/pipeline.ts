/** A real Sojourn process (`sojourn up` on servers that run already), and what tests ask around it. */
import { type ChildProcess, spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, ClickHouseLogLevel, createClient } from '@clickhouse/client';
import { type JetStreamClient, jetstream } from '@nats-io/jetstream';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { loadConfig, processEnvironment } from '../../platform/config.ts';
import { connectTemporal } from '../../platform/temporal.ts';
import {
  CLICKHOUSE_ADMIN,
  CLICKHOUSE_BI,
  CLICKHOUSE_MARTS,
  CLICKHOUSE_WRITER,
  type NatsServer,
  type TemporalServer,
} from '../../servers/index.ts';
import { atEnd } from './at-end.ts';
import { type CommandResult, type CommandRunner, startCommandRunner } from './command-runner.ts';
import { eventually } from './eventually.ts';
import { type ReferenceRows, addTo, USERS } from './reference.ts';
import { TEST_NAMESPACE, temporaryFolder, type TestServers } from './servers.ts';

/** A run of many files has it ready as JavaScript (prepare.ts). */
const COMPILED = processEnvironment()['SOJOURN_TEST_COMMAND'];
const COMMAND = COMPILED ?? fileURLToPath(new URL('../../bin/sojourn.mjs', import.meta.url));
const COMMAND_LINE =
  COMPILED === undefined
    ? fileURLToPath(new URL('../../cli/command-line.ts', import.meta.url))
    : join(dirname(COMPILED), 'command-line.js');
/** Beside others it may take a minute. */
const START_MS_MAX = 150_000;
const STOP_MS_MAX = 90_000;
/** The client's own five seconds may be less than a server's pause beside others. */
const PUBLISHED_WITHIN_MS = 30_000;
/** So often is everything waited for anew: a server that pauses for five seconds is no fault of who waits. */
const WAITS_MAX = 3;
/** Longer than the longest of the commands' own limits in the tests, shorter than a test's. */
const COMMAND_MS_MAX = 150_000;

/** Several of them run on one machine. */
export const ANY_PORTS = ['dashboard', 'collect', 'health'].flatMap((name) => [
  `--${name}-port`,
  '0',
]);

/** Short, so that tests need not wait; each test may override. */
export const QUICK_SETTINGS = {
  SESSION_IDLE_TIMEOUT: '4s',
  SESSION_CHECKPOINT: '1s',
  LATE_GRACE: '1s',
};

/** What a process has to know of its servers; NATS and Temporal may be others than the embedded. */
export interface KnownServers extends Pick<TestServers, 'clickhouse' | 'redis' | 'secrets'> {
  /** The address, or several, separated by commas. */
  readonly nats: Pick<NatsServer, 'url'>;
  readonly temporal: Pick<TemporalServer, 'address'>;
}

/** The environment of a process that uses these servers. */
export function environmentOf(servers: KnownServers): Record<string, string> {
  const { clickhouse } = servers.secrets;
  return {
    NATS_URL: servers.nats.url,
    TEMPORAL_ADDRESS: servers.temporal.address,
    TEMPORAL_NAMESPACE: TEST_NAMESPACE,
    CLICKHOUSE_URL: servers.clickhouse.url,
    CLICKHOUSE_ADMIN_USER: CLICKHOUSE_ADMIN,
    CLICKHOUSE_ADMIN_PASSWORD: clickhouse.adminPassword,
    CLICKHOUSE_WRITER_USER: CLICKHOUSE_WRITER,
    CLICKHOUSE_WRITER_PASSWORD: clickhouse.writerPassword,
    CLICKHOUSE_BI_USER: CLICKHOUSE_BI,
    CLICKHOUSE_BI_PASSWORD: clickhouse.biPassword,
    CLICKHOUSE_MARTS_USER: CLICKHOUSE_MARTS,
    CLICKHOUSE_MARTS_PASSWORD: clickhouse.martsPassword,
    REDIS_URL: servers.redis.url,
  };
}

/** A Temporal client, on a connection that the caller closes. */
export function connectTemporalOf(servers: KnownServers): ReturnType<typeof connectTemporal> {
  const config = loadConfig(environmentOf(servers));
  return connectTemporal({ ...config, TEMPORAL_ADDRESS: servers.temporal.address });
}

let runner: CommandRunner | undefined;

/** They run on, or load native libraries that are set up once in a process. */
const ALONE = ['up', 'worker', 'ingest', 'dashboard', 'collect', 'import'];

/**
 * Runs a command of the command line to its end, in a process that is kept for commands where it can be.
 * @throws with what it printed where it does not end
 */
export async function sojourn(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input?: string,
): Promise<CommandResult> {
  const isAlone = input !== undefined || args.some((word) => ALONE.includes(word));
  if (isAlone || runner?.isBusy === true) return sojournProcess(args, environment, input);
  const kept = (runner ??= startRunner());
  return kept.run(args, { ...homeAndPath(), ...environment }, COMMAND_MS_MAX);
}

function startRunner(): CommandRunner {
  const started = startCommandRunner(COMMAND_LINE);
  atEnd(() => started.stop());
  return started;
}

/** Waits until all that was published is in the tables. @throws with what was left where it is not, after some minutes */
export async function untilLoaded(environment: Readonly<Record<string, string>>): Promise<void> {
  for (let waits = 1; ; waits += 1) {
    const { code, stdout, stderr } = await sojourn(
      ['status', '--wait', '--timeout', '100s'],
      environment,
    );
    if (code === 0) return;
    if (waits === WAITS_MAX) throw new Error(`not all is loaded: ${stderr} ${stdout}`);
  }
}

/** The same in a process of its own, as a user starts it. */
export async function sojournProcess(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
  input?: string,
): Promise<CommandResult> {
  const child = spawnSojourn(args, environment);
  const output = collect(child);
  child.stdin?.end(input);
  const timer = setTimeout(() => child.kill('SIGKILL'), COMMAND_MS_MAX);
  const code = await exitOf(child).finally(() => {
    clearTimeout(timer);
  });
  if (child.signalCode === 'SIGKILL') {
    throw new Error(`'${args.join(' ')}' does not end: ${JSON.stringify(output)}`);
  }
  return { code, ...output };
}

/** Starts a command and returns at once. */
export function spawnSojourn(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): ChildProcess {
  return spawn(process.execPath, [COMMAND, ...args], {
    env: { ...homeAndPath(), ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
}

function homeAndPath(): { readonly PATH: string; readonly HOME: string } {
  const { PATH = '', HOME = '' } = processEnvironment();
  return { PATH, HOME };
}

function collect(child: ChildProcess): { stdout: string; stderr: string } {
  const output = { stdout: '', stderr: '' };
  child.stdout?.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  return output;
}

function exitOf(child: ChildProcess): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
}

export type { CommandResult } from './command-runner.ts';

export interface PipelineProcess {
  readonly pid: number;
  /** What it logged so far. */
  log(): string;
  /** SIGTERM, and wait. @returns the exit code */
  stop(): Promise<number | null>;
  /** SIGKILL, and wait. */
  kill(): Promise<void>;
}

/** Starts ingest and worker in a process of their own, and waits until they run. */
export async function startPipelineProcess(
  servers: KnownServers,
  settings: Readonly<Record<string, string>> = QUICK_SETTINGS,
  args: readonly string[] = ['up', '--data-dir', join(temporaryFolder(), 'data'), ...ANY_PORTS],
): Promise<PipelineProcess> {
  const child = spawnSojourn(args, { ...environmentOf(servers), ...settings });
  const output = collect(child);
  const exited = exitOf(child);
  // A test run that dies must not leave it behind.
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  exited.finally(() => process.off('exit', killAtExit)).catch(() => undefined);
  const ready = args[0] === 'worker' ? 'session worker started' : 'ingest started';
  await Promise.race([
    eventually(
      () => {
        if (!output.stderr.includes(ready)) throw new Error(`not ready: ${output.stderr}`);
      },
      { withinMs: START_MS_MAX },
    ),
    exited.then(() => {
      throw new Error(`the process ended: ${output.stderr}`);
    }),
  ]).catch(async (error: unknown) => {
    // Ready later, it would take the events of the tests that follow.
    child.kill('SIGKILL');
    await exited;
    throw error;
  });
  return {
    pid: child.pid ?? 0,
    log: () => output.stderr,
    async stop() {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS_MAX);
      const code = await exited;
      clearTimeout(timer);
      return code;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

/** Clients around a pipeline, closed together. */
export interface Around {
  readonly nc: NatsConnection;
  readonly js: JetStreamClient;
  readonly bi: ClickHouseClient;
  /** Publishes a message as a producer does. */
  publish(project: string, payload: unknown, headers?: Record<string, string>): Promise<number>;
  select<Row>(query: string): Promise<Row[]>;
  /** The metrics of a project, in the form of the reference. */
  rows(project: string): Promise<ReferenceRows>;
  close(): Promise<void>;
}

export async function connectAround(servers: KnownServers): Promise<Around> {
  const nc = await connect({ servers: servers.nats.url.split(','), maxReconnectAttempts: -1 });
  const js = jetstream(nc, { timeout: PUBLISHED_WITHIN_MS });
  const bi = createClient({
    url: servers.clickhouse.url,
    username: CLICKHOUSE_BI,
    password: servers.secrets.clickhouse.biPassword,
    database: 'sojourn',
    log: { level: ClickHouseLogLevel.OFF },
  });
  const select = async <Row>(query: string) =>
    (await bi.query({ query, format: 'JSONEachRow' })).json<Row>();
  return {
    nc,
    js,
    bi,
    select,
    async publish(project, payload, headers = {}) {
      const { headers: makeHeaders } = await import('@nats-io/transport-node');
      const head = makeHeaders();
      for (const [name, value] of Object.entries(headers)) head.set(name, value);
      const data =
        typeof payload === 'string' || payload instanceof Uint8Array
          ? payload
          : JSON.stringify(payload);
      const ack = await js.publish(`events.${project}.test`, data, { headers: head });
      return ack.seq;
    },
    async rows(project) {
      const found = await select<MetricRow>(
        `SELECT metric_type, granularity, toUnixTimestamp(bucket) AS bucket, dimension,
           dimension_value, toString(sum(metrics.value)) AS value,
           toString(sum(metrics.count)) AS count
         FROM sojourn.metrics WHERE project = '${project}' GROUP BY ALL`,
      );
      return toReferenceRows(found);
    },
    async close() {
      await nc.close();
      await bi.close();
    },
  };
}

interface MetricRow {
  readonly metric_type: string;
  readonly granularity: string;
  readonly bucket: number;
  readonly dimension: string;
  readonly dimension_value: string;
  readonly value: string;
  readonly count: string;
}

function toReferenceRows(found: readonly MetricRow[]): ReferenceRows {
  const rows: ReferenceRows = new Map();
  for (const row of found) {
    const isUsers = row.metric_type === 'new_users' || row.metric_type === 'returning_users';
    const bucket = new Date(row.bucket * 1_000).toISOString();
    const key = [
      isUsers ? USERS : row.metric_type,
      row.granularity,
      bucket,
      row.dimension,
      row.dimension_value,
    ].join('|');
    const [whole = '', fraction = ''] = row.value.split('.');
    const digits = BigInt(`${whole.replace('-', '')}${fraction.padEnd(9, '0')}`);
    addTo(rows, key, { value: whole.startsWith('-') ? -digits : digits, count: Number(row.count) });
  }
  return rows;
}
