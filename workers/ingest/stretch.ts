/**
 * How far apart the checkpoints of sessions are while there is much to do. A write of an open session is work that can
 * wait: the less time is left, the longer, up to {@link CHECKPOINT_MS_MAX}, so that more of what comes in the middle goes
 * along with the end of its session. Pure: it is told the time and how busy things are.
 */

/** CONTRACT, section 2: a checkpoint is stretched up to this, milliseconds. */
export const CHECKPOINT_MS_MAX = 60_000;

/** Shares of the time, from which on checkpoints are stretched, and at which they are as stretched as they get. */
interface Scale {
  readonly from: number;
  readonly full: number;
  /** How fast it follows: after this long two thirds of a change have come through, milliseconds. */
  readonly followsMs: number;
}

/** Something is due and finds no place. A few sessions that begin together are no load, and a moment of it is a burst. */
const SHORT: Scale = { from: 0.1, full: 0.5, followsMs: 4_000 };
/**
 * Something is under way. What is due together goes out together, so how long that takes, of the time between two
 * pulses, says how much more there could be.
 */
const BUSY: Scale = { from: 0.55, full: 0.9, followsMs: 10_000 };

/** What ingest has to do. */
export interface Pressure {
  /** Deliveries, or tasks of sessions, are under way. */
  readonly isBusy: boolean;
  /** What is due finds no place. */
  readonly isShort: boolean;
}

export interface Stretch {
  /** What holds from `now` on until it is told anew. */
  observe(pressure: Pressure, now: number): void;
  /** Milliseconds between checkpoints; undefined where nothing is stretched. */
  checkpointMs(now: number): number | undefined;
}

/** @param checkpointMs the setting; null: there are no checkpoints to stretch */
export function createStretch(checkpointMs: number | null): Stretch {
  const short = followShare(SHORT);
  const busy = followShare(BUSY);
  return {
    observe({ isBusy, isShort }, now) {
      short.observe(isShort, now);
      busy.observe(isBusy, now);
    },
    checkpointMs(now) {
      if (checkpointMs === null || checkpointMs >= CHECKPOINT_MS_MAX) return undefined;
      const load = Math.max(short.load(now), busy.load(now));
      if (load === 0) return undefined;
      return Math.round(checkpointMs + load * (CHECKPOINT_MS_MAX - checkpointMs));
    },
  };
}

/** The share of the time that something is so, the later the more it counts; as a load from 0 to 1. */
function followShare({ from, full, followsMs }: Scale) {
  let share = 0;
  let isSo = false;
  let since: number | undefined;

  function follow(now: number): void {
    const elapsed = Math.max(0, now - (since ?? now));
    since = now;
    const kept = Math.exp(-elapsed / followsMs);
    share = share * kept + (isSo ? 1 - kept : 0);
  }

  return {
    observe(value: boolean, now: number) {
      follow(now);
      isSo = value;
    },
    load(now: number): number {
      follow(now);
      return Math.min(1, Math.max(0, share - from) / (full - from));
    },
  };
}
