/**
 * Waits for something, but no longer than this.
 * @param ms - milliseconds
 * @returns whether it came in time; what it comes to after that is not looked at
 * @throws what it fails with in time
 */
export async function within(ms: number, done: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  try {
    return await Promise.race([done.then(() => true), late]);
  } finally {
    clearTimeout(timer);
  }
}
