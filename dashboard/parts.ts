/** A range in parts: days, weeks, months or hours, each known by the instant at which it begins. */
import { type Bucket, bucketIndex, type Span } from './period.ts';

/** An instant of the range, by hour. */
export interface Hours {
  /** Epoch seconds of each hour's start, ascending. */
  readonly starts: readonly number[];
  /** Epoch seconds of the end of the last one. */
  readonly end: number;
}

/** As parameters of a query: `roundDown` finds the start, `transform` the name. */
export interface Parts {
  /** Epoch seconds, ascending. */
  readonly starts: readonly number[];
  readonly names: readonly string[];
}

/** Days. */
export function partsOfDays({ starts, days, end }: Span): Parts {
  return startsNamed(starts, days, end);
}

/** Buckets, each with the days of the range that lie in it. */
export function partsOf({ starts, days, end }: Span, buckets: readonly Bucket[]): Parts {
  return startsNamed(
    starts,
    days.map((day) => buckets[bucketIndex(buckets, day)]?.key ?? day),
    end,
  );
}

/** Hours, which are given, so that no zone of ClickHouse's own decides. */
export function partsOfHours({ starts }: Hours): Parts {
  return { starts, names: starts.map(String) };
}

function startsNamed(starts: readonly number[], names: readonly string[], end: number): Parts {
  const startOf = new Map<string, number>();
  for (const [index, name] of names.entries()) {
    if (!startOf.has(name)) startOf.set(name, starts[index] ?? end);
  }
  // Of days that the zone has left out there is no part, but the query needs one.
  if (startOf.size === 0) startOf.set('', end);
  return { starts: [...startOf.values()], names: [...startOf.keys()] };
}

/** Whether all of these instants, epoch seconds, begin an hour of UTC, by which metrics are kept. */
export function areWholeHours(instants: readonly number[]): boolean {
  return instants.every((at) => at % 3_600 === 0);
}
