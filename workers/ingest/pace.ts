/**
 * How many deliveries may be under way at once. Ingest goes no faster than the workers do: more sessions would only wait
 * in their queue, and where the worker is in this process, a start that finds no place in it is no eager one, which
 * costs the server a third more. What waits in ingest is gathered into fewer messages meanwhile. Pure: it is told the
 * time and what is under way.
 */
import type { WorkersSeen } from './workers-seen.ts';

/** Deliveries under way at once: enough to keep one Temporal server busy. */
const DELIVERIES_MAX = 32;
/** When to look again whether the worker has got further, milliseconds. */
const LOOK_AGAIN_MS = 4;
/** A worker that does not get further (a server is away) holds up deliveries for this long each. */
const HELD_UP_MS = { first: 300, next: 20 } as const;

export interface Pace {
  /** Whether another delivery may go out now; asked once for each that does. */
  mayGo(underWay: number, now: number): boolean;
  /** When to ask again; Infinity: when a delivery under way has ended. */
  askAgainAt(underWay: number, now: number): number;
}

/** @param workers whose tasks count, with the deliveries, against their places */
export function createPace(workers: Pick<WorkersSeen, 'load' | 'places'>): Pace {
  let heldUpUntil: number | undefined;
  return {
    mayGo(underWay, now) {
      if (underWay >= DELIVERIES_MAX) return false;
      if (underWay + workers.load(now) < workers.places(now)) {
        heldUpUntil = undefined;
        return true;
      }
      heldUpUntil ??= now + HELD_UP_MS.first;
      if (now < heldUpUntil) return false;
      heldUpUntil = now + HELD_UP_MS.next;
      return true;
    },
    askAgainAt(underWay, now) {
      if (underWay >= DELIVERIES_MAX) return Infinity;
      return heldUpUntil === undefined ? now : now + LOOK_AGAIN_MS;
    },
  };
}
