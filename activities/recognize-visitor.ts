/**
 * Whether a session is the first of its user in the project: the first session to ask keeps the key.
 * Asking again, after a crash or a lost reply, gives the same answer, whoever asks for the session: who
 * starts it, before it has a run, or an activity of it.
 */
import { createHash } from 'node:crypto';
import type { RecognizedUser, Visit } from '../shared/actor.ts';

/** What is needed of Redis. */
export interface VisitorStore {
  /** Sets a key where it is free, and says whose it is then. */
  claim(key: string, owner: string): Promise<string>;
  /** Sets a key, or frees it, where it is this one's. @returns whether it was */
  replace(key: string, owner: string, by: string | undefined): Promise<boolean>;
}

/** A claim is freed, or gone by, by who else starts that session: more than a few times is no race. */
const ROUNDS_MAX = 10;

/**
 * For the session itself, which goes by the answer.
 * @throws whatever the store throws; safe to repeat
 */
export function recognizeVisitor(store: VisitorStore, visit: Visit): Promise<RecognizedUser> {
  return ask(store, visit, claimOf(visit));
}

/**
 * For who is about to start a session, and may find that there is one.
 * @param by digits that nobody else has who starts sessions
 * @throws whatever the store throws; safe to repeat
 */
export function claimVisitor(
  store: VisitorStore,
  visit: Visit,
  by: string,
): Promise<RecognizedUser> {
  return ask(store, visit, tryOf(visit, by));
}

/** Gives a user back that was claimed for this very start, and that nobody has gone by. @throws whatever the store throws */
export async function unclaimVisitor(store: VisitorStore, visit: Visit, by: string): Promise<void> {
  await store.replace(keyOf(visit), tryOf(visit, by), undefined);
}

/** Who goes by the claim of another try to start the session marks it first: that one may fail, and give it back. */
async function ask(store: VisitorStore, visit: Visit, claim: string): Promise<RecognizedUser> {
  const key = keyOf(visit);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const owner = await store.claim(key, claim);
    const user = { userId: visit.userId, isNew: isOwnClaim(owner, visit) };
    const isOfTry = owner.startsWith(claimBegin(visit.sessionId)) && !owner.endsWith(KEPT);
    if (!user.isNew || !isOfTry || owner === claim) return user;
    if (await store.replace(key, owner, kept(owner))) return user;
  }
  throw new Error('a user is claimed and given back all the time');
}

function keyOf({ project, userId }: Visit): string {
  return visitorKey(project, userId);
}

/** Ends a claim that its session has gone by, in place of who made it. The time before it reads the same. */
const KEPT = '.';

function kept(owner: string): string {
  const [claim = ''] = owner.split('.');
  return claim + KEPT;
}

/** What a session claims its user with. */
export function claimOf({ sessionId, at }: Visit): string {
  return `${claimBegin(sessionId)}${at}`;
}

/** What is claimed for a start, and can be given back: as a part of the time's millisecond it reads as the same time. */
function tryOf(visit: Visit, by: string): string {
  return `${claimOf(visit)}.${by}`;
}

/** Whether a user is this session's. @param owner what Redis has under the key of the user */
export function isOwnClaim(owner: string, { sessionId, since = 0, identity }: Visit): boolean {
  const claim = claimBegin(sessionId);
  const isOwn = owner.startsWith(claim) && Number(owner.slice(claim.length)) >= since;
  return isOwn || owner === identity;
}

/** How the claims of a session begin. */
export function claimBegin(sessionId: string): string {
  return `${shortHash(sessionId)}@`;
}

/** Hashed: keys stay short, and a dump of them names nobody. */
export function visitorKey(project: string, userId: string): string {
  return `visitor:${project}:${shortHash(userId)}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
