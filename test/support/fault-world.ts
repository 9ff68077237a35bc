/**
 * Four real servers, each behind a fault proxy; Sojourn as supervised processes that know only the
 * proxies; and clients of the tests that go to the servers directly.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import { headers, nanos } from '@nats-io/transport-node';
import type { Client } from '@temporalio/client';
import { SERVER_NAMES, type ServerName } from '../../servers/index.ts';
import {
  DEADLETTERS_STREAM,
  EVENTS_CONSUMER,
  EVENTS_STREAM,
  SESSION_WORKFLOW,
} from '../../shared/ids.ts';
import { eventually } from './eventually.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import {
  type Around,
  connectAround,
  connectTemporalOf,
  environmentOf,
  sojourn,
} from './pipeline.ts';
import { randomOf } from './random.ts';
import { startPrivateServers, type TestServers } from './servers.ts';
import { startServersOnPostgres } from './servers-on-postgres.ts';
import { type Ending, type Supervised, supervise } from './supervised.ts';

export interface FaultWorld {
  readonly servers: TestServers;
  readonly proxies: Readonly<Record<ServerName, FaultProxy>>;
  readonly around: Around;
  readonly jsm: JetStreamManager;
  /** Logs of servers and processes. */
  readonly folder: string;
  /** The environment of a process behind the proxies. */
  readonly environment: Readonly<Record<string, string>>;
  readonly processes: ReadonlySet<Supervised>;
  /** Times Temporal ended by itself, and was started again. */
  readonly temporalOwnEnds: number;
  /** Starts a command under a supervisor. It is ready some seconds later. */
  run(name: string, args: readonly string[]): Supervised;
  end(process: Supervised): Promise<Ending>;
  /** SIGKILL, a pause, and the same server again. */
  crash(names: readonly ServerName[], pauseMs: number): Promise<void>;
  /** Publishes as a patient producer: again with the same id until it is acknowledged. */
  publish(project: string, payload: object, messageId: string): Promise<void>;
  /** Proxies pass, servers run, processes are ready. */
  heal(): Promise<void>;
  /** Events not yet taken, and taken but not yet acknowledged. */
  unfinishedEvents(): Promise<number>;
  deadLetters(): Promise<number>;
  /** Session workflows of a project that run. */
  openSessions(project: string): Promise<number>;
  close(keepLogs: boolean): Promise<void>;
}

export interface WorldOptions {
  readonly seed: number;
  readonly settings: Readonly<Record<string, string>>;
  /** Temporal is not the embedded server. */
  readonly onPostgres?: boolean;
}

const READY_MS_MAX = 90_000;
/**
 * What a killed ingest held is offered again after a while. Tests have little time; a shorter wait
 * means the same repetitions, only sooner.
 */
const ACK_WAIT_MS = 5_000;

export async function startFaultWorld({
  seed,
  settings,
  onPostgres = false,
}: WorldOptions): Promise<FaultWorld> {
  const folder = mkdtempSync(join(tmpdir(), `sojourn-fault-${seed}-`));
  const dataDir = join(folder, 'servers');
  const servers = onPostgres
    ? await startServersOnPostgres(dataDir)
    : await startPrivateServers({ dataDir });
  const proxies = await startProxies(servers, seed);
  const environment = { ...environmentBehind(servers, proxies), ...settings };
  // Straight to the servers: the schema is there before anything goes wrong.
  const migrated = await sojourn(['migrate'], environmentOf(servers));
  if (migrated.code !== 0) throw new Error(`migrate failed: ${migrated.stderr}`);
  const around = await connectAround(servers);
  const jsm = await jetstreamManager(around.nc, { checkAPI: false });
  const processes = new Set<Supervised>();
  mkdirSync(join(folder, 'processes'), { recursive: true });

  // A connection for each question: the server may have been killed since the last one.
  const withTemporal = async <T>(ask: (client: Client) => Promise<T>): Promise<T> => {
    const { client, connection } = await connectTemporalOf(servers);
    try {
      return await ask(client);
    } finally {
      await connection.close();
    }
  };
  const shortenAckWait = () =>
    jsm.consumers.update(EVENTS_STREAM, EVENTS_CONSUMER, { ack_wait: nanos(ACK_WAIT_MS) });
  await shortenAckWait();
  const temporal = keepTemporal(servers);

  return {
    servers,
    proxies,
    around,
    jsm,
    folder,
    environment,
    processes,
    get temporalOwnEnds() {
      return temporal.ownEnds;
    },
    run(name, args) {
      const logFile = join(folder, 'processes', `${name}.log`);
      const started = supervise({ name, args, environment, logFile });
      processes.add(started);
      return started;
    },
    end(process) {
      processes.delete(process);
      return process.end();
    },
    async crash(names, pauseMs) {
      const isTemporal = names.includes('temporal');
      if (isTemporal) await temporal.leave();
      for (const name of names) servers[name].kill();
      await sleep(pauseMs);
      await Promise.all(names.map((name) => servers.restart(name)));
      if (isTemporal) temporal.keep();
    },
    async publish(project, payload, messageId) {
      const head = headers();
      head.set('Nats-Msg-Id', messageId);
      const data = JSON.stringify(payload);
      for (;;) {
        try {
          await around.js.publish(`events.${project}.fault`, data, {
            headers: head,
            timeout: 2_000,
          });
          return;
        } catch (error) {
          if (around.nc.isClosed()) throw error;
          await sleep(200);
        }
      }
    },
    async heal() {
      for (const proxy of Object.values(proxies)) proxy.set('pass');
      await eventually(
        () => {
          const waiting = [...processes].filter(({ isReady }) => !isReady);
          if (waiting.length > 0)
            throw new Error(`not ready: ${waiting.map(({ name }) => name).join(', ')}`);
        },
        { withinMs: READY_MS_MAX },
      );
      // `sojourn up` migrates at each start, which puts the longer wait back. Our own connection may still be
      // on its way back as well.
      await eventually(shortenAckWait, { withinMs: READY_MS_MAX });
    },
    async unfinishedEvents() {
      const info = await jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER);
      return info.num_pending + info.num_ack_pending;
    },
    async deadLetters() {
      return (await jsm.streams.info(DEADLETTERS_STREAM)).state.messages;
    },
    async openSessions(project) {
      const query = `WorkflowType = '${SESSION_WORKFLOW}' AND ExecutionStatus = 'Running' AND SojournProject = '${project}'`;
      return (await withTemporal(({ workflow }) => workflow.count(query))).count;
    },
    async close(keepLogs) {
      for (const proxy of Object.values(proxies)) proxy.set('pass');
      await temporal.leave();
      await Promise.all([...processes].map((one) => one.end()));
      await around.close();
      await Promise.all(Object.values(proxies).map((proxy) => proxy.close()));
      await servers.stop();
      if (!keepLogs) rmSync(folder, { recursive: true, force: true });
    },
  };
}

interface KeptTemporal {
  readonly ownEnds: number;
  keep(): void;
  /** Whoever kills it also starts it again. */
  leave(): Promise<void>;
}

/**
 * Temporal's development server answers, and still ends by itself where one of its parts is not up within 15 s: on a
 * busy machine, with all that was waiting for it. It is started again, as by any supervisor.
 */
function keepTemporal(servers: TestServers): KeptTemporal {
  let kept: TestServers['temporal'] | undefined;
  let starting: Promise<void> | undefined;
  let ownEnds = 0;
  const keep = () => {
    const mine = servers.temporal;
    kept = mine;
    mine.exited
      .then(() => {
        if (kept !== mine) return;
        ownEnds += 1;
        starting = servers.restart('temporal').then(keep);
        return starting;
      })
      // Told by whatever waits for Temporal in vain.
      .catch(() => undefined);
  };
  keep();
  return {
    get ownEnds() {
      return ownEnds;
    },
    keep,
    async leave() {
      kept = undefined;
      await starting?.catch(() => undefined);
      kept = undefined;
    },
  };
}

async function startProxies(
  servers: TestServers,
  seed: number,
): Promise<Record<ServerName, FaultProxy>> {
  const entries = await Promise.all(
    SERVER_NAMES.map(
      async (name, index) =>
        [name, await startFaultProxy(portOf(servers, name), randomOf(seed + index))] as const,
    ),
  );
  return Object.fromEntries(entries) as Record<ServerName, FaultProxy>;
}

function addressOf(servers: TestServers, name: ServerName): string {
  return name === 'temporal' ? `temporal://${servers.temporal.address}` : servers[name].url;
}

function portOf(servers: TestServers, name: ServerName): number {
  return Number(new URL(addressOf(servers, name)).port);
}

function environmentBehind(
  servers: TestServers,
  proxies: Readonly<Record<ServerName, FaultProxy>>,
): Record<string, string> {
  const behind = (name: ServerName) =>
    addressOf(servers, name).replace(/:\d+\/?$/, `:${proxies[name].port}`);
  return {
    ...environmentOf(servers),
    NATS_URL: behind('nats'),
    TEMPORAL_ADDRESS: behind('temporal').replace('temporal://', ''),
    CLICKHOUSE_URL: behind('clickhouse'),
    REDIS_URL: behind('redis'),
  };
}
