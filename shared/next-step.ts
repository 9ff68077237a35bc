/**
 * What a session does next: write, end, or wait, and until when. Pure, and total: every state has exactly
 * one next step.
 */
import { type Actor, isChanged } from './actor.ts';
import { OWED_ROWS_MAX } from './limits.ts';
import type { EndReason, SessionStatus } from './rollup.ts';

export type Step =
  | { readonly do: 'write'; readonly status: SessionStatus; readonly endReason?: EndReason }
  | { readonly do: 'end'; readonly reason: EndReason }
  | { readonly do: 'wait'; readonly until: number };

/** What the actor does next. Total: every state has exactly one next step. */
export function nextStep(actor: Actor, now: number): Step {
  const { settings, shown, lastWriteAt } = actor;
  const reason = endReasonOf(actor, now);
  const changed = isChanged(actor);
  if (reason !== undefined) {
    return changed || shown?.status !== 'ended' || shown.endReason !== reason
      ? { do: 'write', status: 'ended', endReason: reason }
      : { do: 'end', reason };
  }

  const quietAt = quietDeadline(actor);
  if (!changed) return { do: 'wait', until: quietAt };
  const checkpointMs = settings.checkpointMs && (actor.checkpointMs ?? settings.checkpointMs);
  const writeAt =
    actor.owesMore || actor.balance.size > OWED_ROWS_MAX
      ? now
      : checkpointMs === null
        ? Infinity
        : (lastWriteAt ?? now - checkpointMs) + checkpointMs;
  if (writeAt > now) return { do: 'wait', until: Math.min(quietAt, writeAt) };
  return { do: 'write', ...openWrite(actor) };
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

/** A run that only absorbs late events of a session that was ended on purpose. */
function isLateRun({ reopenedAfter }: Actor): boolean {
  return reopenedAfter !== undefined && reopenedAfter !== 'idle';
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
