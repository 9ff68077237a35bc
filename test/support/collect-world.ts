/** The way in for trackers on the servers of the tests, what is between it and a tracker, and the rows that come of it. */
import {
  createServer,
  type IncomingMessage,
  request as forward,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect } from 'chai';
import { runCollector } from '../../collect/run.ts';
import type { Collector } from '../../collect/server.ts';
import { setProject } from '../../operations/projects.ts';
import { connectClickHouse } from '../../platform/clickhouse.ts';
import { loadConfig } from '../../platform/config.ts';
import { createLog } from '../../platform/log.ts';
import { connectNats } from '../../platform/nats.ts';
import { readRange } from '../../platform/stream-range.ts';
import { eventually } from './eventually.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  startPipelineProcess,
  untilLoaded,
} from './pipeline.ts';
import type { ReferenceRows } from './reference.ts';
import type { TestServers } from './servers.ts';

/** An event as it lies in EVENTS. */
export type StoredEvent = Readonly<Record<string, unknown>> & {
  readonly eventType: string;
  readonly sessionId: string;
  readonly timestamp: number;
  readonly eventId?: string;
};

/** What the tables have of a project, but for the names of its sessions. */
export interface Rows {
  readonly metrics: ReferenceRows;
  readonly sessions: readonly Readonly<Record<string, unknown>>[];
}

export interface CollectWorld {
  readonly url: string;
  readonly around: Around;
  /** Gives a project keys, and waits until they count. */
  addKeys(project: string, ...keys: readonly string[]): Promise<void>;
  /** In the order they were stored; with repeated ids where something came twice. */
  stored(project: string): Promise<readonly StoredEvent[]>;
  rows(project: string): Promise<Rows>;
  /** Waits until all that was published can be queried. */
  settle(): Promise<void>;
  stop(): Promise<void>;
}

/** @param settings of the collector, as environment variables */
export async function startCollectWorld(
  servers: TestServers,
  settings: Readonly<Record<string, string>> = {},
): Promise<CollectWorld> {
  const environment = environmentOf(servers);
  const closes: (() => Promise<unknown>)[] = [];
  const stop = async () => {
    for (const close of closes.splice(0).toReversed()) await close();
  };
  try {
    const pipeline = await startPipelineProcess(servers);
    closes.push(() => pipeline.stop());
    const around = await connectAround(servers);
    closes.push(() => around.close());
    const log = createLog({ level: 'error' });
    const config = {
      ...loadConfig({ ...environment, ...settings }),
      NATS_URL: servers.nats.url,
      REDIS_URL: servers.redis.url,
      CLICKHOUSE_URL: servers.clickhouse.url,
    };
    const nats = await connectNats(config, 'test', log);
    closes.push(() => nats.connection.close());
    const tables = connectClickHouse(config, 'writer');
    closes.push(() => tables.close());
    const collector: Collector = await runCollector(config, log, { port: 0, portFlag: '--port' });
    closes.push(() => collector.close());
    return {
      url: collector.url,
      around,
      async addKeys(project, ...keys) {
        await setProject({ nats, tables }, project, {
          collectKeys: keys.map((add) => ({ add })),
        });
        const [key] = keys;
        await eventually(
          async () => {
            const { status } = await fetch(`${collector.url}/events?key=${key}`, {
              method: 'POST',
            });
            expect(status).to.equal(400);
          },
          { withinMs: 60_000 },
        );
      },
      async stored(project) {
        const { state } = await nats.jsm.streams.info('EVENTS');
        const events: StoredEvent[] = [];
        const range = { stream: 'EVENTS', subject: `events.${project}.>`, to: state.last_seq };
        for await (const message of readRange(nats.js, range)) {
          events.push(...[message.json<StoredEvent | StoredEvent[]>()].flat());
        }
        return events;
      },
      async rows(project) {
        const sessions = await around.select<Record<string, unknown>>(
          `SELECT * EXCEPT (session_id, project, updated_at, version, first_run_id, state, end_reason, new_user, visitor_id)
           APPLY toString, visitor_id != '' AS has_visitor
           FROM sojourn.sessions FINAL WHERE project = '${project}' ORDER BY started_at`,
        );
        return { metrics: await around.rows(project), sessions };
      },
      async settle() {
        await untilLoaded(environment);
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** What becomes of a request: taken, and its answer lost; refused; or nothing bad. */
export type Fate = 'lost' | 'refused' | 'passed';

export interface FlakyProxy {
  readonly url: string;
  /** What came, in order: fate and path of requests that bring events. */
  readonly seen: readonly { readonly fate: Fate; readonly path: string }[];
  close(): Promise<void>;
}

/**
 * In front of the collector: answers 503 to requests of events until it has had the fates given, whatever the collector
 * said, and passes on the rest.
 * @param isOfEvents by path; other requests pass
 */
export async function startFlakyProxy(
  target: string,
  fates: readonly Fate[],
  isOfEvents: (path: string) => boolean,
): Promise<FlakyProxy> {
  const left = [...fates];
  const seen: { readonly fate: Fate; readonly path: string }[] = [];
  const server = createServer((incoming, outgoing) => {
    const path = incoming.url ?? '';
    const counts = incoming.method !== 'OPTIONS' && isOfEvents(path);
    const fate = counts ? (left.shift() ?? 'passed') : 'passed';
    if (counts) seen.push({ fate, path });
    handle(target, fate, incoming, outgoing).catch(() => outgoing.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    seen,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function handle(
  target: string,
  fate: Fate,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const body = await bytesOf(incoming);
  const answer = fate === 'refused' ? undefined : await pass(target, incoming, body);
  const { origin } = incoming.headers;
  if (fate === 'passed' && answer !== undefined) {
    outgoing.writeHead(answer.status, answer.headers).end(answer.body);
    return;
  }
  outgoing
    .writeHead(503, {
      'content-type': 'text/plain',
      ...(origin !== undefined && {
        'access-control-allow-origin': origin,
        'access-control-allow-credentials': 'true',
      }),
    })
    .end('not now');
}

async function pass(target: string, incoming: IncomingMessage, body: Buffer) {
  const { method, url = '/', headers } = incoming;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = forward(new URL(url, target), { method, headers }, resolve);
    request.once('error', reject);
    request.end(body);
  });
  return {
    status: response.statusCode ?? 0,
    headers: response.headers,
    body: await bytesOf(response),
  };
}

async function bytesOf(stream: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}
