/**
 * Definitions that have changed. A session goes by the version of the catalogue that it began with; an operator has it go
 * by a later one, and what the two say differently of its events is written, to the last row.
 *
 *   from   balance = written − rows of events, by the old version     target: the rows of the session, by the old one
 *   to     balance = written − rows of events, by the new version     target: the rows of the session, by the new one
 *
 * What its events add by themselves it has to find out, as where it leaves the numbers (`exclusion.ts`): they are folded
 * again by both versions, and the difference comes in pages. With the first one the session goes over to the new version:
 * what comes from then on is filed by that.
 */
import type { Actor } from './actor.ts';
import { rowKeyOf } from './balance.ts';
import { type AnyBatch, groupsOf } from './batch.ts';
import { catalogueOf } from './catalogue.ts';
import { addAll, addAmount, type Contributions, difference } from './contributions.ts';
import { purseFromWire, purseToWire, type PurseWire } from './purse.ts';
import {
  applyEvents,
  emptySession,
  figuresOf,
  type SessionState,
  sessionTables,
} from './session.ts';
import { decodeTallies, encodeTallies, type TalliesText } from './tables.ts';
import type { Restates } from './turning.ts';

/** What a session keeps of its events as the catalogue has it; all else is the same by every version. */
export interface KeptByCatalogue {
  readonly heartbeats?: number;
  readonly purse?: PurseWire;
  readonly tallies: TalliesText;
}

/** The argument of the signal and of the update `restate`. */
export interface RestateRequest {
  /** The version of the catalogue that the session is to go by. */
  readonly catalogue: number;
}

/** Whether it is one: anybody may signal a session by hand. One that no worker knows yet is refused later. */
export function isRestateRequest(value: unknown): value is RestateRequest {
  if (typeof value !== 'object' || value === null || !('catalogue' in value)) return false;
  const { catalogue } = value;
  return typeof catalogue === 'number' && Number.isSafeInteger(catalogue) && catalogue >= 1;
}

/** An operator wants the session to go by a version of the catalogue. By an older one than it does, it never will. */
export function wantRestated(actor: Actor, { catalogue }: RestateRequest): void {
  actor.restated = Math.max(actor.restated, catalogue);
  actor.restateRefused = undefined;
}

/** The two versions, where it does not go yet by the one that is wanted. */
export function restatesOf({ state, restated }: Actor): Restates | undefined {
  const { version: from } = state.catalogue;
  return restated > from ? { from, to: restated } : undefined;
}

/** Goes over to a version. @param kept what it keeps by that */
export function goBy(actor: Actor, version: number, kept: KeptByCatalogue): void {
  actor.state = {
    ...actor.state,
    catalogue: catalogueOf(version),
    heartbeats: kept.heartbeats ?? 0,
    purse: purseFromWire(kept.purse),
    tallies: decodeTallies(kept.tallies),
  };
}

export function keptByCatalogue({ heartbeats, purse, tallies }: SessionState): KeptByCatalogue {
  return {
    ...(heartbeats > 0 && { heartbeats }),
    ...(purse.size > 0 && { purse: purseToWire(purse) }),
    tallies: encodeTallies(tallies),
  };
}

/** What a session was told, folded once more. */
export interface Folded {
  readonly state: SessionState;
  /** What its events add by themselves. */
  readonly rows: Contributions;
}

/** @param batches in the order in which the session was told them */
export function foldBy(
  version: number,
  batches: Iterable<AnyBatch>,
  { isBounded }: Pick<Actor, 'isBounded'>,
): Folded {
  const state = emptySession(isBounded, catalogueOf(version));
  const rows: Contributions = new Map();
  for (const batch of batches) {
    for (const { all, events } of groupsOf(batch)) {
      addAll(rows, applyEvents(state, events, batch.ackFloor, all));
    }
  }
  return { state, rows };
}

/**
 * All that the definitions of two versions say differently of a session; nothing of one that does not count.
 * @param before its events, folded by the version that it goes by
 */
export function rowsOfRestate(actor: Actor, before: Folded, after: Folded): Contributions {
  if (actor.excluded) return new Map();
  return difference(allRows(actor, after), allRows(actor, before));
}

function allRows({ user }: Actor, { state, rows }: Folded): Contributions {
  const all: Contributions = new Map(rows);
  const isUserKnown = user !== undefined && user.userId === state.attributes.get('userId')?.value;
  const figures = figuresOf(state, isUserKnown ? user.isNew : undefined);
  if (figures === undefined) return all;
  for (const [family, table] of sessionTables(figures, state.tallies, state.catalogue)) {
    for (const [bucket, amount] of table) addAmount(all, rowKeyOf(family, bucket), amount);
  }
  return all;
}
