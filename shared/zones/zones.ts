/**
 * Time zones as the product asks for them: ingest, the rows of the table `zones`, and the page. All three are made from
 * one source, so that a day is the same day in each of them, whatever rules Node, ClickHouse and a browser bring.
 *
 * Not for workflow code: the data is replaced when rules change, and a replay has to come to what it came to before. Who
 * needs a local day in a session gives it to the session with the event.
 */
import { dayOf, type LocalUnit, startOf } from './local-time.ts';
import {
  indexAt,
  offsetMsOf,
  type Transition,
  transitionsBetween,
  type ZoneRules,
  type ZoneSource,
} from './rules.ts';

/** Times are whole epoch milliseconds. Each function but `isZone` throws a RangeError on an unknown name. */
export interface Zones {
  /** Release of the IANA database that the rules are of, for example `2026f`. */
  readonly zoneDataVersion: string;
  /** Every name, aliases such as `Asia/Calcutta` among them, sorted. */
  zoneNames(): readonly string[];
  /** Names are compared letter by letter: `europe/paris` is none. */
  readonly isZone: (name: string) => boolean;
  /** The offset in force at `fromMs`, then each that comes into force later and before `toMs`. */
  transitionsOf(zone: string, fromMs: number, toMs: number): readonly Transition[];
  /** Seconds that local clocks are ahead of UTC. */
  offsetAt(zone: string, ms: number): number;
  /** `YYYY-MM-DD` */
  localDay(zone: string, ms: number): string;
  /** Start of the local hour, day, week or month that holds a time; the rules are those of `local-time.ts`. */
  startOfLocal(zone: string, unit: LocalUnit, ms: number): number;
}

export function createZones(source: ZoneSource): Zones {
  const names = new Set(source.names);
  const rulesOf = (zone: string): ZoneRules => {
    const rules = source.rulesOf(zone);
    if (rules === undefined)
      throw new RangeError(`"${zone}" is not a time zone of the IANA database ${source.version}`);
    return rules;
  };
  return {
    zoneDataVersion: source.version,
    zoneNames: () => source.names,
    isZone: (name) => names.has(name),
    transitionsOf: (zone, fromMs, toMs) => transitionsBetween(rulesOf(zone), fromMs, toMs),
    offsetAt(zone, ms) {
      const rules = rulesOf(zone);
      return offsetMsOf(rules, indexAt(rules, ms)) / 1_000;
    },
    localDay: (zone, ms) => new Date(dayOf(rulesOf(zone), ms)).toISOString().slice(0, 10),
    startOfLocal: (zone, unit, ms) => startOf(rulesOf(zone), unit, ms),
  };
}
