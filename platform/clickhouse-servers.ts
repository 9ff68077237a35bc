/**
 * One client for several ClickHouse servers of a cluster (docs/decisions/054). It stays with one of them, and goes to the
 * next where that one cannot do its part. What may have been done already is done again only where that changes nothing.
 */
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  type ClickHouseClient,
  ClickHouseError,
  type CommandParams,
  type ExecParams,
  type InsertParams,
  type QueryParams,
} from '@clickhouse/client';
import { toError } from '../shared/errors.ts';
import { clusterStatement } from './cluster-ddl.ts';
import type { Logger } from './log.ts';
import { RepeatableStream } from './row-bytes.ts';
import { publicAddress } from './secrets.ts';
import { reasonOf } from './unreachable.ts';

export interface ServerAt {
  readonly address: string;
  readonly client: ClickHouseClient;
}

/**
 * What an error says of the call that it ended:
 * `final`: the same anywhere; `busy`: the same again in a moment; `not-done`: this server did nothing, another one may;
 * `unknown`: it may have been done.
 */
export type Outcome = 'final' | 'busy' | 'not-done' | 'unknown';

/** Another insert into the table waits for its quorum: they come one after the other (insert_quorum_parallel = 0). */
const BUSY_CODES = new Set(['286']);

/**
 * The table is read-only here (Keeper was lost), or has not got yet what the others have; the replica is new, and has no
 * such table, database or user.
 */
const NOT_DONE_CODES = new Set(['242', '289', '225', '60', '81', '516']);

/** Keeper broke off, or the quorum did not come together in time; the server went down meanwhile. */
const UNKNOWN_CODES = new Set(['999', '319', '236', '210', '279']);

/** `READONLY` of a replica that has no session with Keeper; of a user it is something else. */
const NOT_ACTIVE = /replica is not active/i;

const NOT_CONNECTED = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'],
]);
const BROKEN_OFF = /ECONNRESET|EPIPE|ETIMEDOUT|socket hang up|Timeout error/;

/** Pure. */
export function outcomeOf(thrown: unknown): Outcome {
  if (thrown instanceof ClickHouseError) {
    const { code, message } = thrown;
    if (BUSY_CODES.has(code)) return 'busy';
    if (NOT_DONE_CODES.has(code) || NOT_ACTIVE.test(message)) return 'not-done';
    return UNKNOWN_CODES.has(code) ? 'unknown' : 'final';
  }
  const error: NodeJS.ErrnoException = toError(thrown);
  const inner: readonly unknown[] = error instanceof AggregateError ? error.errors : [];
  // Each of a name's addresses was tried.
  if (inner.length > 0) {
    return inner.every((one) => outcomeOf(one) === 'not-done') ? 'not-done' : 'unknown';
  }
  if (NOT_CONNECTED.has(error.code ?? '')) return 'not-done';
  return BROKEN_OFF.test(`${error.code} ${error.message}`) ? 'unknown' : 'final';
}

/** Whether an insert once more, on whichever replica, is ignored: by its token, where its rows can be sent again. */
export function isRepeatable({
  values,
  clickhouse_settings = {},
}: Pick<InsertParams, 'values' | 'clickhouse_settings'>): boolean {
  const { insert_deduplication_token: token = '', insert_deduplicate: isKnown } =
    clickhouse_settings;
  const mayBeSentAgain = Array.isArray(values) || values instanceof RepeatableStream;
  return mayBeSentAgain && token !== '' && Number(isKnown) === 1;
}

/** Of clients of a cluster. */
const CLUSTER = Symbol('cluster');

/** The cluster that a client is for; undefined where it is for one server. */
export function clusterOf(client: ClickHouseClient): string | undefined {
  return (client as { readonly [CLUSTER]?: string })[CLUSTER];
}

export interface ClusterOptions {
  readonly cluster: string;
  /** Of who defines tables and users: what it defines, it defines on all servers. */
  readonly isAdmin: boolean;
  /** Told of each turn to another server. */
  readonly log?: Logger | undefined;
  readonly pause?: (ms: number) => Promise<unknown>;
}

const BUSY_TRIES = 20;
const BUSY_PAUSE_MS = 250;

/** @param servers in the order in which they are tried */
export function clientOfCluster(
  servers: readonly [ServerAt, ...ServerAt[]],
  { cluster, isAdmin, log, pause = sleep }: ClusterOptions,
): ClickHouseClient {
  let current = 0;
  const serverAt = (index: number) => servers[index % servers.length] ?? servers[0];

  /** Calls that ran at once on a server that fails turn away from it once. */
  function turnFrom(index: number, error: unknown): void {
    if (index !== current || servers.length === 1) return;
    current += 1;
    log?.warn(
      {
        from: publicAddress(serverAt(index).address),
        to: publicAddress(serverAt(current).address),
        reason: reasonOf(error),
      },
      'clickhouse server does not do its part, the next one is asked',
    );
  }

  async function call<T>(
    run: (client: ClickHouseClient) => Promise<T>,
    mayRepeat: boolean,
  ): Promise<T> {
    let [tried, waits] = [0, 0];
    for (;;) {
      const at = current;
      try {
        return await run(serverAt(at).client);
      } catch (error) {
        const outcome = outcomeOf(error);
        if (outcome === 'final') throw error;
        if (outcome === 'busy') {
          waits += 1;
          if (waits > BUSY_TRIES) throw error;
          await pause(BUSY_PAUSE_MS);
          continue;
        }
        turnFrom(at, error);
        tried += 1;
        if (tried >= servers.length || (outcome === 'unknown' && !mayRepeat)) throw error;
      }
    }
  }

  const calls: Readonly<Record<string | symbol, unknown>> = {
    [CLUSTER]: cluster,
    query: (params: QueryParams) => call((client) => client.query(params), true),
    insert: (params: InsertParams<never>) =>
      call((client) => client.insert(params), isRepeatable(params)),
    command: async (params: CommandParams) => {
      const everywhere = isAdmin ? onAllServers(params, cluster) : params;
      return call((client) => client.command(everywhere), false);
    },
    exec: (params: ExecParams & { readonly values?: Readable }) => {
      const { values, ...others } = params;
      if (values === undefined) return call((client) => client.exec(others), false);
      // What was begun to be read is not to be sent to the next server: it would get the rest, or nothing.
      if (!(values instanceof RepeatableStream)) {
        return serverAt(current).client.exec({ ...others, values });
      }
      const once = (client: ClickHouseClient) => client.exec({ ...others, values: values.again() });
      return call(once, isRepeatable({ ...others, values }));
    },
    async ping(params: Parameters<ClickHouseClient['ping']>[0]) {
      for (let tried = 1; ; tried += 1) {
        const at = current;
        const result = await serverAt(at).client.ping(params);
        if (result.success) return result;
        turnFrom(at, result.error);
        if (tried >= servers.length) return result;
      }
    },
    async close() {
      await Promise.all(servers.map(({ client }) => client.close()));
    },
  };
  // The library's class has private fields, so nothing else may pass for one.
  return new Proxy(servers[0].client, {
    get: (client, name): unknown =>
      Object.hasOwn(calls, name) ? calls[name] : Reflect.get(client, name),
  });
}

function onAllServers(params: CommandParams, cluster: string): CommandParams {
  const query = clusterStatement(params.query, cluster);
  if (query === params.query) return params;
  // One server tells of the others when it has begun to answer: what failed is then in no status.
  return {
    ...params,
    query,
    clickhouse_settings: { ...params.clickhouse_settings, wait_end_of_query: 1 },
  };
}
