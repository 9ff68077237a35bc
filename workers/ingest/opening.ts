/**
 * The first write of a session that may be new, worked out before its workflow is started and handed over
 * with the start, so that the write needs no activity (docs/decisions/017). Where it cannot be worked out,
 * the session does it itself.
 */
import type { ClaimedUser } from '../../activities/recognize-visitor.ts';
import type { Visitors } from '../../activities/visitors.ts';
import type { Actor, Opening, Visit } from '../../shared/actor.ts';
import { nextStep } from '../../shared/next-step.ts';
import { planOpening } from '../../shared/write.ts';

/**
 * Of a session as its workflow will open it.
 * @param at epoch milliseconds, the session's time of birth
 */
export interface Opener {
  /** @returns undefined where the session does not write at once, or has to find out about its user itself */
  plan(actor: Actor, at: number): Promise<Opening | undefined>;
  /** There was such a session already: what was claimed for its user is free again, since it may have another one. */
  drop(actor: Actor, at: number): Promise<void>;
  /**
   * What earlier tries have claimed is free again, where that was for nothing.
   * @param thereSince when the session certainly was there
   */
  dropEarlier(user: ClaimedUser, thereSince: number): Promise<void>;
}

/** @param visitors without it, sessions with a user find out about that themselves */
export function createOpener(visitors: Visitors | undefined): Opener {
  return {
    async plan(actor, at) {
      const visit = visitOf(actor, at);
      if (visit === undefined) return planOpening(actor, undefined, at);
      if (visitors === undefined) return undefined;
      return planOpening(actor, await visitors.claimNow(visit), at);
    },
    async drop(actor, at) {
      const visit = visitOf(actor, at);
      if (visit !== undefined) await visitors?.unclaim(visit);
    },
    async dropEarlier(user, thereSince) {
      await visitors?.unclaimEarlier(user, thereSince);
    },
  };
}

/** @returns undefined where nobody is to be asked: without a user, and where nothing is written that would say who it is */
function visitOf(actor: Actor, at: number): Visit | undefined {
  const userId = actor.state.attributes.get('userId')?.value;
  if (userId === undefined || nextStep(actor, at).do !== 'write') return undefined;
  const { project, sessionId, visitorsSince: since } = actor;
  return { project, sessionId, userId, at, ...(since !== undefined && { since }) };
}
