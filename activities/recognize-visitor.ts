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
export async function recognizeVisitor(
  store: VisitorStore,
  { project, sessionId, userId, at, since = 0, identity }: Visit,
): Promise<RecognizedUser> {
  const claim = `${shortHash(sessionId)}@`;
  const owner = await store.claim(visitorKey(project, userId), `${claim}${at}`);
  const isOwn = owner.startsWith(claim) && Number(owner.slice(claim.length)) >= since;
  return { userId, isNew: isOwn || owner === identity };
}

/** Hashed: keys stay short, and a dump of them names nobody. */
export function visitorKey(project: string, userId: string): string {
  return `visitor:${project}:${shortHash(userId)}`;
}

function shortHash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}
