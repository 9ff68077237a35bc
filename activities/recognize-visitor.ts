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
}

/** @throws whatever the store throws; safe to repeat */
export async function recognizeVisitor(store: VisitorStore, visit: Visit): Promise<RecognizedUser> {
  const { project, userId } = visit;
  const owner = await store.claim(visitorKey(project, userId), claimOf(visit));
  return { userId, isNew: isOwnClaim(owner, visit) };
}

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
