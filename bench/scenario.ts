/** What a benchmark file exports, and what it gets. */
import type { World } from './world.ts';

export interface Scale {
  /** Less of everything, for a first look. */
  readonly quick: boolean;
  /** Rounds of each measurement. */
  readonly rounds: number;
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
  run(world: World, scale: Scale, say: (line: string) => void): Promise<Result[]>;
}
