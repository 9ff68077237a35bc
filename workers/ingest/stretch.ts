/**
 * How far apart the checkpoints of sessions are while there is more to do than time. A write of an open
 * session is work that can wait: the more of the time something due finds no place, the longer, up to
 * {@link CHECKPOINT_MS_MAX}. Pure: it is told the time and whether places are short.
 */

/** CONTRACT, section 2: a checkpoint is stretched up to this, milliseconds. */
export const CHECKPOINT_MS_MAX = 60_000;
/** How fast it follows: after this long two thirds of a change have come through, milliseconds. */
const FOLLOWS_MS = 4_000;
/** Places are short for this share of the time: as stretched as it gets. Half of it for a moment is a burst. */
const FULL_SHARE = 0.5;
/** Below this share nothing is stretched: a few sessions that begin together are no load. */
const IDLE_SHARE = 0.1;

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
