/** Redis: who has been here before. */
import { readFileSync } from 'node:fs';
import { Redis } from 'ioredis';
import type { VisitorStore } from '../activities/recognize-visitor.ts';
import { toError } from '../shared/errors.ts';
import type { Config } from './config.ts';
import type { Logger } from './log.ts';

/** Connects in the background; a command fails after 2 s rather than wait for a server that is away. */
export function connectRedis(config: Config & { readonly REDIS_URL: string }, log: Logger): Redis {
  const redis = new Redis(config.REDIS_URL, {
    commandTimeout: 2_000,
    connectTimeout: 2_000,
    maxRetriesPerRequest: 1,
    // A connection that a firewall has forgotten takes commands for ever and answers none.
    socketTimeout: 5_000,
    retryStrategy: (attempt) => Math.min(attempt * 100, 2_000),
    ...(config.REDIS_TLS_CA !== undefined && { tls: { ca: readFileSync(config.REDIS_TLS_CA) } }),
  });
  let away = false;
  redis.on('error', (error: Error) => {
    if (!away) log.warn({ err: error }, 'redis connection lost');
    away = true;
  });
  redis.on('ready', () => {
    if (away) log.info('redis connection is back');
    away = false;
  });
  return redis;
}

/** A server that is no master any more, or not ready yet: another connection may lead to one that is. */
const ELSEWHERE = /\b(READONLY|LOADING|MASTERDOWN|NOREPLICAS|EXECABORT|MISCONF)\b/;
/** Between two connections made anew for that. */
const LOOK_ELSEWHERE_MS = 1_000;

/** The visitor store on Redis. SET NX, then GET: Redis 6.2 has no SET with both NX and GET. */
export function createVisitorStore(redis: Redis): VisitorStore {
  let lookedAt = 0;
  // The client's own `reconnectOnError` does not see what a transaction hides in EXECABORT.
  const lookElsewhere = (error: unknown): never => {
    if (ELSEWHERE.test(String(error)) && Date.now() - lookedAt >= LOOK_ELSEWHERE_MS) {
      lookedAt = Date.now();
      redis.disconnect(true);
    }
    throw toError(error);
  };
  return {
    async claim(key, owner) {
      const results = await redis
        .multi()
        .set(key, owner, 'NX')
        .get(key)
        .exec()
        .catch(lookElsewhere);
      for (const [error] of results ?? []) if (error) lookElsewhere(error);
      const value = results?.[1]?.[1];
      if (typeof value !== 'string') throw new Error('redis forgot a key that was just set');
      return value;
    },
  };
}
