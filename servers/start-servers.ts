/**
 * The servers that `sojourn up` and the tests run on this machine: real NATS, Temporal, ClickHouse
 * and Redis as child processes on 127.0.0.1, with their data in one folder. All or none: if one does
 * not start, those that did are stopped again.
 */
import { resolve } from 'node:path';
import type { Logger } from 'pino';
import { SojournError, toError } from '../shared/errors.ts';
import { startClickhouse, type ClickhouseServer } from './clickhouse.ts';
import { lockDataDir, readOrMakeSecrets, type Secrets } from './data-dir.ts';
import { untilPredecessorEnded, type RunningServer } from './guard.ts';
import { type Keeper, type KeepOptions, type Kept, keepRunning } from './keep-running.ts';
import { startNats, type NatsServer } from './nats.ts';
import { findClickhouse, obtain, type ObtainOptions, type Progress } from './obtain.ts';
import { assertPortFree, freePorts } from './ports.ts';
import { startRedis, type RedisServer } from './redis.ts';
import type { Env } from './run-command.ts';
import { startTemporal, type TemporalServer, watchTemporal } from './temporal.ts';

export type ServerName = 'nats' | 'temporal' | 'clickhouse' | 'redis';
export const SERVER_NAMES: readonly ServerName[] = ['nats', 'temporal', 'clickhouse', 'redis'];

/** Paths of the programs; ClickHouse has none when the embedded one is used. */
export type Binaries = Readonly<Partial<Record<ServerName, string | undefined>>>;

/** 0 or nothing: a free one. */
export interface Ports {
  readonly nats?: number | undefined;
  readonly temporal?: number | undefined;
  readonly temporalUi?: number | undefined;
  readonly clickhouse?: number | undefined;
  readonly clickhouseTcp?: number | undefined;
  readonly redis?: number | undefined;
}

export interface StartOptions {
  readonly dataDir: string;
  /** Where obtained programs and what is made with them are kept, shared by all data folders. */
  readonly cacheDir: string;
  readonly which: ReadonlySet<ServerName>;
  readonly ports?: Ports;
  /** Ports that something else is going to listen on, with what sets each: checked along with those of the servers. */
  readonly alsoFree?: readonly { readonly port: number; readonly flag: string }[];
  readonly namespace: string;
  readonly searchAttributes: Readonly<Record<string, string>>;
  /** Settings for the Temporal server beside or instead of ours. */
  readonly temporalDynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  /** The environment of the commands that obtain programs. @default that of this process */
  readonly env?: Env;
  readonly log: Logger;
  readonly progress?: Progress;
}

/** The running servers: those that were asked for. */
export interface Servers {
  readonly nats: NatsServer | undefined;
  readonly temporal: TemporalServer | undefined;
  readonly clickhouse: ClickhouseServer | undefined;
  readonly redis: RedisServer | undefined;
  /** The passwords of the data folder. */
  readonly secrets: Secrets;
  /** Starts a server again on its port and folder, stopping it first if it still runs. */
  restart(name: ServerName): Promise<void>;
  /** Starts each that ends, or that refuses everything, again. */
  keepRunning(options?: Pick<KeepOptions, 'lookEveryMs'>): Keeper;
  /** Stops all and gives the folder free. Safe to call again. */
  stop(): Promise<void>;
}

/** The flag of `sojourn up` that sets each port. */
const FLAGS: Readonly<Record<keyof Ports, string>> = {
  nats: '--nats-port',
  temporal: '--temporal-port',
  temporalUi: '--temporal-ui-port',
  clickhouse: '--clickhouse-port',
  clickhouseTcp: '--clickhouse-tcp-port',
  redis: '--redis-port',
};

const PORTS_OF: Readonly<Record<ServerName, readonly (keyof Ports)[]>> = {
  nats: ['nats'],
  temporal: ['temporal', 'temporalUi'],
  clickhouse: ['clickhouse', 'clickhouseTcp'],
  redis: ['redis'],
};

/** A free port may be taken by somebody else before the server listens on it. */
const START_ATTEMPTS = 3;

/** Finds or makes the programs of the servers asked for, several at a time. */
export async function obtainServers(
  options: ObtainOptions & { readonly which: ReadonlySet<ServerName> },
): Promise<Binaries> {
  const found = await settleAll([...options.which], async (name) => {
    if (name === 'clickhouse') return { [name]: await findClickhouse(options) };
    // Told by the server's name, which is not always the program's.
    const progress: Progress = (_program, what, usual) => options.progress?.(name, what, usual);
    return { [name]: await obtain(name, { ...options, progress }) };
  });
  return Object.assign({}, ...found) as Binaries;
}

/** Obtains and starts the servers asked for, in parallel, on a folder that nobody else uses. */
export async function startServers(options: StartOptions): Promise<Servers> {
  const { which, log } = options;
  const dataDir = resolve(options.dataDir);
  const unlock = await lockDataDir(dataDir);
  const running = new Map<ServerName, Started>();
  const stopAll = async (): Promise<void> => {
    await settleAll([...running.values()], ({ server }) => server.stop());
    unlock();
  };
  try {
    await settleAll([...which], (name) => untilPredecessorEnded(dataDir, name));
    await assertPortsFree(which, options);
    const binaries = await obtainServers(options);
    const context = { ...options, dataDir, binaries, secrets: readOrMakeSecrets(dataDir) };
    await settleAll([...which], async (name) => {
      options.progress?.(name, 'starting');
      running.set(name, await startOnSomePort(name, context));
      options.progress?.(name, 'running');
    });
    return serversFrom(running, context, stopAll);
  } catch (error) {
    log.debug({ err: toError(error) }, 'servers did not start, stopping those that did');
    await stopAll();
    throw error;
  }
}

interface Context extends StartOptions {
  readonly binaries: Binaries;
  readonly secrets: Secrets;
}

/** A server with the ports it was given, so that it can be started on them again. */
interface Started {
  readonly server: RunningServer;
  readonly ports: readonly number[];
}

function serversFrom(
  running: Map<ServerName, Started>,
  context: Context,
  stopAll: () => Promise<void>,
): Servers {
  let stopped: Promise<void> | undefined;
  const startedAs = (name: ServerName): Started => {
    const started = running.get(name);
    if (started === undefined) throw new Error(`${name} was never started`);
    return started;
  };
  const restart = async (name: ServerName): Promise<void> => {
    const before = startedAs(name);
    await before.server.stop();
    running.set(name, await startOne(name, context, before.ports));
  };
  return {
    get nats() {
      return running.get('nats')?.server as NatsServer | undefined;
    },
    get temporal() {
      return running.get('temporal')?.server as TemporalServer | undefined;
    },
    get clickhouse() {
      return running.get('clickhouse')?.server as ClickhouseServer | undefined;
    },
    get redis() {
      return running.get('redis')?.server as RedisServer | undefined;
    },
    secrets: context.secrets,
    restart,
    keepRunning(options = {}) {
      const temporal = running.get('temporal')?.server as TemporalServer | undefined;
      const watch = temporal && watchTemporal(temporal.address, context.namespace);
      const kept = [...running.keys()].map((name): Kept => ({
        name,
        current: () => startedAs(name).server,
        restart: () => restart(name),
        ...(name === 'temporal' && watch && { faultOf: () => watch.faultOf() }),
        ...(name === 'clickhouse' && { renewalOf: () => analystsChanged(startedAs(name)) }),
      }));
      const keeper = keepRunning(kept, { ...options, log: context.log });
      return {
        failed: keeper.failed,
        async stop() {
          await keeper.stop();
          await watch?.stop();
        },
      };
    },
    stop() {
      stopped ??= stopAll();
      return stopped;
    },
  };
}

function analystsChanged({ server }: Started): string | undefined {
  try {
    return (server as ClickhouseServer).areAnalystsChanged() ? 'its analysts changed' : undefined;
  } catch {
    // A file that cannot be read is looked at again; the server goes on with those that it has.
    return undefined;
  }
}

async function startOnSomePort(name: ServerName, context: Context): Promise<Started> {
  const wanted = PORTS_OF[name].map((port) => context.ports?.[port] ?? 0);
  for (let attempt = 1; ; attempt++) {
    const free = await freePorts(wanted.length);
    const ports = wanted.map((port, i) => (port === 0 ? (free[i] as number) : port));
    try {
      return await startOne(name, context, ports);
    } catch (error) {
      const unlucky = /in use/i.test(toError(error).message);
      if (!unlucky || attempt === START_ATTEMPTS) throw error;
      context.log.debug({ server: name, ports }, 'a port was taken, trying again');
    }
  }
}

async function startOne(
  name: ServerName,
  context: Context,
  ports: readonly number[],
): Promise<Started> {
  const [port, secondPort] = ports as [number, number];
  const binary = context.binaries[name];
  const common = { dataDir: context.dataDir, port, log: context.log };
  switch (name) {
    case 'nats':
      return { server: await startNats({ ...common, binary: binary as string }), ports };
    case 'redis': {
      const password = context.secrets.redisPassword;
      return { server: await startRedis({ ...common, binary: binary as string, password }), ports };
    }
    case 'clickhouse': {
      const users = context.secrets.clickhouse;
      return {
        server: await startClickhouse({ ...common, binary, tcpPort: secondPort, users }),
        ports,
      };
    }
    case 'temporal': {
      const { namespace, searchAttributes, temporalDynamicConfig: dynamicConfig = {} } = context;
      const settings = { namespace, searchAttributes, dynamicConfig };
      const { cacheDir } = context;
      const programs = { binary: binary as string, cacheDir, uiPort: secondPort };
      return { server: await startTemporal({ ...common, ...programs, ...settings }), ports };
    }
  }
}

/** Every taken port is named, not the first one only: one round of changes is enough. */
async function assertPortsFree(
  which: ReadonlySet<ServerName>,
  { ports = {}, alsoFree = [] }: Pick<StartOptions, 'ports' | 'alsoFree'>,
): Promise<void> {
  const ofServers = [...which]
    .flatMap((name) => PORTS_OF[name])
    .map((port) => ({ port: ports[port] ?? 0, flag: FLAGS[port] }));
  const results = await Promise.allSettled(
    [...ofServers, ...alsoFree].map(({ port, flag }) => assertPortFree(port, flag)),
  );
  throwFailures(results);
}

/** Does all at the same time, waits for every one of them, and then throws what failed. */
async function settleAll<T, R>(items: readonly T[], step: (item: T) => Promise<R>): Promise<R[]> {
  const results = await Promise.allSettled(items.map(step));
  throwFailures(results);
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
}

/** All failures in one error: whoever has to mend two things wants to hear of both. */
function throwFailures(results: readonly PromiseSettledResult<unknown>[]): void {
  const failures = results.flatMap((result) =>
    result.status === 'rejected' ? [toError(result.reason)] : [],
  );
  const [first] = failures;
  if (first === undefined) return;
  if (failures.length === 1) throw first;
  const message = failures.map((failure) => failure.message).join('\n');
  throw new SojournError('SJ_SERVER_START', message, { cause: first });
}
