/** Whose turn it is, among any number of them, in a bounded number of steps. */

export interface Turns<T> {
  /** Takes part from now on, behind the others. */
  join(one: T): void;
  leave(one: T): void;
  /** The first of those next in turn of which `pick` gives something; who was asked goes behind the others. */
  next<R>(pick: (one: T) => R | undefined): R | undefined;
}

/** So many are asked at a time. */
const ASKED_MAX = 32;

export function createTurns<T>(): Turns<T> {
  const ring = new Set<T>();
  return {
    join(one) {
      ring.add(one);
    },
    leave(one) {
      ring.delete(one);
    },
    next(pick) {
      let left = Math.min(ASKED_MAX, ring.size);
      for (const one of ring) {
        if (left === 0) break;
        left -= 1;
        const picked = pick(one);
        if (ring.size > 1) {
          ring.delete(one);
          ring.add(one);
        }
        if (picked !== undefined) return picked;
      }
      return undefined;
    },
  };
}
