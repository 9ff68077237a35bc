/**
 * A session on its way out of the numbers, or back into them (`exclusion.ts`), or to another version of the catalogue
 * (`restating.ts`): what it keeps of that.
 */
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

/** Versions of the catalogue: the one that a session has gone by, and the one that it is to go by. */
export interface Restates {
  readonly from: number;
  readonly to: number;
}

/** A session on its way out of the numbers, or back; or to another version of the catalogue. */
export interface Turning extends ToldUpTo {
  readonly proof: Proof;
  /** The latter, where it says so. */
  readonly restates?: Restates;
  /** Rows up to this key are done. Absent: nothing is, and the turn may still be refused. */
  readonly after?: string;
}

/** Whether the session turns, or is to. */
export function isTurning(actor: Actor): boolean {
  const { turning, restated, state } = actor;
  return turning !== undefined || isToTurn(actor) || restated > state.catalogue.version;
}

/** Whether an operator wants it to count, and it does not; or the reverse. */
export function isToTurn({ wants, excluded }: Actor): boolean {
  return wants !== undefined && wants !== excluded;
}

/** What of it a run leaves behind. A turn of which nothing is done is begun anew by the next run. */
export function turnLeft({
  excluded,
  turning,
  wants,
  wishes,
  restated,
}: Actor): Pick<SessionSnapshot, 'excluded' | 'turning' | 'wants' | 'wishes' | 'restated'> {
  return {
    ...(excluded && { excluded }),
    ...(turning?.after !== undefined && { turning }),
    ...(wants !== undefined && wants !== excluded && { wants }),
    ...(wishes > 0 && { wishes }),
    ...(restated > 0 && { restated }),
  };
}
