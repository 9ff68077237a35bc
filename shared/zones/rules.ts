/**
 * What a time zone is: a list of offsets and of the instants at which each comes into force. Where it is read from is
 * left to others; nothing here asks the runtime, whose copy of the rules is as old as the runtime is.
 */

/** An offset, and the instant it comes into force. */
export interface Transition {
  /** Epoch milliseconds. */
  readonly at: number;
  /** What local clocks are ahead of UTC; negative west of Greenwich. */
  readonly offsetSeconds: number;
}

/**
 * All transitions of a zone, by time, never empty. Neighbours have different offsets. The first offset holds before its
 * own instant as well, the last one for ever.
 */
export type ZoneRules = readonly [Transition, ...Transition[]];

/** Where zones are read from. */
export interface ZoneSource {
  /** Release of the IANA database, for example `2026f`. */
  readonly version: string;
  /** Every name there are rules for, aliases among them, sorted. */
  readonly names: readonly string[];
  /** @returns undefined where there is no such name. Names are compared letter by letter. */
  rulesOf(name: string): ZoneRules | undefined;
}

/** The earliest instant of JavaScript's `Date`: since when the first offset of a zone is in force. */
export const EARLIEST_MS = -8_640_000_000_000_000;

/** Which entry is in force at a time. */
export function indexAt(rules: ZoneRules, ms: number): number {
  let low = 0;
  let high = rules.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if ((rules[middle] ?? rules[0]).at <= ms) low = middle;
    else high = middle - 1;
  }
  return low;
}

/** Milliseconds that local clocks are ahead of UTC while an entry is in force. */
export function offsetMsOf(rules: ZoneRules, index: number): number {
  return (rules[index] ?? rules[0]).offsetSeconds * 1_000;
}

/** The offset in force at `fromMs`, as of then, and each that comes into force before `toMs`. */
export function transitionsBetween(rules: ZoneRules, fromMs: number, toMs: number): ZoneRules {
  const first = indexAt(rules, fromMs);
  const start = { at: fromMs, offsetSeconds: offsetMsOf(rules, first) / 1_000 };
  return [start, ...rules.slice(first + 1, indexAt(rules, toMs - 1) + 1)];
}

/** Puts transitions together, leaving out those that change nothing but the name of the clock. */
export function rulesFrom(firstOffsetSeconds: number, later: readonly Transition[]): ZoneRules {
  const rules: [Transition, ...Transition[]] = [
    { at: EARLIEST_MS, offsetSeconds: firstOffsetSeconds },
  ];
  for (const transition of later) {
    if (transition.offsetSeconds !== rules.at(-1)?.offsetSeconds) rules.push(transition);
  }
  return rules;
}
