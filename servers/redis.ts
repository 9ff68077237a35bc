/** A Redis server for one machine. Its password is in a file that only the user can read. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { launch, untilReady, type RunningServer } from './guard.ts';

export interface RedisServer extends RunningServer {
  readonly url: string;
}

export interface RedisOptions {
  readonly binary: string;
  readonly dataDir: string;
  readonly port: number;
  readonly password: string;
  readonly log: Logger;
}

const READY_TIMEOUT_MS = 60_000;

export async function startRedis(options: RedisOptions): Promise<RedisServer> {
  const { binary, dataDir, port, password, log } = options;
  mkdirSync(join(dataDir, 'redis'), { recursive: true });
  const configFile = join(dataDir, 'redis.conf');
  rmSync(configFile, { force: true });
  writeFileSync(configFile, redisConfig(options), { mode: 0o600 });
  const server = await launch({ name: 'redis', file: binary, args: [configFile], dataDir, log });
  await untilReady(server, () => answers(port, password), { timeoutMs: READY_TIMEOUT_MS });
  return Object.assign(server, {
    url: `redis://:${encodeURIComponent(password)}@127.0.0.1:${port}`,
  });
}

function redisConfig({ dataDir, port, password }: RedisOptions): string {
  return `# Written at each start.
bind 127.0.0.1
port ${port}
requirepass ${JSON.stringify(password)}
dir ${JSON.stringify(join(dataDir, 'redis'))}
appendonly yes
appendfsync everysec
save ""
daemonize no
loglevel warning
`;
}

/** True once it has read its log back: until then it answers -LOADING. */
function answers(port: number, password: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let reply = '';
    socket.setTimeout(2_000, () => socket.destroy(new Error('no reply')));
    socket.once('error', reject);
    socket.on('data', (data) => {
      reply += data.toString();
      if (reply.split('\r\n').length < 3) return;
      socket.destroy();
      resolve(reply.endsWith('+PONG\r\n'));
    });
    socket.write(`AUTH ${password}\r\nPING\r\n`);
  });
}
