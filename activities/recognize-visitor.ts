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
  /** Sets a key, or frees it, where it is this one's; else does nothing. */
  replace(key: string, owner: string, by: string | undefined): Promise<void>;
}

/**
 * For the session itself, which goes by the answer.
 * @throws whatever the store throws; safe to repeat
 */
export async function recognizeVisitor(store: VisitorStore, visit: Visit): Promise<RecognizedUser> {
  const user = await claimVisitor(store, visit);
  const { owner } = user;
  const isOther = owner.startsWith(claimBegin(visit.sessionId)) && owner !== claimOf(visit);
  // Claimed by who was about to start it: its own from now on, whatever becomes of that.
  if (user.isNew && isOther && !owner.endsWith(KEPT)) {
    await store.replace(keyOf(visit), owner, owner + KEPT);
  }
  return { userId: user.userId, isNew: user.isNew };
}

/**
 * For who is about to start a session, and may find that there is one.
 * @throws whatever the store throws; safe to repeat
 */
export async function claimVisitor(
  store: VisitorStore,
  visit: Visit,
): Promise<RecognizedUser & { readonly owner: string }> {
  const owner = await store.claim(keyOf(visit), claimOf(visit));
  return { userId: visit.userId, isNew: isOwnClaim(owner, visit), owner };
}

/** Gives a user back that was claimed for this very visit, and that nobody has gone by. @throws whatever the store throws */
export async function unclaimVisitor(store: VisitorStore, visit: Visit): Promise<void> {
  await store.replace(keyOf(visit), claimOf(visit), undefined);
}

function keyOf({ project, userId }: Visit): string {
  return visitorKey(project, userId);
}

/** Ends a claim that its session has gone by. The time before it reads the same. */
const KEPT = '.';

/** What a session claims its user with. */
export function claimOf({ sessionId, at }: Visit): string {
  return `${claimBegin(sessionId)}${at}`;
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
