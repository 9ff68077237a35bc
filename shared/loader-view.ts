/** A loader as people are shown it: its current details in the Temporal UI, and what its activities are about. */
import { type LoaderState, type LogRange, purgeableUpTo } from './ranges.ts';

export interface LoaderView {
  readonly state: LoaderState;
  /** What is being loaded; null while there is nothing to load. */
  readonly loading: LogRange | null;
  readonly ranges: number;
  readonly rangesMax: number;
  /** From when the log took the newest loaded record until it was loaded, milliseconds. */
  readonly lagMs?: number | undefined;
}

const NANOS_PER_MS = 1_000_000n;

/** How long a range's newest record had been in the log at a time; undefined where nobody noted when it came. */
export function lagOf({ at }: LogRange, now: number): number | undefined {
  return at === undefined ? undefined : Math.max(0, now - Number(BigInt(at) / NANOS_PER_MS));
}

/** In a line, for the list of events. */
export function describeRange({ partition, from, to }: LogRange): string {
  return `records ${from} to ${to} of partition ${partition}`;
}

/** In Markdown, for the Temporal UI. */
export function describeLoader({ state, loading, ranges, rangesMax, lagMs }: LoaderView): string {
  const { partition, position, purged } = state;
  const rows: readonly (readonly [string, string])[] = [
    ['Loaded up to', position.seq === 0 ? 'nothing yet' : `record ${position.seq}`],
    ['In the log until loaded', lagMs === undefined ? 'not known' : `${lagMs / 1_000} s`],
    ['Purged up to', purged === 0 ? 'nothing yet' : `record ${purged}`],
    ['May be purged up to', `record ${purgeableUpTo(state)}`],
    ['Ranges of this run', `${ranges} of ${rangesMax}, then the next run goes on`],
  ];
  const now =
    loading === null ? '**waiting** for records' : `**loading** ${describeRange(loading)}`;
  return [
    `${now} (partition ${partition})`,
    '',
    '| | |',
    '|-|-|',
    ...rows.map(([name, value]) => `| ${name} | ${value} |`),
    '',
    'A load that fails is tried again until it works: its last error is under *Pending Activities*.',
  ].join('\n');
}
