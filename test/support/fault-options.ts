/**
 * How long a fault run is and what it begins with: `npm run test:fault -- --rounds 100 --seed 7`.
 * Mocha would take such words for its own, so `scripts/test.mjs` hands them over by the environment.
 */
import { processEnvironment } from '../../platform/config.ts';

export interface FaultOptions {
  /** Not given: the short form, which has every kind of fault. */
  readonly rounds: number | undefined;
  readonly seed: number;
}

const DEFAULT_SEED = 1;

export function faultOptions(): FaultOptions {
  const { SOJOURN_TEST_ROUNDS: rounds, SOJOURN_TEST_SEED: seed } = processEnvironment();
  return {
    rounds: rounds === undefined ? undefined : Number(rounds),
    seed: seed === undefined ? DEFAULT_SEED : Number(seed),
  };
}
