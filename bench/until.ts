/** Waiting for something that other processes bring about. */
import { sleep } from './world.ts';

/** Far beyond anything that works: a benchmark that hangs says so instead. */
const WITHIN_MS = 20 * 60_000;

/** @throws Error where it does not happen in time */
export async function until(
  what: string,
  condition: () => Promise<boolean>,
  { everyMs = 100, withinMs = WITHIN_MS } = {},
): Promise<void> {
  const deadline = Date.now() + withinMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited for nothing: ${what}`);
    await sleep(everyMs);
  }
}
