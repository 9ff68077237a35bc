/**
 * Three NATS servers that hold the streams together: each is a process of its own, with a folder and ports of its
 * own, and is told what the embedded server is told, and of the others.
 */
import { appendFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { JetStreamManager, StreamInfo } from '@nats-io/jetstream';
import type { NatsConnection } from '@nats-io/transport-node';
import { obtainServers } from '../../servers/index.ts';
import { launch, type RunningServer, untilReady } from '../../servers/guard.ts';
import { greets, natsConfig } from '../../servers/nats.ts';
import { freePorts } from '../../servers/ports.ts';
import { eventually } from './eventually.ts';
import { onInterrupt } from './on-interrupt.ts';
import { temporaryFolder, testStartOptions } from './servers.ts';

export interface NatsCluster {
  /** All of them, separated by commas. */
  readonly url: string;
  /** SIGKILL, and wait. */
  kill(member: string): Promise<void>;
  /** As an operator stops one, SIGTERM or lame duck mode (SIGUSR2), and wait: it hands over what it leads. */
  retire(member: string, signal: PlannedStop): Promise<void>;
  /** Again, on its port and folder. */
  start(member: string): Promise<void>;
  stop(): Promise<void>;
}

export type PlannedStop = 'SIGTERM' | 'SIGUSR2';

const MEMBERS = ['n1', 'n2', 'n3'] as const;
const READY_MS_MAX = 120_000;
/** A server that comes back catches up with what it has missed. */
const CURRENT_MS_MAX = 90_000;

export async function startNatsCluster(): Promise<NatsCluster> {
  const folder = temporaryFolder();
  const options = testStartOptions(folder, ['nats']);
  const { nats: binary } = await obtainServers(options);
  if (binary === undefined) throw new Error('there is no nats-server');
  const ports = await freePorts(2 * MEMBERS.length);
  const routes = MEMBERS.map((_, n) => `nats-route://127.0.0.1:${ports[n + MEMBERS.length] ?? 0}`);
  const running = new Map<string, RunningServer>();

  async function start(member: string): Promise<void> {
    const n = (MEMBERS as readonly string[]).indexOf(member);
    const port = ports[n] ?? 0;
    const dataDir = join(folder, member);
    mkdirSync(dataDir, { recursive: true });
    const configFile = join(dataDir, 'nats.conf');
    writeFileSync(configFile, natsConfig(dataDir, port, member));
    appendFileSync(configFile, clusterConfig(routes[n] ?? '', routes));
    const server = await launch({
      name: 'nats',
      file: binary ?? '',
      args: ['-c', configFile],
      dataDir,
      log: options.log,
    });
    running.set(member, server);
    await untilReady(server, () => greets(port), { timeoutMs: READY_MS_MAX });
  }
  const stop = async () => {
    await Promise.all([...running.values()].map((server) => server.stop()));
  };
  onInterrupt(stop);
  try {
    await Promise.all(MEMBERS.map(start));
  } catch (error) {
    await stop();
    throw error;
  }

  return {
    url: MEMBERS.map((_, n) => `nats://127.0.0.1:${ports[n] ?? 0}`).join(','),
    async kill(member) {
      const server = running.get(member);
      server?.kill();
      await server?.exited;
    },
    async retire(member, signal) {
      const server = running.get(member);
      if (server === undefined) throw new Error(`${member} does not run`);
      process.kill(server.pid, signal);
      await server.exited;
    },
    start,
    stop,
  };
}

/** The last word on a setting counts: here clients stay connected for as long as by default when a server stops in order. */
function clusterConfig(own: string, routes: readonly string[]): string {
  return `lame_duck_grace_period: "10s"
cluster {
  name: sojourn
  listen: "${own.replace('nats-route://', '')}"
  routes: ${JSON.stringify(routes)}
}
`;
}

/** Resolves when every copy of every stream and consumer is as new as its leader's. @throws with what is not */
export async function untilCurrent(jsm: JetStreamManager): Promise<void> {
  await eventually(
    async () => {
      const behind = (await groupsOf(jsm)).filter(({ cluster }) => {
        const copies = cluster?.replicas?.filter(({ current, offline }) => current && !offline);
        return cluster?.leader === undefined || copies?.length !== MEMBERS.length - 1;
      });
      if (behind.length > 0) throw new Error(`not current: ${JSON.stringify(behind)}`);
    },
    { withinMs: CURRENT_MS_MAX, everyMs: 200 },
  );
}

/** Names of the streams and consumers that a server leads. */
export async function ledBy(jsm: JetStreamManager, member: string): Promise<string[]> {
  return (await groupsOf(jsm)).flatMap(({ name, cluster }) =>
    cluster?.leader === member ? [name] : [],
  );
}

/** Makes one server lead everything, so that nothing is left to chance when it dies. */
export async function leadAll(
  nc: NatsConnection,
  jsm: JetStreamManager,
  member: string,
): Promise<void> {
  const preferred = JSON.stringify({ placement: { preferred: member } });
  await eventually(
    async () => {
      const elsewhere = (await groupsOf(jsm)).filter(({ cluster }) => cluster?.leader !== member);
      if (elsewhere.length === 0) return;
      for (const { name, stream } of elsewhere) {
        const group =
          stream === undefined
            ? `STREAM.LEADER.STEPDOWN.${name}`
            : `CONSUMER.LEADER.STEPDOWN.${stream}.${name}`;
        await nc.request(`$JS.API.${group}`, preferred, { timeout: 2_000 });
      }
      throw new Error(`${member} does not lead ${elsewhere.map(({ name }) => name).join(', ')}`);
    },
    { withinMs: CURRENT_MS_MAX, everyMs: 500 },
  );
}

interface Group {
  readonly name: string;
  /** Of a consumer: what it reads. */
  readonly stream?: string;
  readonly cluster: StreamInfo['cluster'];
}

/** Streams and durable consumers: what servers agree upon among themselves. */
async function groupsOf(jsm: JetStreamManager): Promise<Group[]> {
  const groups: Group[] = [];
  for (const stream of await streamsOf(jsm)) {
    groups.push({ name: stream.config.name, cluster: stream.cluster });
    for await (const { name, config, cluster } of jsm.consumers.list(stream.config.name)) {
      if (config.durable_name === undefined) continue;
      groups.push({ name, stream: stream.config.name, cluster });
    }
  }
  return groups;
}

async function streamsOf(jsm: JetStreamManager): Promise<StreamInfo[]> {
  const streams: StreamInfo[] = [];
  for await (const stream of jsm.streams.list()) streams.push(stream);
  return streams;
}
