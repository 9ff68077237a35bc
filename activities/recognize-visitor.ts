/**
 * Whether a session is the first of its user in the project: the first session to ask keeps the key.
 * Asking again, after a crash or a lost reply, gives the same answer.
 */
import { createHash } from 'node:crypto';
import type { RecognizedUser } from '../shared/actor.ts';

/** What is needed of Redis. */
export interface VisitorStore {
  /** Sets a key where it is free, and says whose it is then. */
  claim(key: string, owner: string): Promise<string>;
}

export interface Visit {
  readonly project: string;
  readonly userId: string;
  /** First run of the session. */
  readonly identity: string;
}

/** @throws whatever the store throws; safe to repeat */
export async function recognizeVisitor(
  store: VisitorStore,
  { project, userId, identity }: Visit,
): Promise<RecognizedUser> {
  const owner = await store.claim(visitorKey(project, userId), identity);
  return { userId, isNew: owner === identity };
}

/** Hashed: keys stay short, and a dump of them names nobody. */
export function visitorKey(project: string, userId: string): string {
  const hash = createHash('sha256').update(userId).digest('base64url').slice(0, 22);
  return `visitor:${project}:${hash}`;
}
