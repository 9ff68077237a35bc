/** Progress on a terminal's standard error: nothing in the first second, and nothing elsewhere. */
import { SingleBar } from 'cli-progress';

export interface Progress {
  /** @param note what to say beside the bar */
  update(done: number, note: string): void;
  /** Writes something else to the terminal, in the place of the line, which comes back with the next update. */
  readonly aside: (write: () => void) => void;
  /** Takes the line away. */
  stop(): void;
}

const QUIET_MS = 1_000;

/** @param total what `done` will come to, where that is known; a bar then shows the share */
export function createProgress(title: string, total?: number): Progress {
  if (!process.stderr.isTTY) return HIDDEN;
  const startedAt = Date.now();
  const bar = new SingleBar({
    stream: process.stderr,
    format: total === undefined ? `${title} {note}` : `${title} {bar} {percentage} % {note}`,
    clearOnComplete: true,
    barsize: 30,
    fps: 5,
  });
  let shown = false;
  const stop = () => {
    if (shown) bar.stop();
    shown = false;
  };
  return {
    update(done, note) {
      if (!shown && Date.now() - startedAt >= QUIET_MS) {
        bar.start(total ?? 1, 0, { note });
        shown = true;
      }
      if (shown) bar.update(total === undefined ? 0 : Math.min(done, total), { note });
    },
    aside(write) {
      stop();
      write();
    },
    stop,
  };
}

const HIDDEN: Progress = {
  update: () => undefined,
  aside: (write) => {
    write();
  },
  stop: () => undefined,
};

/** What is under way says what it does now, and what it has to write besides. */
export interface UnderWay extends Pick<Progress, 'aside'> {
  readonly note: (what: string) => void;
}

/**
 * Shows that something is under way of which nobody knows how far it is.
 * @param json a program reads what comes of it: nothing is shown
 */
export async function whileUnderWay<T>(
  title: string,
  work: (underWay: UnderWay) => Promise<T>,
  { json }: { readonly json?: true | undefined } = {},
): Promise<T> {
  const progress = json === true ? HIDDEN : createProgress(title);
  let now = '';
  const ticker = setInterval(() => {
    progress.update(0, now);
  }, 200);
  try {
    return await work({
      note: (what) => {
        now = what;
      },
      aside: progress.aside,
    });
  } finally {
    clearInterval(ticker);
    progress.stop();
  }
}
