/**
 * A TCP proxy in front of one server, which does to connections what networks do:
 *
 * - `pass`: nothing.
 * - `cut`: resets what is open and whatever comes.
 * - `delay`: holds everything back for a while, in both directions and in order.
 * - `halfOpen`: takes connections and bytes and never answers. What it took stays dead after it, as
 *   after a firewall has forgotten a connection: only the client's own patience ends it.
 * - `dropReply`: the request goes through, the reply does not; then the connection is reset.
 */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { intBetween, type Random } from './random.ts';

export const NETWORK_FAULTS = ['cut', 'delay', 'halfOpen', 'dropReply'] as const;
export type NetworkFault = (typeof NETWORK_FAULTS)[number];
export type ProxyMode = 'pass' | NetworkFault;

export interface FaultProxy {
  readonly port: number;
  /** Connections that each fault has hit. */
  readonly hits: Readonly<Record<NetworkFault, number>>;
  readonly connections: number;
  /**
   * From now on, for open connections and new ones.
   * @param only what the first piece of an HTTP request says whose reply is dropped; those of others pass
   */
  set(mode: ProxyMode, only?: string): void;
  close(): Promise<void>;
}

const DELAY_MS = { min: 100, max: 1_500 } as const;
const RESET_AFTER_MS = { min: 0, max: 300 } as const;
/** How an HTTP request begins; one goes over a connection at a time. */
const REQUEST = /^(?:GET|POST) /;

/** @param target port on 127.0.0.1; nobody needs to listen on it yet */
export async function startFaultProxy(target: number, random: Random): Promise<FaultProxy> {
  const links = new Set<Link>();
  const hits = { cut: 0, delay: 0, halfOpen: 0, dropReply: 0 };
  let mode: ProxyMode = 'pass';
  let only: string | undefined;

  const apply = (link: Link) => {
    if (link.isDead) return;
    if (mode !== 'pass') hits[mode] += 1;
    link.delayMs = mode === 'delay' ? intBetween(random, DELAY_MS.min, DELAY_MS.max) : 0;
    link.dropsReplies = mode === 'dropReply' && only === undefined;
    link.dropsRepliesTo = mode === 'dropReply' ? only : undefined;
    if (mode === 'cut') link.reset();
    if (mode === 'halfOpen') link.isDead = true;
  };

  const server = createServer({ noDelay: true }, (client) => {
    const link = createLink(client, target, random);
    links.add(link);
    client.once('close', () => links.delete(link));
    apply(link);
  });
  const port = await listen(server);
  return {
    port,
    hits,
    get connections() {
      return links.size;
    },
    set(next, requests) {
      mode = next;
      only = requests;
      for (const link of links) apply(link);
    },
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => {
          resolve();
        });
      });
      for (const link of links) link.reset();
      await closed;
    },
  };
}

interface Link {
  delayMs: number;
  dropsReplies: boolean;
  dropsRepliesTo: string | undefined;
  /** Swallows everything, for ever. */
  isDead: boolean;
  reset(): void;
}

function createLink(client: Socket, target: number, random: Random): Link {
  const upstream = connect({ port: target, host: '127.0.0.1', noDelay: true });
  let resetTimer: NodeJS.Timeout | undefined;
  const link: Link = {
    delayMs: 0,
    dropsReplies: false,
    dropsRepliesTo: undefined,
    isDead: false,
    reset() {
      clearTimeout(resetTimer);
      client.resetAndDestroy();
      upstream.resetAndDestroy();
    },
  };
  const resetSoon = () => {
    const afterMs = intBetween(random, RESET_AFTER_MS.min, RESET_AFTER_MS.max);
    resetTimer ??= setTimeout(() => {
      link.reset();
    }, afterMs);
  };
  const toServer = createLane(upstream, link);
  const toClient = createLane(client, link);

  client.on('data', (chunk) => {
    if (link.dropsRepliesTo !== undefined && REQUEST.test(chunk.toString('latin1', 0, 8))) {
      link.dropsReplies = chunk.includes(link.dropsRepliesTo);
    }
    if (!link.isDead) toServer.send(chunk);
  });
  upstream.on('data', (chunk) => {
    if (link.isDead) return;
    if (link.dropsReplies) resetSoon();
    else toClient.send(chunk);
  });
  // An end of one side is an end of the other, unless nobody is there any more to tell.
  client.on('end', () => {
    if (link.isDead) upstream.destroy();
    else toServer.end();
  });
  upstream.on('end', () => {
    if (!link.isDead) toClient.end();
  });
  client.on('error', () => {
    if (link.isDead) upstream.destroy();
    else link.reset();
  });
  upstream.on('error', () => {
    if (!link.isDead) link.reset();
  });
  client.on('close', () => {
    clearTimeout(resetTimer);
    upstream.end();
  });
  return link;
}

interface Lane {
  send(chunk: Buffer): void;
  end(): void;
}

/** One direction: what is held back leaves in the order it came. */
function createLane(to: Socket, link: Link): Lane {
  const held: (Buffer | 'end')[] = [];
  const forward = (item: Buffer | 'end') => {
    if (to.destroyed || link.isDead) return;
    if (item === 'end') to.end();
    else to.write(item);
  };
  const put = (item: Buffer | 'end') => {
    if (link.delayMs === 0 && held.length === 0) {
      forward(item);
      return;
    }
    held.push(item);
    setTimeout(() => {
      const first = held.shift();
      if (first !== undefined) forward(first);
    }, link.delayMs);
  };
  return {
    send: put,
    end: () => {
      put('end');
    },
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      if (address !== null && typeof address === 'object') resolve(address.port);
      else reject(new Error('the proxy has no port'));
    });
  });
}
