/** All benchmarks, in the order they run. */
import { pipeline } from './pipeline.bench.ts';
import type { Scenario } from './scenario.ts';

export const SCENARIOS: readonly Scenario[] = [pipeline];
