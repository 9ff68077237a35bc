/** Some of many things at a time. */

/** Calls `act` for each item, in their order, so many at once. @throws what `act` threw first */
export async function each<T>(
  items: readonly T[],
  atOnce: number,
  act: (item: T) => Promise<void>,
  signal?: AbortSignal,
): Promise<void> {
  const queue = items.values();
  const work = async () => {
    for (const item of queue) {
      if (signal?.aborted === true) return;
      await act(item);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, items.length) }, work));
}
