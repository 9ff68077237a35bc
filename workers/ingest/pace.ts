/**
 * How many deliveries may be under way at once. Where the worker is in this process, ingest goes no
 * faster than it: more sessions would only wait in its queue, and a start that finds no place in the
 * worker is no eager one, which costs the server a third more. What waits in ingest is gathered into
 * fewer messages meanwhile. Pure: it is told the time and what is under way.
 */

/** Deliveries under way at once: enough to keep one Temporal server busy. */
const DELIVERIES_MAX = 32;
/** Deliveries, signals that sessions have yet to take up, and tasks in the worker, under way at once. */
const UNDER_WAY_MAX = 16;
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

/** @param workerLoad tasks that the worker of this process has or is about to get; nothing where there is none */
export function createPace(workerLoad?: () => number): Pace {
  let heldUpUntil: number | undefined;
  return {
    mayGo(underWay, now) {
      if (underWay >= DELIVERIES_MAX) return false;
      if (workerLoad === undefined || underWay + workerLoad() < UNDER_WAY_MAX) {
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
