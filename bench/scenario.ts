/** What a benchmark file exports, and what it gets. */
import type { World } from './world.ts';

/** Shows that it works · some minutes each · as large as the questions ask for. */
export type Size = 'quick' | 'default' | 'long';

export interface Scale {
  readonly size: Size;
  /** Rounds of each measurement. */
  readonly rounds: number;
  /** Other checkouts to measure in turns with this one, where a scenario can. */
  readonly against: readonly string[];
  /** What belongs to this size. */
  pick<T>(choices: Readonly<Record<Size, T>>): T;
}

/** With one round there is no spread: quick figures are no measurements. */
const ROUNDS: Readonly<Record<Size, number>> = { quick: 1, default: 3, long: 3 };

/** @param rounds in place of those of the size */
export function scaleOf(
  size: Size,
  against: readonly string[] = [],
  rounds: number = ROUNDS[size],
): Scale {
  return { size, against, rounds, pick: (choices) => choices[size] };
}

/** One line of the result. */
export interface Result {
  readonly scenario: string;
  /** What was varied, for example `K = 5`. */
  readonly variant: string;
  readonly metric: string;
  readonly unit: string;
  readonly value: number;
  readonly min?: number;
  readonly max?: number;
  /** What the issue asks for, and whether it is reached. */
  readonly goal?: string;
  readonly reached?: boolean;
}

export interface Scenario {
  readonly name: string;
  /** One question, one sentence. */
  readonly question: string;
  /** A short run of it says little: left out of those unless asked for by name. */
  readonly needsTime?: boolean;
  run(world: World, scale: Scale, say: (line: string) => void): Promise<Result[]>;
}
