/**
 * The first write of a session that may be new, worked out before its workflow is started and handed over
 * with the start, so that the write needs no activity (docs/decisions/017). Where it cannot be worked out,
 * the session does it itself.
 */
import type { Visitors } from '../../activities/visitors.ts';
import type { Actor, Opening } from '../../shared/actor.ts';
import { planOpening } from '../../shared/write.ts';

/**
 * @param actor as the session's workflow will open it
 * @param at epoch milliseconds, the session's time of birth
 * @returns undefined where the session does not write at once, or has to find out about its user itself
 */
export type Opener = (actor: Actor, at: number) => Promise<Opening | undefined>;

/** @param visitors without it, sessions with a user find out about that themselves */
export function createOpener(visitors: Visitors | undefined): Opener {
  return async (actor, at) => {
    const userId = actor.state.attributes.get('userId')?.value;
    if (userId === undefined) return planOpening(actor, undefined, at);
    if (visitors === undefined) return undefined;
    const { project, sessionId, visitorsSince: since } = actor;
    const visit = { project, sessionId, userId, at, ...(since !== undefined && { since }) };
    return planOpening(actor, await visitors.recognizeNow(visit), at);
  };
}
