/**
 * How far apart the checkpoints of sessions are while there is more to do than time. A write of an open
 * session is work that can wait: the more of the time something due finds no place, the longer, up to
 * {@link CHECKPOINT_MS_MAX}. Pure: it is told the time and whether places are short.
 */

import type { SessionSettings } from '../../shared/actor.ts';
import type { Rhythm } from './gather.ts';

/** CONTRACT, section 2: a checkpoint is stretched up to this, milliseconds. */
export const CHECKPOINT_MS_MAX = 60_000;
/** How fast it follows: after this long two thirds of a change have come through, milliseconds. */
const FOLLOWS_MS = 4_000;
/** Places are short for this share of the time: as stretched as it gets. Half of it for a moment is a burst. */
const FULL_SHARE = 0.5;
/** Below this share nothing is stretched: a few sessions that begin together are no load. */
const IDLE_SHARE = 0.1;

/** A session that goes on is delivered to at most so often, whatever may be written; the least pulses are this far apart. */
const RHYTHM_MS = { prompt: 500, middle: 1_000, pause: 5_000 } as const;

/**
 * The rhythm in which ingest delivers, so that a session is woken when it may write, and well before it would end.
 * @param stretch how far checkpoints are stretched
 */
export function rhythmOf(
  { checkpointMs, idleTimeoutMs, lateGraceMs }: SessionSettings,
  stretch: Pick<Stretch, 'checkpointMs'>,
): Rhythm {
  const shortestMs = Math.min(idleTimeoutMs, lateGraceMs);
  const pauseMs = Math.min(checkpointMs ?? RHYTHM_MS.pause, CHECKPOINT_MS_MAX, shortestMs / 2);
  return {
    promptMs: Math.max(1, Math.min(RHYTHM_MS.prompt, shortestMs / 8)),
    middleMs: Math.max(1, Math.min(RHYTHM_MS.middle, shortestMs / 4)),
    pauseMs: (now) => Math.min(stretch.checkpointMs(now) ?? pauseMs, idleTimeoutMs / 2),
  };
}

export interface Stretch {
  /** What holds from `now` on until it is told anew. */
  observe(isShort: boolean, now: number): void;
  /** Milliseconds between checkpoints; undefined where nothing is stretched. */
  checkpointMs(now: number): number | undefined;
}

/** @param checkpointMs the setting; null: there are no checkpoints to stretch */
export function createStretch(checkpointMs: number | null): Stretch {
  let share = 0;
  let isShort = false;
  let since: number | undefined;

  function follow(now: number): void {
    const elapsed = Math.max(0, now - (since ?? now));
    since = now;
    const kept = Math.exp(-elapsed / FOLLOWS_MS);
    share = share * kept + (isShort ? 1 - kept : 0);
  }

  return {
    observe(short, now) {
      follow(now);
      isShort = short;
    },
    checkpointMs(now) {
      if (checkpointMs === null || checkpointMs >= CHECKPOINT_MS_MAX) return undefined;
      follow(now);
      if (share <= IDLE_SHARE) return undefined;
      const load = Math.min(1, (share - IDLE_SHARE) / (FULL_SHARE - IDLE_SHARE));
      return Math.round(checkpointMs + load * (CHECKPOINT_MS_MAX - checkpointMs));
    },
  };
}
