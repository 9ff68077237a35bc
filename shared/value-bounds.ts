/**
 * How many values a dimension may have in a day. What comes first has rows of its own; once there are too many of them
 * the set is full, for ever, and every other value of that day is filed under `(other)`. What is taken back goes where
 * it was added, so sums are exact whatever is full (docs/decisions/035).
 *
 * One set for all metrics, and for what is from bots: so rates by a value, and people as all less bots, stay right.
 */
import { boundedDimensionOf } from './catalogue.ts';
import { addAmount, type Contributions, parseRowKey, rowKeyText } from './contributions.ts';

/** Where the rest is filed. A producer who sends this means the same. */
export const OTHER_VALUE = '(other)';

/** The values that a dimension of a project has in a day of UTC, by the bucket of the row. */
export interface DayValues {
  readonly project: string;
  /** Days since 1970. */
  readonly day: number;
  readonly dimension: string;
}

/** What is known of such a set. */
export interface KnownValues {
  /** Those that have rows of their own. */
  readonly values: ReadonlySet<string>;
  /** No other ones will have. */
  readonly isFull: boolean;
}

/** What becomes of a set when more values come. */
export interface Admission {
  /** Values that are new and get rows of their own. */
  readonly fresh: readonly string[];
  readonly isFull: boolean;
}

/**
 * A set that is over the limit as it is, which was higher before, is full too: whether it is must not depend on what of it
 * is still remembered.
 * @param values in the order they came in
 */
export function admit(
  { values: own, isFull }: KnownValues,
  values: Iterable<string>,
  valuesMax: number,
): Admission {
  if (isFull) return { fresh: [], isFull };
  const fresh = [...values].filter((value) => !own.has(value));
  const room = valuesMax - own.size;
  return { fresh: fresh.slice(0, Math.max(0, room)), isFull: fresh.length > room };
}

/** One text for a set: neither projects nor days have a space in them. */
export function dayValuesText({ project, day, dimension }: DayValues): string {
  return `${project} ${day} ${dimension}`;
}

/** A set, and what a range brings of it. */
export interface BroughtValues {
  readonly set: DayValues;
  /** In the order of the rows. */
  readonly values: ReadonlySet<string>;
}

type MetricsByProject = ReadonlyMap<string, Contributions>;

/** The sets that rows belong to, with their values. */
export function broughtValues(metrics: MetricsByProject): BroughtValues[] {
  const brought: { set: DayValues; values: Set<string> }[] = [];
  for (const [project, rows] of metrics) {
    const days = new Map<number, Map<string, Set<string>>>();
    for (const text of rows.keys()) {
      const { metric, granularity, bucket, dimension, dimensionValue } = parseRowKey(text);
      const bounded = boundedDimensionOf(metric, granularity, dimension);
      if (bounded === undefined || dimensionValue === OTHER_VALUE) continue;
      const day = dayOf(bucket);
      let dimensions = days.get(day);
      if (dimensions === undefined) days.set(day, (dimensions = new Map<string, Set<string>>()));
      let values = dimensions.get(bounded);
      if (values === undefined) {
        dimensions.set(bounded, (values = new Set<string>()));
        brought.push({ set: { project, day, dimension: bounded }, values });
      }
      values.add(dimensionValue);
    }
  }
  return brought;
}

/**
 * The same sums, with values that are not kept under `(other)`.
 * @param keptOf values that have rows of their own; undefined for a set that is not full
 */
export function fileOthers(
  metrics: MetricsByProject,
  keptOf: (set: DayValues) => ReadonlySet<string> | undefined,
): Map<string, Contributions> {
  return new Map(
    Array.from(metrics, ([project, rows]) => [project, fileOthersOf(project, rows, keptOf)]),
  );
}

function fileOthersOf(
  project: string,
  rows: Contributions,
  keptOf: (set: DayValues) => ReadonlySet<string> | undefined,
): Contributions {
  const filed: Contributions = new Map();
  for (const [text, amount] of rows) {
    const key = parseRowKey(text);
    const dimension = boundedDimensionOf(key.metric, key.granularity, key.dimension);
    const day = dayOf(key.bucket);
    const kept = dimension === undefined ? undefined : keptOf({ project, day, dimension });
    const isOther = kept !== undefined && !kept.has(key.dimensionValue);
    addAmount(filed, isOther ? rowKeyText({ ...key, dimensionValue: OTHER_VALUE }) : text, amount);
  }
  return filed;
}

const DAY_MS = 86_400_000;

function dayOf(bucket: number): number {
  return Math.floor(bucket / DAY_MS);
}
