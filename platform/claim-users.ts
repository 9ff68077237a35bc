/** Users of very many sessions claimed at once, as `createVisitorStore` claims one (docs/decisions/008). */
import type { Redis } from 'ioredis';
import { claimOf, isOwnClaim, visitorKey } from '../activities/recognize-visitor.ts';
import { onMaster } from './redis.ts';
import type { RecognizedUser, Visit } from '../shared/actor.ts';

/** Claims the users of sessions in their order. Safe to repeat. @throws what Redis throws */
export type ClaimUsers = (visits: readonly Visit[]) => Promise<readonly RecognizedUser[]>;

/** One call; a server that others use as well has a turn between two. */
const AT_ONCE = 500;

/** What was claimed for a start can be given back at any moment: so nothing may come between the two commands of a user, and nothing comes into a script. */
export function createClaimUsers(redis: Redis): ClaimUsers {
  return async (visits) => {
    const users: RecognizedUser[] = [];
    for (let from = 0; from < visits.length; from += AT_ONCE) {
      users.push(...(await claimSome(redis, visits.slice(from, from + AT_ONCE))));
    }
    return users;
  };
}

const CLAIM = `
  local owners = {}
  for n, key in ipairs(KEYS) do
    redis.call('SET', key, ARGV[n], 'NX')
    owners[n] = redis.call('GET', key)
  end
  return owners`;

async function claimSome(redis: Redis, visits: readonly Visit[]): Promise<RecognizedUser[]> {
  const keys = visits.map(({ project, userId }) => visitorKey(project, userId));
  const owners = await onMaster(redis, () =>
    redis.eval(CLAIM, keys.length, ...keys, ...visits.map(claimOf)),
  );
  return visits.map((visit, n) => {
    const owner = (owners as readonly unknown[])[n];
    if (typeof owner !== 'string') throw new Error('redis forgot a key that was just set');
    return { userId: visit.userId, isNew: isOwnClaim(owner, visit) };
  });
}
