/**
 * The visitor store as sessions use it. Whether a user is new is the least of what they count: where the store is
 * away it is asked again later, and holds up nothing else.
 */
import { randomInt } from 'node:crypto';
import type { RecognizedUser, Visit } from '../shared/actor.ts';
import { toError } from '../shared/errors.ts';
import {
  type ClaimedUser,
  claimVisitor,
  recognizeVisitor,
  unclaimEarlier,
  unclaimVisitor,
  type VisitorStore,
} from './recognize-visitor.ts';

export interface Visitors {
  /** @returns undefined where the store is away, or was a moment ago: the session still owes its user */
  recognizeNow(visit: Visit): Promise<RecognizedUser | undefined>;
  /** @throws whatever the store throws, and where it was away a moment ago; safe to repeat */
  recognize(visit: Visit): Promise<RecognizedUser>;
  /** {@link recognizeNow} for a session that is about to be started. */
  claimNow(visit: Visit): Promise<RecognizedUser | undefined>;
  /** Where there was such a session already: what was claimed for it is free again. Where the store is away it stays. */
  unclaim(visit: Visit): Promise<void>;
  /** The same of earlier tries, as {@link unclaimEarlier} does it. */
  unclaimEarlier(user: ClaimedUser, thereSince: number): Promise<void>;
}

export interface VisitorsOptions {
  readonly now: () => number;
  /** Told once for each time that the store is left alone. */
  readonly onAway: (error: Error) => void;
}

/** A store that failed is left alone for this long, milliseconds: a write does not wait for its time-out each time. */
const STORE_AWAY_MS = 5_000;

export function createVisitors(store: VisitorStore, { now, onAway }: VisitorsOptions): Visitors {
  const by = String(randomInt(1e8, 1e9));
  let awayUntil = 0;
  async function ask<T>(question: () => Promise<T>): Promise<T> {
    try {
      return await question();
    } catch (error) {
      if (now() >= awayUntil) onAway(toError(error));
      awayUntil = now() + STORE_AWAY_MS;
      throw error;
    }
  }
  return {
    async recognize(visit) {
      // At once: thousands of sessions that wait for its time-out would take all places of a worker.
      if (now() < awayUntil) throw new Error('the visitor store does not answer');
      return ask(() => recognizeVisitor(store, visit));
    },
    async recognizeNow(visit) {
      if (now() < awayUntil) return undefined;
      return ask(() => recognizeVisitor(store, visit)).catch(() => undefined);
    },
    async claimNow(visit) {
      if (now() < awayUntil) return undefined;
      return ask(() => claimVisitor(store, visit, by)).catch(() => undefined);
    },
    async unclaim(visit) {
      if (now() < awayUntil) return;
      await ask(() => unclaimVisitor(store, visit, by)).catch(() => undefined);
    },
    async unclaimEarlier(user, thereSince) {
      if (now() < awayUntil) return;
      await ask(() => unclaimEarlier(store, user, by, thereSince)).catch(() => undefined);
    },
  };
}
