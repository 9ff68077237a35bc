/** Redis: who has been here before. */
import { Redis } from 'ioredis';
import type { VisitorStore } from '../activities/recognize-visitor.ts';
import { toError } from '../shared/errors.ts';
import type { Config } from './config.ts';
import { faultKindOf } from './connection-fault.ts';
import type { Logger } from './log.ts';
import { watchRedis } from './redis-fault.ts';
import { readTlsFiles } from './tls-files.ts';
import { connectionFault } from './unreachable.ts';

/** Connects in the background; a command fails after 2 s rather than wait for a server that is away. */
export function connectRedis(config: Config & { readonly REDIS_URL: string }, log: Logger): Redis {
  const tls = redisTls(config);
  const redis = new Redis(config.REDIS_URL, {
    commandTimeout: 2_000,
    connectTimeout: 2_000,
    maxRetriesPerRequest: 1,
    // A connection that a firewall has forgotten takes commands for ever and answers none.
    socketTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
    ...(tls !== undefined && { tls }),
  });
  watchRedis(redis, (error) => redisFault(config, error), log);
  redis.on('error', (error: Error) => {
    lastErrors.set(redis, error);
  });
  redis.on('ready', () => {
    lastErrors.delete(redis);
  });
  return redis;
}

/** Certificates of the connection; undefined where it is plain text. */
function redisTls({ REDIS_URL, REDIS_TLS_CA, REDIS_TLS_CERT, REDIS_TLS_KEY }: Config) {
  if (REDIS_URL?.startsWith('rediss:') !== true) return undefined;
  return readTlsFiles({ ca: REDIS_TLS_CA, cert: REDIS_TLS_CERT, key: REDIS_TLS_KEY });
}

/** What is wrong with TLS or the login; undefined where it is something else. */
export function redisFault(config: Config, error: unknown) {
  return connectionFault('Redis', config.REDIS_URL ?? '', error, {
    tls: redisTls(config),
    waits: true,
  });
}

/** Of connections that are away: what their last try came to. */
const lastErrors = new WeakMap<object, Error>();

/**
 * Why a command failed. Of a connection that is away the command only says that it failed.
 * @param redis of {@link connectRedis}
 * @param error what the command threw
 */
export async function whyRedisFailed(
  config: Config,
  redis: Pick<Redis, 'status'>,
  error: unknown,
): Promise<Error> {
  // One that is there has answered, or not in time: a look at how it is reached shows nothing then.
  if (redis.status === 'ready' && faultKindOf(error) === undefined) return toError(error);
  const last = lastErrors.get(redis) ?? error;
  return (await redisFault(config, last)) ?? toError(last);
}

/** A server that is no master any more, or not ready yet: another connection may lead to one that is. */
const ELSEWHERE = /\b(READONLY|LOADING|MASTERDOWN|NOREPLICAS|EXECABORT|MISCONF)\b/;
/** Between two connections made anew for that. */
const LOOK_ELSEWHERE_MS = 1_000;

/** When each connection was last made anew for that. */
const lookedAt = new WeakMap<object, number>();

/**
 * Does what needs a master. Where the server says that it is none, the connection is made anew, for whoever tries again:
 * after a fail-over the old master may go on to answer on the old one, for ever. The client's own `reconnectOnError` does
 * not see what a transaction hides in EXECABORT.
 * @param redis the connection that `work` uses
 * @throws what `work` throws
 */
export async function onMaster<T>(
  redis: Pick<Redis, 'disconnect'>,
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const now = Date.now();
    const isDue = now - (lookedAt.get(redis) ?? -Infinity) >= LOOK_ELSEWHERE_MS;
    if (isDue && ELSEWHERE.test(String(error))) {
      lookedAt.set(redis, now);
      redis.disconnect(true);
    }
    throw toError(error);
  }
}

const REPLACE = `
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
  if ARGV[2] == '' then return redis.call('DEL', KEYS[1]) end
  redis.call('SET', KEYS[1], ARGV[2])
  return 1`;

/** The visitor store on Redis. SET NX, then GET: Redis 6.2 has no SET with both NX and GET. */
export function createVisitorStore(redis: Redis): VisitorStore {
  return {
    claim: (key, owner) =>
      onMaster(redis, async () => {
        const results = await redis.multi().set(key, owner, 'NX').get(key).exec();
        for (const [error] of results ?? []) if (error) throw error;
        const value = results?.[1]?.[1];
        if (typeof value !== 'string') throw new Error('redis forgot a key that was just set');
        return value;
      }),
    ownerOf: (key) => onMaster(redis, async () => (await redis.get(key)) ?? undefined),
    replace: (key, owner, by) =>
      onMaster(redis, async () => {
        return (await redis.eval(REPLACE, 1, key, owner, by ?? '')) === 1;
      }),
  };
}
