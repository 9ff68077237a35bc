/**
 * The zones as the views know them: the table `zones` has the offsets of {@link ZONE_YEARS}, its first one holds for all
 * that is older and its last one for all that is later. Who shows numbers of views beside numbers of its own has to part
 * days by the same offsets, or an hour of an old night is of one day here and of another one there.
 */
import { ZONE_YEARS } from './day-turns.ts';
import { rulesFrom, transitionsBetween, type ZoneRules, type ZoneSource } from './rules.ts';

/** The same zones, with the offsets of {@link ZONE_YEARS} alone. */
export function asViewsKnow(source: ZoneSource): ZoneSource {
  const fromMs = Date.UTC(ZONE_YEARS.from, 0, 1);
  const toMs = Date.UTC(ZONE_YEARS.to + 1, 0, 1);
  const known = new Map<string, ZoneRules>();
  return {
    ...source,
    rulesOf(name) {
      const before = known.get(name);
      if (before !== undefined) return before;
      const all = source.rulesOf(name);
      if (all === undefined) return undefined;
      const [first, ...later] = transitionsBetween(all, fromMs, toMs);
      const rules = rulesFrom(first.offsetSeconds, later);
      known.set(name, rules);
      return rules;
    },
  };
}
