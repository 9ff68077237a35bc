/** Progress on a terminal's standard error: nothing in the first second, and nothing elsewhere. */
import { SingleBar } from 'cli-progress';

export interface Progress {
  /** @param note what to say beside the bar */
  update(done: number, note: string): void;
  /** Takes the line away. */
  stop(): void;
}

const QUIET_MS = 1_000;

/** @param total what `done` will come to, where that is known; a bar then shows the share */
export function createProgress(title: string, total?: number): Progress {
  if (!process.stderr.isTTY) return { update: () => undefined, stop: () => undefined };
  const startedAt = Date.now();
  const bar = new SingleBar({
    stream: process.stderr,
    format: total === undefined ? `${title} {note}` : `${title} {bar} {percentage} % {note}`,
    clearOnComplete: true,
    barsize: 30,
    fps: 5,
  });
  let shown = false;
  return {
    update(done, note) {
      if (!shown && Date.now() - startedAt >= QUIET_MS) {
        bar.start(total ?? 1, 0, { note });
        shown = true;
      }
      if (shown) bar.update(total === undefined ? 0 : Math.min(done, total), { note });
    },
    stop() {
      if (shown) bar.stop();
      shown = false;
    },
  };
}

/** Shows that something is under way of which nobody knows how far it is. */
export async function whileUnderWay<T>(title: string, work: () => Promise<T>): Promise<T> {
  const progress = createProgress(title);
  const ticker = setInterval(() => {
    progress.update(0, '');
  }, 200);
  try {
    return await work();
  } finally {
    clearInterval(ticker);
    progress.stop();
  }
}
