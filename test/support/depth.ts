/** How many cases the expensive properties try: a share of what is written at each, or many times that (`npm run test:deep`). */
import { processEnvironment } from '../../platform/config.ts';

const DEPTH = Number(processEnvironment()['SOJOURN_TEST_DEPTH'] ?? 0.15);

/** @param usual at depth 1, which is what a change to what is tested should be tried with */
export function cases(usual: number): number {
  return Math.ceil(usual * DEPTH);
}
