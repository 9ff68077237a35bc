/** What Redis has of a person: hashes by which it is known again. */
import type { Redis } from 'ioredis';
import { claimBegin, visitorKey as userKey } from '../activities/recognize-visitor.ts';
import { sessionKeysOf } from '../collect/visitor-sessions.ts';
import type { PersonIds } from '../shared/pseudonyms.ts';

/** In the place of a session that is forgotten: no session is called so, and a user who had one is not new again. */
const NOBODY = '-@0';

export interface KeysOf {
  /** Who is forgotten: known again as new. */
  readonly person: PersonIds;
  /** Users who stay: their first session may be one that goes. */
  readonly users: readonly string[];
}

/** @returns how many keys went or were changed. @throws what Redis throws; safe to repeat */
export async function forgetKeys(
  redis: Redis,
  project: string,
  { person, users }: KeysOf,
  isDryRun: boolean,
): Promise<number> {
  const gone = [
    ...[...person.user].map((id) => userKey(project, id)),
    ...[...person.user, ...person.visitor].flatMap((id) => sessionKeysOf(project, id)),
  ];
  let count = gone.length === 0 ? 0 : await redis.exists(gone);
  if (!isDryRun && count > 0) await redis.del(gone);
  const claims = [...person.session].map(claimBegin);
  for (const id of users) {
    if (person.user.has(id)) continue;
    const key = userKey(project, id);
    const owner = await redis.get(key);
    if (owner === null || !claims.some((claim) => owner.startsWith(claim))) continue;
    count += 1;
    if (!isDryRun) await redis.set(key, NOBODY, 'XX');
  }
  return count;
}
