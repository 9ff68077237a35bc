/**
 * Where an hour of UTC is of two local days: in zones that are half or quarter hours from UTC. What metrics keep by
 * hour only is put right there by rows of a quarter of an hour (docs/decisions/040).
 *
 *     Asia/Kolkata, 5:30 ahead: midnight is at 18:30 UTC
 *     18:10  local 23:40   the day that the hour begins in
 *     18:40  local 00:10   turned: its hour began on the day before
 */
import type { Transition } from './rules.ts';
import type { Zones } from './zones.ts';

/**
 * Whether a time, epoch milliseconds, is of another local day than the start of its hour of UTC. Never in zones of
 * whole hours. By the offsets that views go by: before 2012 that of January 2012, after 2049 the last one.
 */
export type DayTurned = (zone: string, at: number) => boolean;

/**
 * The offsets that `migrate` puts into the table `zones`. Since 2012 a quarter of an hour is never of two local days
 * (docs/decisions/032). What is older is told by the first offset, what is later by the last: laws of that time are not
 * made yet.
 */
export const ZONE_YEARS = { from: 2012, to: 2049 } as const;

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Each zone is looked at once. */
export function createDayTurned(zones: Zones): DayTurned {
  const known = new Map<string, readonly Transition[]>();
  const partsOf = (zone: string): readonly Transition[] => {
    const transitions = zones.isZone(zone)
      ? zones.transitionsOf(
          zone,
          Date.UTC(ZONE_YEARS.from, 0, 1),
          Date.UTC(ZONE_YEARS.to + 1, 0, 1),
        )
      : [];
    return transitions.some(isApart) ? transitions : [];
  };
  return (zone, at) => {
    let offsets = known.get(zone);
    if (offsets === undefined) known.set(zone, (offsets = partsOf(zone)));
    if (offsets.length === 0) return false;
    return dayAt(offsets, at) !== dayAt(offsets, at - (at % HOUR_MS));
  };
}

/** Not whole hours from UTC, or changed within an hour of it. */
function isApart({ at, offsetSeconds }: Transition): boolean {
  return offsetSeconds % 3_600 !== 0 || at % HOUR_MS !== 0;
}

function dayAt(offsets: readonly Transition[], at: number): number {
  const offset = offsets.findLast((one) => one.at <= at) ?? offsets[0];
  return Math.floor((at + (offset?.offsetSeconds ?? 0) * 1_000) / DAY_MS);
}
