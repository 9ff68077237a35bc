/**
 * Users whom this process has claimed for sessions of which nobody knows yet whether the claim began them: from before
 * the start until Temporal has said so, over as many tries as that takes (docs/decisions/008).
 *
 *   12:00:00  theirs, there since 11:00, gets an event of U   claims U, Temporal does not answer
 *   12:00:05  U's own session comes, in the same moment as the next try of theirs
 *
 * Whoever asks for U in between would hear that U is another session's, and count U as returning for good. So it is
 * found out first whether that claim was for nothing.
 */
import { LRUCache } from 'lru-cache';
import type { ClaimedUser } from '../../activities/recognize-visitor.ts';
import type { Actor, Opening } from '../../shared/actor.ts';
import { planOpening } from '../../shared/write.ts';
import type { Opener } from './opening.ts';

export interface ClaimsInDoubtDeps {
  readonly opener: Opener;
  /**
   * When the session certainly was there, for claims that came after that; Infinity where there is none yet.
   * @returns undefined where that is not known
   */
  readonly thereSince: (session: ClaimedUser) => Promise<number | undefined>;
}

export interface ClaimsInDoubt {
  /** For a session that is about to be started. */
  plan(actor: Actor, at: number): Promise<PlannedStart>;
}

/** One try to start a session. Where that fails nothing is told, for nobody knows whether it did. */
export interface PlannedStart {
  /** As the opener plans it; its user is left open where they are another session's, and nobody knows whether for nothing. */
  readonly opening: Opening | undefined;
  /** The session has begun by it. */
  begun(): void;
  /** There was such a session: what was claimed for it is free again, but where an earlier try may have begun it. */
  found(): Promise<void>;
}

interface Plan {
  readonly opening: Opening | undefined;
  readonly claim: ClaimedUser | undefined;
  /** An earlier try may have begun the session by the same claim. */
  readonly isTriedBefore: boolean;
}

/** One that is forgotten stays claimed. */
const CLAIMS_MAX = 50_000;
/** A user whom sessions that are there claim one after the other, each for nothing, is left open. */
const ROUNDS_MAX = 5;

export function createClaimsInDoubt({ opener, thereSince }: ClaimsInDoubtDeps): ClaimsInDoubt {
  const claims = new LRUCache<string, ClaimedUser>({ max: CLAIMS_MAX });
  const keyOf = ({ project, userId }: Omit<ClaimedUser, 'sessionId'>) => `${project} ${userId}`;

  function settled(claim: ClaimedUser): void {
    const key = keyOf(claim);
    // It may be free by now, and claimed for another one.
    if (claims.get(key)?.sessionId === claim.sessionId) claims.delete(key);
  }

  /**
   * Finds out what a user was claimed for, and frees what was claimed for nothing.
   * @returns `later` where there is no such session yet: the start that is under way, or the next one, begins it by its claim
   */
  async function settle(claim: ClaimedUser): Promise<'settled' | 'later' | 'unknown'> {
    const since = await thereSince(claim);
    if (since === undefined) return 'unknown';
    if (since === Infinity) return 'later';
    await opener.dropEarlier(claim, since);
    settled(claim);
    return 'settled';
  }

  /** What a plan claims is known before anything else happens: the store has told others of it by now. */
  function noted(actor: Actor, opening: Opening | undefined): Plan {
    const user = opening?.user;
    if (user?.isNew !== true) return { opening, claim: undefined, isTriedBefore: false };
    const { project, sessionId } = actor;
    const claim = { project, sessionId, userId: user.userId };
    const isTriedBefore = claims.get(keyOf(claim))?.sessionId === sessionId;
    claims.set(keyOf(claim), claim);
    return { opening, claim, isTriedBefore };
  }

  async function planned(actor: Actor, at: number): Promise<Plan> {
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      const plan = noted(actor, await opener.plan(actor, at));
      const user = plan.opening?.user;
      if (user?.isNew !== false) return plan;
      const other = claims.get(keyOf({ project: actor.project, userId: user.userId }));
      const outcome = other && (await settle(other));
      if (outcome === undefined || outcome === 'later') return plan;
      if (outcome === 'unknown') break;
    }
    // The session asks by itself.
    return noted(actor, planOpening(actor, undefined, at));
  }

  return {
    async plan(actor, at) {
      const { opening, claim, isTriedBefore } = await planned(actor, at);
      return {
        opening,
        begun() {
          if (claim !== undefined) settled(claim);
        },
        async found() {
          await opener.drop(actor, at);
          if (claim === undefined) return;
          if (isTriedBefore) await settle(claim);
          else settled(claim);
        },
      };
    },
  };
}
