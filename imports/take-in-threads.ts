/** Takes lines of our own events on several threads: to read an event is most of what an import does. */
import type { Worker as Thread } from 'node:worker_threads';
import { join } from 'node:path';
import { startThread } from '../platform/thread.ts';
import { type LineRecord, packLines } from './packed-lines.ts';
import type { Taken, TakenPart, TakePartOptions } from './take-part.ts';
import type { Wait } from './wait.ts';

export interface TakingThreads {
  /** Resolves when there is room for more; what comes of them is told. */
  take(file: string, records: readonly LineRecord[]): Promise<void>;
  /** @returns what each thread has, once all are done */
  end(): Promise<readonly TakenPart[]>;
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
  thread.on('message', (message: Taken | TakenPart) => {
    if ('spilled' in message) {
      ended?.(message);
      changed();
      return;
    }
    ahead -= 1;
    onTaken(message);
    changed();
  });
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
    async stop() {
      await thread.terminate();
    },
  };
}
