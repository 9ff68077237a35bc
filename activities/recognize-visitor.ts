/**
 * Whether a session is the first of its user in the project: the first session to ask keeps the key.
 * Asking again, after a crash or a lost reply, gives the same answer, whoever asks for the session: who
 * starts it, before it has a run, or an activity of it.
 */
import { hash } from 'node:crypto';
import type { RecognizedUser, Visit } from '../shared/actor.ts';

/** What is needed of Redis. */
export interface VisitorStore {
  /** Sets a key where it is free, and says whose it is then. */
  claim(key: string, owner: string): Promise<string>;
  /** Whose a key is; undefined where it is free. */
  ownerOf(key: string): Promise<string | undefined>;
  /** Sets a key, or frees it, where it is this one's. @returns whether it was */
  replace(key: string, owner: string, by: string | undefined): Promise<boolean>;
}

/** Whom somebody has claimed, and for which session. */
export type ClaimedUser = Pick<Visit, 'project' | 'sessionId' | 'userId'>;

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
  return ask(store, visit, tryOf(visit, by), by);
}

/**
 * Gives a user back that was claimed for a start, where that found the session there, and nobody has gone by the claim.
 * @param visit as it was claimed with; that of an earlier try stays: it may have begun the session
 * @param by as it was claimed with
 * @throws whatever the store throws
 */
export async function unclaimVisitor(store: VisitorStore, visit: Visit, by: string): Promise<void> {
  await store.replace(keyOf(visit), tryOf(visit, by), undefined);
}

/**
 * Gives a user back that was claimed for a start by tries whose outcome nobody knows, where these were for nothing.
 * @param by as it was claimed with
 * @param thereSince when the session certainly was there, by the clock of who claims: what was claimed after that was
 *   for nothing
 * @throws whatever the store throws
 */
export async function unclaimEarlier(
  store: VisitorStore,
  user: ClaimedUser,
  by: string,
  thereSince: number,
): Promise<void> {
  const key = keyOf(user);
  const owner = await store.ownerOf(key);
  if (owner === undefined || !isTryBy(owner, user, by)) return;
  if (claimedAt(owner, user) > thereSince) await store.replace(key, owner, undefined);
}

/**
 * Who goes by the claim of another try to start the session marks it first: that one may fail, and give it back. An
 * earlier try of one's own is left as it is: nobody else gives it back, and its time tells whether it can have begun
 * the session.
 * @param by of who is about to start the session
 */
async function ask(
  store: VisitorStore,
  visit: Visit,
  claim: string,
  by?: string,
): Promise<RecognizedUser> {
  const key = keyOf(visit);
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const owner = await store.claim(key, claim);
    const user = { userId: visit.userId, isNew: isOwnClaim(owner, visit) };
    const isOfTry = owner.startsWith(claimBegin(visit.sessionId)) && !owner.endsWith(KEPT);
    const isOwnTry = by !== undefined && isTryBy(owner, visit, by);
    if (!user.isNew || !isOfTry || isOwnTry || owner === claim) return user;
    if (await store.replace(key, owner, kept(owner))) return user;
  }
  throw new Error('a user is claimed and given back all the time');
}

function keyOf({ project, userId }: ClaimedUser): string {
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

function isTryBy(owner: string, { sessionId }: ClaimedUser, by: string): boolean {
  return owner.startsWith(claimBegin(sessionId)) && owner.endsWith(`.${by}`);
}

/** To the millisecond: what is behind the dot is no time. @param owner begins as the claims of this session do */
function claimedAt(owner: string, { sessionId }: ClaimedUser): number {
  return Number.parseInt(owner.slice(claimBegin(sessionId).length), 10);
}

/** Whether a user is this session's. @param owner what Redis has under the key of the user */
export function isOwnClaim(owner: string, visit: Visit): boolean {
  const { sessionId, since = 0, identity } = visit;
  const isOwn = owner.startsWith(claimBegin(sessionId)) && claimedAt(owner, visit) >= since;
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
  return hash('sha256', text, 'base64url').slice(0, 22);
}
