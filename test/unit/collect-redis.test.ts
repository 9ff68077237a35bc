/** The collector where Redis fails over, and the old master goes on to answer, as a replica. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'chai';
import type { Redis } from 'ioredis';
import type { CollectConfig } from '../../collect/run.ts';
import { troublesOf } from '../../collect/troubles.ts';
import { createVisitorHashes } from '../../collect/visitor-hashes.ts';
import { createVisitorSessions } from '../../collect/visitor-sessions.ts';
import { loadConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import type { Nats } from '../../platform/nats.ts';
import { connectRedis } from '../../platform/redis.ts';
import { eventually } from '../support/eventually.ts';

const READONLY = "-READONLY You can't write against a read only replica.\r\n";
const OK = '+OK\r\n';
const SALT = '$4\r\nsalt\r\n';
const INFO = 'redis_version:7.4.0\r\nloading:0\r\n';

/** What a connection to a replica, or to a master, is answered. A replica takes no writes, be they in a script. */
function answer(command: string, { isMaster, inTransaction }: Talk): string {
  switch (command) {
    case 'info':
      return `$${INFO.length}\r\n${INFO}\r\n`;
    case 'ping':
      return '+PONG\r\n';
    case 'eval':
    case 'evalsha':
      return isMaster ? '*1\r\n$2\r\n17\r\n' : READONLY;
    case 'set':
      if (!isMaster) return READONLY;
      return inTransaction ? '+QUEUED\r\n' : OK;
    case 'get':
      return '+QUEUED\r\n';
    case 'exec':
      return isMaster ? `*3\r\n${OK}${SALT}${SALT}` : '-EXECABORT Transaction discarded.\r\n';
    default:
      return OK;
  }
}

interface Talk {
  readonly isMaster: boolean;
  readonly inTransaction: boolean;
}

/** Names of commands, in lower case, of what a client sends in one go. */
function commandsOf(chunk: Buffer): readonly string[] {
  return Array.from(chunk.toString().matchAll(/\*\d+\r\n\$\d+\r\n(\w+)\r\n/g), ([, name = '']) =>
    name.toLowerCase(),
  );
}

describe('the collector, where Redis fails over', () => {
  let server: Server;
  let redis: Redis;
  let config: CollectConfig;
  const sockets = new Set<Socket>();
  let isMoved = false;

  beforeEach(async () => {
    isMoved = false;
    server = createServer((socket) => {
      // An open connection stays with whom it leads to.
      const isMaster = isMoved;
      let inTransaction = false;
      sockets.add(socket);
      socket.on('error', () => sockets.delete(socket));
      socket.on('data', (chunk) => {
        for (const command of commandsOf(chunk)) {
          socket.write(answer(command, { isMaster, inTransaction }));
          if (command === 'multi') inTransaction = true;
          if (command === 'exec') inTransaction = false;
        }
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    config = {
      ...loadConfig({}),
      NATS_URL: 'nats://127.0.0.1:1',
      REDIS_URL: `redis://127.0.0.1:${port}`,
    };
    redis = connectRedis(config, silentLog);
    await redis.ping();
    isMoved = true;
  });

  afterEach(async () => {
    redis.disconnect();
    for (const socket of sockets) socket.destroy();
    sockets.clear();
    await new Promise((resolve) => server.close(resolve));
  });

  /** Each answer is the replica's or the master's; the former once only, as the connection is made anew after it. */
  const movesOn = async (ask: () => Promise<unknown>) => {
    const refusal = await ask().then(
      () => undefined,
      (error: unknown) => String((error as Error).cause ?? error),
    );
    expect(refusal).to.match(/READONLY|EXECABORT/);
    await eventually(ask, { withinMs: 3_000, everyMs: 50 });
  };

  it('finds sessions of visitors at the new master', async () => {
    const sessions = createVisitorSessions(redis, { idleMs: 1_000 });
    const events = { visitor: 'v', events: [{ id: 'e', begins: true }], now: 7 };
    await movesOn(() => sessions.sessionsOf(events));
  });

  it('finds salts there', async () => {
    const hashes = createVisitorHashes(redis);
    await movesOn(() => hashes.of(['192.0.2.1'], Date.UTC(2026, 10, 29)));
  });

  it('is not ready before, and looks for the master by itself', async () => {
    const jsm = {
      streams: { info: () => Promise.reject(new Error('not of interest')) },
    } as unknown as Nats['jsm'];
    const ofRedis = async () =>
      (await troublesOf(true, { jsm }, redis, config)).filter((one) => one.startsWith('Redis'));
    expect((await ofRedis()).join()).to.contain('READONLY');
    await eventually(
      async () => {
        expect(await ofRedis()).to.deep.equal([]);
      },
      { withinMs: 3_000, everyMs: 50 },
    );
  });
});
