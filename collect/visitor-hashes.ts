/**
 * Visitors of trackers without any id: a hash of address and user agent with a random salt of the day. The address is
 * used for nothing else and kept nowhere. When the salt is gone, nobody can find out any more which hash an address
 * had. Salts lie in Redis until the day after theirs is over: several processes share them, and a visit across
 * midnight stays one.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { NotNowError } from './outlet.ts';

export interface VisitorHashes {
  /**
   * Under the salt of today, and under yesterday's where it is still there.
   * @param parts of the request: address, user agent, and what tells sites apart
   * @throws NotNowError where Redis does not answer
   */
  of(
    parts: readonly string[],
    now: number,
  ): Promise<{ readonly today: string; readonly yesterday: string | undefined }>;
}

const DAY_MS = 86_400_000;

export function createVisitorHashes(redis: Redis): VisitorHashes {
  let day = -1;
  let salts: Promise<readonly [today: string, yesterday: string | undefined]> | undefined;

  async function read(of: number, now: number): Promise<readonly [string, string | undefined]> {
    const key = keyOf(of);
    const leftMs = (of + 2) * DAY_MS - now;
    // What another process was quicker to make is the one.
    const outcomes = await redis
      .multi()
      .set(key, randomBytes(16).toString('base64url'), 'PX', leftMs, 'NX')
      .get(key)
      .get(keyOf(of - 1))
      .exec();
    const [, today, yesterday] = (outcomes ?? []).map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    });
    if (typeof today !== 'string') throw new Error('redis forgot a key that was just set');
    return [today, typeof yesterday === 'string' ? yesterday : undefined];
  }

  return {
    async of(parts, now) {
      const today = Math.floor(now / DAY_MS);
      if (salts === undefined || today !== day) {
        day = today;
        const reading = read(today, now);
        salts = reading;
        reading.catch(() => {
          if (salts === reading) salts = undefined;
        });
      }
      const [salt, before] = await salts.catch((error: unknown) => {
        throw new NotNowError('redis', 'Redis does not answer', { cause: error });
      });
      return {
        today: hashOf(salt, parts),
        yesterday: before === undefined ? undefined : hashOf(before, parts),
      };
    },
  };
}

function keyOf(day: number): string {
  return `collect:salt:${new Date(day * DAY_MS).toISOString().slice(0, 10)}`;
}

function hashOf(salt: string, parts: readonly string[]): string {
  return createHmac('sha256', salt).update(parts.join('\n')).digest('base64url').slice(0, 22);
}
