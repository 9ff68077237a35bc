const PAUSE_MS = 100;
/** What takes a while to look at is left alone for so many times as long, up to a second: it would slow down what is waited for. */
const REST = 3;
const REST_MS_MAX = 1_000;

/** Waits for something to become true, and says what was wrong last where it does not. */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs, everyMs }: { readonly withinMs: number; readonly everyMs?: number },
): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const began = Date.now();
    try {
      return await check();
    } catch (error) {
      const tookMs = Date.now() - began;
      if (began + tookMs >= giveUpAt) throw error;
      const restMs = everyMs ?? Math.max(PAUSE_MS, Math.min(REST * tookMs, REST_MS_MAX));
      const pauseMs = Math.max(restMs, tookMs);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
