/**
 * Reads the data of the npm package `moment-timezone`, the only place that knows its form (docs/decisions/032). A zone
 * is one text:
 *
 *     Asia/Kolkata|LMT HMT MMT IST +0630|-5R.s -5R.k -5l.a -5u -6u|01234343|-4Fg5R.s BKo0.8 1rDcw.a …|15e6
 *     name        |abbreviations        |offsets                  |indices |when each ends          |people
 *
 * Numbers are to base 60, in minutes, with digits after the point. Offsets count west. Each end is told from the end
 * before. The package is 344 zones with 115,000 transitions, up to 2499: a zone is unpacked when it is asked for.
 */
import { rulesFrom, type Transition, type ZoneRules, type ZoneSource } from './rules.ts';

/** What the package has in `data/packed/latest.json`. */
export interface PackedZones {
  readonly version: string;
  readonly zones: readonly string[];
  /** `zone|alias` */
  readonly links: readonly string[];
}

export function readPacked({ version, zones, links }: PackedZones): ZoneSource {
  const packed = new Map(zones.map((text) => [text.slice(0, text.indexOf('|')), text]));
  const targets = new Map(
    links.map((link) => {
      const [target = '', alias = ''] = link.split('|');
      return [alias, target];
    }),
  );
  const unpacked = new Map<string, ZoneRules>();
  return {
    version,
    names: [...packed.keys(), ...targets.keys()].sort(),
    rulesOf(name) {
      const zone = targets.get(name) ?? name;
      const known = unpacked.get(zone);
      if (known !== undefined) return known;
      const text = packed.get(zone);
      if (text === undefined) return undefined;
      const rules = unpack(text);
      unpacked.set(zone, rules);
      return rules;
    },
  };
}

function unpack(text: string): ZoneRules {
  const [, , offsetTexts = '', indices = '', endTexts = ''] = text.split('|');
  // `0 - x`, not `-x`: UTC has no negative zero.
  const offsets = offsetTexts.split(' ').map((west) => 0 - secondsOf(west));
  const offsetOf = (place: number) => offsets[DIGITS.indexOf(indices[place] ?? '0')] ?? 0;
  let endSeconds = 0;
  const later = (endTexts === '' ? [] : endTexts.split(' ')).map((distance, place): Transition => {
    endSeconds += secondsOf(distance);
    return { at: endSeconds * 1_000, offsetSeconds: offsetOf(place + 1) };
  });
  return rulesFrom(offsetOf(0), later);
}

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWX';

/** Minutes to base 60, as seconds: no zone knows a smaller unit, so the first digit after the point is all there is. */
function secondsOf(text: string): number {
  const isNegative = text.startsWith('-');
  const [whole = '', sixtieth = '0'] = (isNegative ? text.slice(1) : text).split('.');
  let minutes = 0;
  for (const digit of whole) minutes = minutes * 60 + DIGITS.indexOf(digit);
  const seconds = minutes * 60 + DIGITS.indexOf(sixtieth.charAt(0));
  return isNegative ? -seconds : seconds;
}
