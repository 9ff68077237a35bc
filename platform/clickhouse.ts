/** ClickHouse: clients for the three users, and inserts that a token makes repeatable. */
import { Agent } from 'node:https';
import {
  type ClickHouseClient,
  ClickHouseError,
  ClickHouseLogLevel,
  type ClickHouseSettings,
  createClient,
} from '@clickhouse/client';
import { SojournError } from '../shared/errors.ts';
import { clientOfCluster, clusterOf, type ServerAt } from './clickhouse-servers.ts';
import { clusterSettings, type Reads } from './cluster-settings.ts';
import { addressesOf, type Config } from './config.ts';
import type { Logger } from './log.ts';
import { readTlsFiles } from './tls-files.ts';
import { connectionFault, reasonOf, unreachable } from './unreachable.ts';

export const DATABASE = 'sojourn';

export type ClickHouseRole = 'admin' | 'writer' | 'bi';

export interface ConnectOptions {
  /** How long a query may take; the writer is less patient than the others where it is left out. */
  readonly patienceMs?: number;
  /** Told where another server of the cluster is asked. */
  readonly log?: Logger;
  /** On a cluster; the latest where nothing is said. */
  readonly reads?: Reads;
}

/**
 * A client that logs in as one of our users. Opens no connection before its first query. With CLICKHOUSE_CLUSTER it is
 * one for all addresses and says what a cluster has to be told; what the admin's defines, it defines on all servers.
 */
export function connectClickHouse(
  config: Config & { readonly CLICKHOUSE_URL: string },
  role: ClickHouseRole,
  { patienceMs = role === 'writer' ? 20_000 : 60_000, log, reads }: ConnectOptions = {},
): ClickHouseClient {
  const { CLICKHOUSE_URL, CLICKHOUSE_CLUSTER } = config;
  if (CLICKHOUSE_CLUSTER === undefined) {
    return clientOf(config, { url: CLICKHOUSE_URL, role, patienceMs });
  }
  const settings = clusterSettings(role, reads);
  const [first = CLICKHOUSE_URL, ...others] = addressesOf(CLICKHOUSE_URL);
  const serverAt = (address: string): ServerAt => ({
    address,
    client: clientOf(config, { url: address, role, patienceMs, settings }),
  });
  return clientOfCluster([serverAt(first), ...others.map(serverAt)], {
    cluster: CLICKHOUSE_CLUSTER,
    isAdmin: role === 'admin',
    log,
  });
}

interface OneServer {
  readonly url: string;
  readonly role: ClickHouseRole;
  readonly patienceMs: number;
  readonly settings?: ClickHouseSettings;
}

function clientOf(
  config: Config,
  { url, role, patienceMs, settings }: OneServer,
): ClickHouseClient {
  const [username, password] = {
    admin: [config.CLICKHOUSE_ADMIN_USER, config.CLICKHOUSE_ADMIN_PASSWORD],
    writer: [config.CLICKHOUSE_WRITER_USER, config.CLICKHOUSE_WRITER_PASSWORD],
    bi: [config.CLICKHOUSE_BI_USER, config.CLICKHOUSE_BI_PASSWORD],
  }[role];
  return createClient({
    url,
    application: 'sojourn',
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    // The admin comes before the database exists.
    ...(role !== 'admin' && { database: DATABASE }),
    // An insert that is given up is repeated: refused while the first one still runs, ignored once it
    // is through. So the writer need not be patient with a connection that nobody answers on.
    request_timeout: patienceMs,
    keep_alive: { enabled: true },
    // A question about many values is longer than an address may be.
    use_multipart_params_auto: true,
    // Errors are thrown to us; whoever catches them logs them.
    log: { level: ClickHouseLogLevel.OFF },
    ...(settings !== undefined && { clickhouse_settings: settings }),
    ...agentOf(config),
  });
}

/**
 * With a client certificate the library logs in by that, and by no password: so it gets a connection that has one, for
 * what stands in front of the server or asks for one besides the password.
 */
function agentOf(config: Config) {
  const tls = clickHouseTls(config);
  if (tls?.cert !== undefined) {
    return { http_agent: new Agent({ ...tls, keepAlive: true, maxSockets: CONNECTIONS_MAX }) };
  }
  return tls?.ca === undefined ? {} : { tls: { ca_cert: tls.ca } };
}

/** The library's own limit. */
const CONNECTIONS_MAX = 10;

/** Certificates of the connection; undefined where it is plain text. */
export function clickHouseTls(config: Config) {
  const { CLICKHOUSE_URL, CLICKHOUSE_TLS_CA, CLICKHOUSE_TLS_CERT, CLICKHOUSE_TLS_KEY } = config;
  if (CLICKHOUSE_URL?.startsWith('https:') !== true) return undefined;
  return readTlsFiles({
    ca: CLICKHOUSE_TLS_CA,
    cert: CLICKHOUSE_TLS_CERT,
    key: CLICKHOUSE_TLS_KEY,
  });
}

/** For `catch`: an `SJ_SERVER_UNREACHABLE` that says what is wrong. */
export function clickHouseUnreachable(config: Config) {
  return unreachable('ClickHouse', config.CLICKHOUSE_URL ?? '', { tls: clickHouseTls(config) });
}

/** What is wrong with TLS or the login; undefined where it is something else. */
export function clickHouseFault(config: Config, error: unknown) {
  return connectionFault('ClickHouse', config.CLICKHOUSE_URL ?? '', error, {
    tls: clickHouseTls(config),
  });
}

/** Whether it answers with this login; false rather than an error. */
export async function answers(client: ClickHouseClient): Promise<boolean> {
  const { success } = await client.ping({ select: true });
  return success;
}

/**
 * Tables that keep nothing, and the view through which each passes on what comes in: what is inserted without that goes
 * nowhere (001-metrics, 015-full-dimensions, 027-import-fences).
 */
export const INTAKES: ReadonlyMap<string, string> = new Map([
  ['metrics_inbox', `${DATABASE}.metrics_intake`],
  ['full_dimensions_inbox', `${DATABASE}.full_dimensions_intake`],
  ...['sessions', 'import_sessions', 'import_rows'].map(
    (table) => [`${table}_inbox`, `${DATABASE}.${table}_intake`] as const,
  ),
]);

/** @throws SojournError `SJ_INTAKE_MISSING` where somebody has detached or dropped one; `SJ_SERVER_UNREACHABLE` */
export async function checkIntakes(client: ClickHouseClient): Promise<void> {
  for (const intake of INTAKES.values()) await checkIntake(client, intake);
}

/** @throws SojournError `SJ_INTAKE_MISSING` where somebody has detached or dropped it; `SJ_SERVER_UNREACHABLE` */
export async function checkIntake(client: ClickHouseClient, intake: string): Promise<void> {
  const [found] = await select<{ result: number }>(client, `EXISTS TABLE ${intake}`);
  if (found?.result === 1) return;
  throw new SojournError(
    'SJ_INTAKE_MISSING',
    `ClickHouse has no view ${intake}, through which rows are loaded: they wait; ATTACH it, or run \`npx sojourn migrate\``,
  );
}

/**
 * On a cluster: returns once all replicas of a table have what was inserted. A deletion that asks another table asks it on
 * each replica by itself. @throws what the client throws, as where a replica is away
 */
export async function settleReplicas(admin: ClickHouseClient, table: string): Promise<void> {
  if (clusterOf(admin) === undefined) return;
  await admin.command({ query: `SYSTEM SYNC REPLICA ${DATABASE}.${table}` });
}

/** All rows of a query, checked by the caller. @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function select<Row>(
  client: ClickHouseClient,
  query: string,
  params: Record<string, unknown> = {},
  settings: ClickHouseSettings = {},
): Promise<Row[]> {
  try {
    const result = await client.query({
      query,
      query_params: params,
      format: 'JSONEachRow',
      clickhouse_settings: settings,
    });
    return await result.json<Row>();
  } catch (error) {
    const what = error instanceof ClickHouseError ? 'refused a query' : 'does not answer';
    throw new SojournError('SJ_SERVER_UNREACHABLE', `ClickHouse ${what}: ${reasonOf(error)}`, {
      cause: error,
    });
  }
}

/** Whether who asked has no right to, in an error of {@link select} or of the client. */
export function isAccessDenied(error: unknown): boolean {
  const cause = error instanceof SojournError ? error.cause : error;
  return cause instanceof ClickHouseError && cause.code === '497';
}
