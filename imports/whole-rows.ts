/**
 * What a session that is over adds to the tables, worked out at once. The same fold, catalogue and rows as a live session's,
 * without what that needs to go on later: a balance of what it has written. `bulk/whole-session.ts` does the same by way
 * of the live session's own steps, and a property test holds both together.
 */
import type { RecognizedUser, Visit } from '../shared/actor.ts';
import { type Catalogue, CATALOGUE_VERSION, catalogueOf } from '../shared/catalogue.ts';
import type { VisitorEvent } from '../shared/event.ts';
import type { SessionRecord } from '../shared/rollup.ts';
import type { SessionFigures } from '../shared/session-facts.ts';
import {
  applyEventsTo,
  emptySession,
  figuresOf,
  fileSession,
  type SessionState,
} from '../shared/session.ts';
import { identityOf } from '../bulk/identity.ts';
import type { RowSums } from './row-sums.ts';

export interface WholeOptions {
  readonly project: string;
  /** Of the load: the same session in the same load has the same identity. */
  readonly load: string;
  /** A session without an end of its own ends this long after its last event, milliseconds. */
  readonly idleTimeoutMs: number;
  /** Of the import that brought it: its rows are those of that version. The newest one where nobody says. */
  readonly catalogue?: number;
}

/** What is needed of a session until its user is known: thousands wait for that, so not its state, which knows every event. */
export interface WholeFold {
  readonly sessionId: string;
  readonly figures: SessionFigures;
  readonly tallies: SessionState['tallies'];
  readonly catalogue: Catalogue;
  readonly endSeen: boolean;
  /** By the clock of its events, epoch milliseconds. */
  readonly endsAt: number;
  /** Whom to ask about before it can be added. */
  readonly visit?: Visit;
}

/**
 * Folds a session, and adds to sums what its events add by themselves.
 * @param events at least one
 * @throws RangeError where there is none, or the catalogue is one of a later version
 */
export function foldWhole(
  sums: RowSums,
  sessionId: string,
  events: readonly VisitorEvent[],
  { project, idleTimeoutMs, catalogue = CATALOGUE_VERSION }: WholeOptions,
): WholeFold {
  const state = emptySession(true, catalogueOf(catalogue));
  applyEventsTo(sums.add, state, events);
  const figures = figuresOf(state);
  if (figures === undefined) throw new RangeError(`session ${sessionId} has no events`);
  const { endSeen, tallies } = state;
  const endsAt = endSeen ? figures.lastEventAt : figures.lastEventAt + idleTimeoutMs;
  const { userId } = figures.attributes;
  return {
    sessionId,
    figures,
    tallies,
    catalogue: state.catalogue,
    endSeen,
    endsAt,
    ...(userId !== undefined && { visit: { project, sessionId, userId, at: endsAt } }),
  };
}

/** Adds the rows of a session as a whole to the sums that its events were added to. @returns the session as the table `sessions` shows it */
export function addWhole(
  sums: RowSums,
  { sessionId, figures: known, tallies, catalogue, endSeen, endsAt, visit }: WholeFold,
  user: RecognizedUser | undefined,
  { project, load }: WholeOptions,
): SessionRecord {
  if (visit !== undefined && user === undefined) {
    throw new RangeError(`nobody has said whether the user of session ${sessionId} is new`);
  }
  // What is copied comes last: an object that begins as a copy takes 2 µs more.
  const figures = user === undefined ? known : { newUser: user.isNew, ...known };
  fileSession(figures, tallies, catalogue, (line, place, table) => {
    for (const [bucket, amount] of table) sums.add(line, bucket, place, amount);
  });
  const { firstEventAt } = figures;
  return {
    project,
    sessionId,
    identity: identityOf(load, { project, sessionId, firstEventAt }),
    writeNo: 1,
    session: {
      status: 'ended',
      endReason: endSeen ? 'session_end' : 'idle',
      ...(catalogue.version > 1 && { catalogue: catalogue.version }),
      updatedAt: endsAt,
      ...figures,
    },
  };
}
