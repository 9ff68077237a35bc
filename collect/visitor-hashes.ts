/**
 * Visitors of trackers without any id: a hash of address and user agent with a random salt of the day. The address is
 * used for nothing else and kept nowhere. When the salt is gone, nobody can find out any more which hash an address
 * had. Salts lie in Redis until the day after theirs is over: several processes share them, and a visit across
 * midnight stays one. Each minute a process offers Redis those it goes by, and goes by what Redis has then: where Redis
 * has lost them all processes go by one again.
 */
import { createHmac, randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import { onMaster } from '../platform/redis.ts';
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
/** For so long nobody asks Redis again. */
const KNOWN_MS = 60_000;

type Salts = readonly [today: string, yesterday: string | undefined];

export function createVisitorHashes(redis: Redis): VisitorHashes {
  let asked:
    { readonly day: number; readonly at: number; readonly salts: Promise<Salts> } | undefined;
  /** Those of today and yesterday that this process goes by: a Redis that has lost them gets them back. */
  let used: ReadonlyMap<number, string> = new Map();

  /** What another process was quicker to set is the one, for all. */
  async function ask(day: number, now: number): Promise<Salts> {
    const transaction = redis.multi();
    const offer = (of: number, salt: string) =>
      transaction.set(keyOf(of), salt, 'PX', (of + 2) * DAY_MS - now, 'NX');
    offer(day, used.get(day) ?? randomBytes(16).toString('base64url'));
    const before = used.get(day - 1);
    if (before !== undefined) offer(day - 1, before);
    const outcomes = await transaction
      .get(keyOf(day))
      .get(keyOf(day - 1))
      .exec();
    const values = (outcomes ?? []).map(([error, value]) => {
      if (error !== null) throw error;
      return value;
    });
    const [today, yesterday] = values.slice(-2);
    if (typeof today !== 'string') throw new Error('redis forgot a key that was just set');
    if (typeof yesterday !== 'string') {
      used = new Map([[day, today]]);
      return [today, undefined];
    }
    used = new Map([
      [day - 1, yesterday],
      [day, today],
    ]);
    return [today, yesterday];
  }

  function saltsAt(now: number): Promise<Salts> {
    const day = Math.floor(now / DAY_MS);
    if (asked?.day === day && now - asked.at < KNOWN_MS) return asked.salts;
    const salts = onMaster(redis, () => ask(day, now));
    asked = { day, at: now, salts };
    salts.catch(() => {
      if (asked?.salts === salts) asked = undefined;
    });
    return salts;
  }

  return {
    async of(parts, now) {
      const [today, yesterday] = await saltsAt(now).catch((error: unknown) => {
        throw new NotNowError('redis', 'Redis does not answer', { cause: error });
      });
      return {
        today: hashOf(today, parts),
        yesterday: yesterday === undefined ? undefined : hashOf(yesterday, parts),
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
