/**
 * Zones as data: rows for a table in ClickHouse, whose own time zone functions are not asked, and a part of the source
 * that is small enough for a page.
 */
import { rulesFrom, type ZoneRules, type ZoneSource } from './rules.ts';
import type { Zones } from './zones.ts';

/** One offset of one zone. A time t is in exactly one row of each zone: `starts_at <= t < ends_at`. */
export interface ZoneRow {
  readonly zone: string;
  /** Epoch seconds, for a `DateTime('UTC')`. */
  readonly starts_at: number;
  /** Epoch seconds; the first instant that the row no longer holds for. */
  readonly ends_at: number;
  readonly offset_seconds: number;
  readonly version: string;
}

/** ClickHouse's `DateTime` ends on 2106-02-07; the first year is 1970. */
const YEARS = { first: 1970, last: 2105 } as const;

/**
 * All zones and aliases, by name and time, from the start of one year to the end of another, in UTC.
 * @throws RangeError where that is not what a `DateTime` can hold
 */
export function zoneRows(zones: Zones, fromYear: number, toYear: number): ZoneRow[] {
  if (!(YEARS.first <= fromYear && fromYear <= toYear && toYear <= YEARS.last)) {
    throw new RangeError(
      `years ${fromYear} to ${toYear} are not within ${YEARS.first} to ${YEARS.last}`,
    );
  }
  const fromMs = Date.UTC(fromYear, 0, 1);
  const toMs = Date.UTC(toYear + 1, 0, 1);
  return zones.zoneNames().flatMap((zone) => {
    const transitions = zones.transitionsOf(zone, fromMs, toMs);
    return transitions.map(({ at, offsetSeconds }, index): ZoneRow => {
      const endsAt = transitions[index + 1]?.at ?? toMs;
      return {
        zone,
        starts_at: at / 1_000,
        ends_at: endsAt / 1_000,
        offset_seconds: offsetSeconds,
        version: zones.zoneDataVersion,
      };
    });
  });
}

/**
 * A part of the zones that can be sent as JSON: for each zone its first offset, then pairs of an instant and an offset, all
 * in seconds.
 */
export interface ZoneSlice {
  readonly version: string;
  readonly zones: Readonly<Record<string, readonly [firstOffset: number, ...later: number[]]>>;
}

/** The rules that matter between two times. Before and after them its offsets are not to be relied on. */
export function sliceOf(
  zones: Zones,
  names: readonly string[],
  fromMs: number,
  toMs: number,
): ZoneSlice {
  const rulesOf = (name: string): [number, ...number[]] => {
    const [first, ...later] = zones.transitionsOf(name, fromMs, toMs);
    return [
      first?.offsetSeconds ?? 0,
      ...later.flatMap(({ at, offsetSeconds }) => [at / 1_000, offsetSeconds]),
    ];
  };
  return {
    version: zones.zoneDataVersion,
    zones: Object.fromEntries(names.map((name) => [name, rulesOf(name)])),
  };
}

/** The inverse of {@link sliceOf}, for `createZones` on the other side. */
export function readSlice({ version, zones }: ZoneSlice): ZoneSource {
  const rules = new Map(
    Object.entries(zones).map(([name, [first, ...later]]): [string, ZoneRules] => {
      const transitions = later.flatMap((seconds, index) => {
        const offsetSeconds = later[index + 1];
        return index % 2 === 0 && offsetSeconds !== undefined
          ? [{ at: seconds * 1_000, offsetSeconds }]
          : [];
      });
      return [name, rulesFrom(first, transitions)];
    }),
  );
  return { version, names: [...rules.keys()].sort(), rulesOf: (name) => rules.get(name) };
}
