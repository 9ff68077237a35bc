/** A thread that takes lines of our own events: some at a time, and the whole of it at the end. Then it sorts its share of what all have taken. */
import { parentPort, workerData } from 'node:worker_threads';
import { type PackedLines, unpackLines } from './packed-lines.ts';
import { sortSpill, type SpillFile } from './spill.ts';
import { createTakePart, type TakePartOptions } from './take-part.ts';

/** Files to sort: all that there are of their numbers. */
export interface SortShare {
  readonly spilled: readonly SpillFile[];
  readonly folder: string;
  readonly idleMs: number;
  readonly groupBytesMax: number;
}

/** A run has been sorted. */
export interface SortedRun {
  readonly sortedBytes: number;
  readonly sessions: number;
  readonly events: number;
}

/** All are. */
export interface SortedShare {
  readonly runs: readonly string[];
}

const part = createTakePart(workerData as TakePartOptions);
const say = (message: unknown) => parentPort?.postMessage(message);

parentPort?.on('message', (message: PackedLines | SortShare | 'end') => {
  if (message === 'end') say(part.end());
  else if ('spilled' in message) sortShare(message);
  else say(part.take(message.file, unpackLines(message)));
});

function sortShare({ folder, spilled, ...options }: SortShare): void {
  const onSorted = (sortedBytes: number, sessions: number, events: number) => {
    say({ sortedBytes, sessions, events } satisfies SortedRun);
  };
  sortSpill(folder, spilled, { ...options, onSorted }).then(
    (runs) => {
      say({ runs } satisfies SortedShare);
    },
    (error: unknown) => {
      // As any error of a thread: whoever waits for it hears of it.
      setImmediate(() => {
        throw error;
      });
    },
  );
}
