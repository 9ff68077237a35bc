/** A session on its way out of the numbers, or back into them: what it keeps of that. `exclusion.ts` does it. */
import type { Actor, SessionSnapshot } from './actor.ts';

/** What a session was when it turned: whoever folds its events again has to come to the same. */
export interface Proof {
  readonly events: number;
  readonly pageViews: number;
  readonly conversions: number;
  readonly revenue: string;
  readonly firstEventAt?: number;
  readonly lastEventAt?: number;
  /** Of the ids it remembers. */
  readonly ids: number;
}

/** The events that a turn is about: those that all runs before this one were told, and so many batches of this one. */
export interface ToldUpTo {
  readonly runId: string;
  /** That of its start counts as one. */
  readonly batches: number;
}

/** A session on its way out of the numbers, or back. */
export interface Turning extends ToldUpTo {
  readonly proof: Proof;
  /** Rows up to this key are done. Absent: nothing is, and the turn may still be refused. */
  readonly after?: string;
}

/** Whether the session turns, or is to. */
export function isTurning({ turning, wants, excluded }: Actor): boolean {
  return turning !== undefined || (wants !== undefined && wants !== excluded);
}

/** What of it a run leaves behind. A turn of which nothing is done is begun anew by the next run. */
export function turnLeft({
  excluded,
  turning,
  wants,
  wishes,
}: Actor): Pick<SessionSnapshot, 'excluded' | 'turning' | 'wants' | 'wishes'> {
  return {
    ...(excluded && { excluded }),
    ...(turning?.after !== undefined && { turning }),
    ...(wants !== undefined && wants !== excluded && { wants }),
    ...(wishes > 0 && { wishes }),
  };
}
