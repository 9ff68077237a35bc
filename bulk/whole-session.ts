/**
 * One session all of whose events are there at once: the same fold, the same next step and the same write as a live
 * session's, without an engine in between. Pure. What comes out are the records that the session hands over at its end;
 * a live session writes sooner and more often, and its records add up to the same rows.
 */
import { type Actor, openActor, type RecognizedUser, type Visit } from '../shared/actor.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import type { VisitorEvent } from '../shared/event.ts';
import { nextStep } from '../shared/next-step.ts';
import type { Rollup } from '../shared/rollup.ts';
import { takeRide, takeUser } from '../shared/write.ts';
import { identityOf } from './identity.ts';

export interface WholeSession {
  readonly project: string;
  readonly sessionId: string;
  /** As the border takes them, in any order, the same one more than once too; at least one. */
  readonly events: readonly VisitorEvent[];
}

export interface FoldedSession {
  readonly actor: Actor;
  /** Epoch milliseconds. */
  readonly firstEventAt: number;
  /** When it ends, by the clock of its events: with its last one, or idle so much later. Epoch milliseconds. */
  readonly endsAt: number;
  /** Whom to ask about before it can be written. */
  readonly visit?: Visit;
}

export interface FoldOptions {
  /** The load that brings it: the same session in the same load has the same identity. */
  readonly load: string;
  /** A session without an end of its own ends this long after its last event, milliseconds. */
  readonly idleTimeoutMs: number;
}

/** @throws RangeError on a session without events */
export function foldSession(
  { project, sessionId, events }: WholeSession,
  { load, idleTimeoutMs }: FoldOptions,
): FoldedSession {
  let firstEventAt = Infinity;
  let lastEventAt = 0;
  for (const { at } of events) {
    firstEventAt = Math.min(firstEventAt, at);
    lastEventAt = Math.max(lastEventAt, at);
  }
  if (events.length === 0) throw new RangeError(`session ${sessionId} has no events`);
  const actor = openActor(
    {
      version: 2,
      rides: { catalogue: CATALOGUE_VERSION },
      project,
      sessionId,
      // All that there is to write is written at the end.
      settings: { idleTimeoutMs, checkpointMs: null, lateGraceMs: 0 },
      batch: { events, ackFloor: 0 },
    },
    identityOf(load, { project, sessionId, firstEventAt }),
    lastEventAt,
  );
  const endsAt = actor.state.endSeen ? lastEventAt : lastEventAt + idleTimeoutMs;
  const userId = actor.state.attributes.get('userId')?.value;
  return {
    actor,
    firstEventAt,
    endsAt,
    ...(userId !== undefined && { visit: { project, sessionId, userId, at: endsAt } }),
  };
}

/**
 * The records that the session hands over at its end, several where one does not take all its rows.
 * @param user who it was, where it has a `visit`
 * @throws RangeError where that was not found out
 */
export function settleSession(
  { actor, endsAt, visit }: FoldedSession,
  user: RecognizedUser | undefined,
): readonly Rollup[] {
  if (visit !== undefined && user === undefined) {
    throw new RangeError(`nobody has said whether the user of session ${actor.sessionId} is new`);
  }
  if (user !== undefined) takeUser(actor, user);
  const records: Rollup[] = [];
  for (let step = nextStep(actor, endsAt); step.do === 'write'; step = nextStep(actor, endsAt)) {
    const record = takeRide(actor, step, endsAt, 0);
    if (record === undefined) throw new RangeError('a session that is whole has nobody to ask');
    records.push(record);
  }
  return records;
}
