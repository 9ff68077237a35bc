/**
 * Epoch milliseconds, whole ones, by a clock that goes on evenly: one that is set back would stop whoever paces by it for
 * as long. It is for distances; it parts from the wall's where that is set, and stands still while a machine sleeps.
 */
export function steadyNow(): number {
  return Math.floor(performance.timeOrigin + performance.now());
}
