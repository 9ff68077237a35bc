/**
 * What a session does next: write, end, or wait, and until when. Pure, and total: every state has exactly
 * one next step.
 */
import { type Actor, isChanged } from './actor.ts';
import { rowCount } from './balance.ts';
import {
  CARRIED_ROWS_MAX,
  OWED_BYTES_MAX,
  OWED_ROWS_MAX,
  TRAVELLING_BYTES_MAX,
  TRAVELLING_ROWS_MAX,
  UNPROVEN_BYTES_MAX,
  UNPROVEN_EVENTS_MAX,
} from './limits.ts';
import type { VisitorEvent } from './event.ts';
import type { EndReason, SessionStatus } from './rollup.ts';
import { isTurning } from './turning.ts';

export type Step =
  | { readonly do: 'write'; readonly status: SessionStatus; readonly endReason?: EndReason }
  /** Find out about the session's user, which nobody could say when it was written. */
  | { readonly do: 'recognize' }
  /** Do what an operator wants: count no more, or again; go by other definitions. */
  | { readonly do: 'turn' }
  /** Find out what events have added by themselves, the next page of it. */
  | { readonly do: 'read' }
  | { readonly do: 'end'; readonly reason: EndReason }
  | { readonly do: 'wait'; readonly until: number };

/** What the actor does next. Total: every state has exactly one next step. */
export function nextStep(actor: Actor, now: number): Step {
  if (isTurning(actor)) return turningStep(actor);
  const { settings, shown, lastWriteAt } = actor;
  const reason = endReasonOf(actor, now);
  const changed = isChanged(actor);
  if (reason !== undefined) {
    if (changed || shown?.status !== 'ended' || shown.endReason !== reason) {
      return { do: 'write', status: 'ended', endReason: reason };
    }
    return actor.userWaits ? { do: 'recognize' } : { do: 'end', reason };
  }

  const quietAt = quietDeadline(actor);
  if (isFull(actor)) return { do: 'write', ...openWrite(actor) };
  if (!changed) return { do: 'wait', until: quietAt };
  const checkpointMs = settings.checkpointMs && (actor.checkpointMs ?? settings.checkpointMs);
  const writeAt =
    actor.owesMore || (!actor.isBounded && rowCount(actor.balance) > OWED_ROWS_MAX)
      ? now
      : checkpointMs === null
        ? Infinity
        : (lastWriteAt ?? now - checkpointMs) + checkpointMs;
  if (writeAt > now) return { do: 'wait', until: Math.min(quietAt, writeAt) };
  return { do: 'write', ...openWrite(actor) };
}

/** One page is written before the next is read, and what was owed before the first. */
function turningStep(actor: Actor): Step {
  if (actor.unproven !== undefined || actor.owesMore) return { do: 'write', ...openWrite(actor) };
  return actor.turning === undefined ? { do: 'turn' } : { do: 'read' };
}

/** Whether the session keeps as much of what it has not written, or not proven, as it may. */
export function isFull({ isBounded, pending, unproven }: Actor): boolean {
  if (!isBounded) return false;
  if (pending.rows > OWED_ROWS_MAX || pending.bytes > OWED_BYTES_MAX) return true;
  if (unproven === undefined || unproven.length <= 1) return false;
  return unproven.length > UNPROVEN_EVENTS_MAX || eventBytes(unproven) > UNPROVEN_BYTES_MAX;
}

function eventBytes(events: readonly VisitorEvent[]): number {
  let bytes = 0;
  for (const event of events) {
    bytes += 100;
    for (const value of Object.values(event)) {
      if (typeof value === 'string') bytes += value.length * 3;
    }
  }
  return bytes;
}

/** Whether the session has to write before it goes on in a new run: what is written need not travel. */
export function writesFirst(actor: Actor): boolean {
  // What a reopened run has not proven must not travel.
  if (actor.unproven !== undefined) return true;
  const { isBounded, pending, balance } = actor;
  const carried = isBounded ? pending.rows : rowCount(balance);
  return carried > CARRIED_ROWS_MAX && isChanged(actor);
}

/**
 * Whether all that the session keeps may be the argument of a new run. That is more than what makes it write: a batch
 * comes during each write of a session under constant fire, and it must get out of a long history all the same.
 */
export function mayTravel({ isBounded, unproven, pending }: Actor): boolean {
  if (!isBounded) return true;
  return (
    unproven === undefined &&
    pending.rows <= TRAVELLING_ROWS_MAX &&
    pending.bytes <= TRAVELLING_BYTES_MAX
  );
}

/** A write before the end. A session that takes late events after its end has ended all the same. */
export function openWrite(actor: Actor): {
  readonly status: SessionStatus;
  readonly endReason?: EndReason;
} {
  return isLateRun(actor)
    ? { status: 'ended', endReason: settledReason(actor) }
    : { status: 'open' };
}

/** A run that only absorbs late events of a session that was ended on purpose, or what an operator has to say. */
export function isLateRun({ reopenedAfter, isOnlyTold }: Actor): boolean {
  return reopenedAfter !== undefined && (reopenedAfter !== 'idle' || isOnlyTold);
}

function quietDeadline(actor: Actor): number {
  const { lateGraceMs, idleTimeoutMs } = actor.settings;
  return actor.lastArrivalAt + (isLateRun(actor) ? lateGraceMs : idleTimeoutMs);
}

function endReasonOf(actor: Actor, now: number): EndReason | undefined {
  if (actor.endRequested) return actor.state.endSeen ? 'session_end' : 'operator';
  if (isLateRun(actor)) {
    if (now < quietDeadline(actor)) return undefined;
    return settledReason(actor);
  }
  if (actor.state.endSeen) return 'session_end';
  return now >= quietDeadline(actor) ? 'idle' : undefined;
}

/** Why a session that only absorbs late events had ended; a `session_end` among them is the truth. */
function settledReason({ state, reopenedAfter }: Actor): EndReason {
  return state.endSeen ? 'session_end' : (reopenedAfter ?? 'session_end');
}
