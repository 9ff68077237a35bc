/** From when on rows of a project are kept. */

const DAY_MS = 86_400_000;

/**
 * The start of the local day so many days before today's. Clocks may change in between, by hours: the middle of a day is of
 * that day whatever they do.
 * @param startOfDay the start of the local day that holds an instant
 * @returns epoch milliseconds
 */
export function retentionLimit(
  days: number,
  now: number,
  startOfDay: (at: number) => number,
): number {
  return startOfDay(startOfDay(now) - days * DAY_MS + DAY_MS / 2);
}
