/** Some of many things at a time. */

/** Does `work` for each of them, at most so many at once; in no order. @throws what the first fails with */
export async function atOnce<T>(
  places: number,
  all: Iterable<T>,
  work: (one: T) => Promise<void>,
): Promise<void> {
  const left = all[Symbol.iterator]();
  const next = async (): Promise<void> => {
    for (let one = left.next(); one.done !== true; one = left.next()) await work(one.value);
  };
  await Promise.all(Array.from({ length: places }, next));
}
