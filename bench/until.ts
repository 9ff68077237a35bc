/** Waiting for something that other processes bring about. */
import { sleep } from './world.ts';

/** Far beyond anything that works: a benchmark that hangs says so instead. */
const WITHIN_MS = 20 * 60_000;
/** Between two looks at something that is counted: a look costs the servers under test something as well. */
const LOOK_MS = { far: 1_000, near: 100 } as const;
/** What is counted may come in lumps, so the end may be nearer than it seems. */
const NEAR_MS = 3_000;

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

/**
 * Waits for a count that grows evenly: looks once a second, and ten times when the end is near.
 * @throws Error where it does not get there in time
 */
export async function untilCounted(
  what: string,
  count: () => Promise<number>,
  goal: number,
): Promise<void> {
  const start = Date.now();
  for (;;) {
    const counted = await count();
    if (counted >= goal) return;
    const elapsed = Date.now() - start;
    if (elapsed > WITHIN_MS) throw new Error(`waited for nothing: ${what}`);
    const isFar = counted > 0 && (elapsed / counted) * (goal - counted) > NEAR_MS;
    await sleep(isFar ? LOOK_MS.far : LOOK_MS.near);
  }
}
