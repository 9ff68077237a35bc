/** Users of very many sessions claimed at once, as `createVisitorStore` claims one (docs/decisions/008). */
import type { Redis } from 'ioredis';
import { claimOf, isOwnClaim, visitorKey } from '../activities/recognize-visitor.ts';
import type { RecognizedUser, Visit } from '../shared/actor.ts';

/** Claims the users of sessions in their order. Safe to repeat. @throws what Redis throws */
export type ClaimUsers = (visits: readonly Visit[]) => Promise<readonly RecognizedUser[]>;

/** One round trip; a server that others use as well has a turn between two. */
const AT_ONCE = 500;

/** What was claimed for a start can be given back at any moment: so nothing may come between the two commands of a user. */
export function createClaimUsers(redis: Redis): ClaimUsers {
  return async (visits) => {
    const users: RecognizedUser[] = [];
    for (let from = 0; from < visits.length; from += AT_ONCE) {
      users.push(...(await claimSome(redis, visits.slice(from, from + AT_ONCE))));
    }
    return users;
  };
}

async function claimSome(redis: Redis, visits: readonly Visit[]): Promise<RecognizedUser[]> {
  const commands = redis.multi();
  for (const visit of visits) {
    const key = visitorKey(visit.project, visit.userId);
    commands.set(key, claimOf(visit), 'NX').get(key);
  }
  const results = (await commands.exec()) ?? [];
  return visits.map((visit, n) => {
    const [setError] = results[2 * n] ?? [];
    const [getError, owner] = results[2 * n + 1] ?? [];
    const error = setError ?? getError;
    if (error) throw error;
    if (typeof owner !== 'string') throw new Error('redis forgot a key that was just set');
    return { userId: visit.userId, isNew: isOwnClaim(owner, visit) };
  });
}
