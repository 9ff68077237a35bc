/** Waits of any length: a timer takes 2^31 - 1 ms at the most, 24.8 days, and is over at once where it gets more. */
import { setTimeout as sleep } from 'node:timers/promises';

const TIMER_MS_MAX = 2 ** 31 - 1;

export interface LongSleepOptions {
  /** Ends the wait with its reason. */
  readonly signal?: AbortSignal;
  /** Whether the process lives on for it. @default true */
  readonly ref?: boolean;
}

/** @throws AbortError once the signal is aborted */
export async function longSleep(ms: number, options: LongSleepOptions = {}): Promise<void> {
  for (let leftMs = ms; leftMs > 0; leftMs -= TIMER_MS_MAX) {
    await sleep(Math.min(leftMs, TIMER_MS_MAX), undefined, options);
  }
}

/** Aborted after this long; no process lives on for it. As `AbortSignal.timeout`, which throws above 49 days. */
export function deadlineAfter(ms: number): AbortSignal {
  const deadline = new AbortController();
  longSleep(ms, { ref: false }).then(
    () => {
      deadline.abort(new DOMException('time is up', 'TimeoutError'));
    },
    () => undefined,
  );
  return deadline.signal;
}
