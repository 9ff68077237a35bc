/**
 * Waits for something to become true, and says what was wrong last where it does not. What takes long to
 * look at is looked at less often: it would slow down what is waited for.
 */
export async function eventually<T>(
  check: () => T | Promise<T>,
  { withinMs, everyMs = 100 }: { readonly withinMs: number; readonly everyMs?: number },
): Promise<T> {
  const giveUpAt = Date.now() + withinMs;
  for (;;) {
    const began = Date.now();
    try {
      return await check();
    } catch (error) {
      if (Date.now() >= giveUpAt) throw error;
      const pauseMs = Math.max(everyMs, Date.now() - began);
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  }
}
