/**
 * How long a fault run is and what it begins with: `npm run test:fault -- --rounds 100 --seed 7`.
 * Mocha would take such words for its own, so `scripts/test.mjs` hands them over by the environment.
 */
import { processEnvironment } from '../../platform/config.ts';

export interface FaultOptions {
  /** Not given: the short form, which has every kind of fault that is not slow. */
  readonly rounds: number | undefined;
  readonly seed: number;
  /** What operators do, by name: `--kinds "reset late,delete"`. Then nothing else goes wrong. */
  readonly kinds: readonly string[] | undefined;
  /** Temporal as installations have it, with two processes of each kind: not the embedded server and one process. */
  readonly onPostgres: boolean;
}

const DEFAULT_SEED = 1;

export function faultOptions(): FaultOptions {
  const {
    SOJOURN_TEST_ROUNDS: rounds,
    SOJOURN_TEST_SEED: seed,
    SOJOURN_TEST_KINDS: kinds,
    SOJOURN_TEST_TEMPORAL: temporal,
  } = processEnvironment();
  return {
    rounds: rounds === undefined ? undefined : Number(rounds),
    seed: seed === undefined ? DEFAULT_SEED : Number(seed),
    kinds: kinds?.split(',').map((name) => name.trim()),
    onPostgres: temporal === 'postgres',
  };
}
