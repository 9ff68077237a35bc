/** Takes lines of our own events on several threads: to read an event is most of what an import does. */
import type { Worker as Thread } from 'node:worker_threads';
import { join } from 'node:path';
import { startThread } from '../platform/thread.ts';
import { toError } from '../shared/errors.ts';
import { type LineRecord, packLines } from './packed-lines.ts';
import { GROUP_BYTES_MAX, type SortOptions, type SpillFile } from './spill.ts';
import type { Taken, TakenPart, TakePartOptions } from './take-part.ts';
import type { SortedRun, SortedShare, SortShare } from './take-thread.ts';
import type { Wait } from './wait.ts';

export interface TakingThreads {
  /** Resolves when there is room for more; what comes of them is told. */
  take(file: string, records: readonly LineRecord[]): Promise<void>;
  /** @returns what each thread has, once all are done */
  end(): Promise<readonly TakenPart[]>;
  /** Turns what all have spilled into runs, as `sortSpill` does, each a share of it. After the end. */
  sort(
    folder: string,
    spilled: readonly SpillFile[],
    options: Pick<SortOptions, 'idleMs' | 'onSorted'>,
  ): Promise<readonly string[]>;
  /** Ends them, done or not. */
  stop(): Promise<void>;
}

/** Batches that a thread has before it; each is a few hundred kilobytes. */
const AHEAD_MAX = 4;

/** @param onTaken told of each batch */
export function startTaking(
  count: number,
  options: TakePartOptions,
  onTaken: (taken: Taken) => void,
  wait: Wait,
): TakingThreads {
  const threads = Array.from({ length: count }, (_, n) => {
    const folder = join(options.folder, `thread-${n}`);
    return openThread({ ...options, folder }, onTaken, wait);
  });
  return {
    async take(file, records) {
      const idlest = threads.reduce((a, b) => (b.ahead < a.ahead ? b : a));
      await idlest.send(file, records);
    },
    end: () => Promise.all(threads.map((thread) => thread.end())),
    async sort(folder, spilled, { idleMs, onSorted }) {
      const groupBytesMax = Math.ceil(GROUP_BYTES_MAX / count);
      const shares = await Promise.all(
        threads.map((thread, n) => {
          // A session is in files of one number.
          const own = spilled.filter(({ number }) => number % count === n);
          const share = { spilled: own, folder: join(folder, String(n)), idleMs, groupBytesMax };
          return thread.sort(share, onSorted);
        }),
      );
      return shares.flat();
    },
    async stop() {
      await Promise.all(threads.map((thread) => thread.stop()));
    },
  };
}

function openThread(options: TakePartOptions, onTaken: (taken: Taken) => void, wait: Wait) {
  const thread: Thread = startThread(
    new URL('take-thread', import.meta.url),
    import.meta.url,
    options,
  );
  let ahead = 0;
  let failed: Error | undefined;
  let ended: ((part: TakenPart) => void) | undefined;
  let onSorted: SortOptions['onSorted'];
  let runs: readonly string[] | undefined;
  let changed = () => {};
  const change = () =>
    wait(
      'a thread that reads events',
      new Promise<void>((resolve) => {
        changed = resolve;
      }),
    );
  const fail = (error: Error) => {
    failed ??= error;
    changed();
  };
  thread.on('error', fail);
  thread.on('exit', () => {
    fail(new Error('a thread that reads events has ended'));
  });
  thread.on('message', (message: Taken | TakenPart | SortedRun | SortedShare) => {
    try {
      hear(message);
    } catch (error) {
      // Who is told of it may have had enough.
      fail(toError(error));
    }
    changed();
  });
  const hear = (message: Taken | TakenPart | SortedRun | SortedShare) => {
    if ('spilled' in message) ended?.(message);
    else if ('runs' in message) ({ runs } = message);
    else if ('sortedBytes' in message)
      onSorted?.(message.sortedBytes, message.sessions, message.events);
    else {
      ahead -= 1;
      onTaken(message);
    }
  };
  const throwIfFailed = () => {
    if (failed !== undefined) throw failed;
  };
  return {
    get ahead() {
      return ahead;
    },
    async send(file: string, records: readonly LineRecord[]) {
      while (ahead >= AHEAD_MAX && failed === undefined) await change();
      throwIfFailed();
      const packed = packLines(file, records);
      ahead += 1;
      thread.postMessage(packed, [packed.data.buffer, packed.lines.buffer, packed.ends.buffer]);
    },
    async end(): Promise<TakenPart> {
      let part: TakenPart | undefined;
      ended = (given) => {
        part = given;
      };
      thread.postMessage('end');
      while (part === undefined && failed === undefined) await change();
      if (part !== undefined) return part;
      throw failed ?? new Error('a thread that reads events has ended');
    },
    async sort(share: SortShare, told: SortOptions['onSorted']): Promise<readonly string[]> {
      onSorted = told;
      thread.postMessage(share);
      while (runs === undefined && failed === undefined) await change();
      throwIfFailed();
      return runs ?? [];
    },
    async stop() {
      await thread.terminate();
    },
  };
}
