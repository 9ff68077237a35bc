/** Chunks folded by threads, or where there are none by this one. */
import { RowBytes } from '../platform/row-bytes.ts';
import { startThread } from '../platform/thread.ts';
import { toError } from '../shared/errors.ts';
import type { Visit } from '../shared/actor.ts';
import { type FoldedChunk, foldChunk, type PackedSessions } from './fold-chunk.ts';
import type { Wait } from './wait.ts';
import type { WholeOptions } from './whole-rows.ts';

export interface FoldPool {
  /** So many chunks are folded side by side. */
  readonly size: number;
  /**
   * Folds a chunk once it is its turn. Call it in the order of chunks, each as soon as it is begun: a chunk keeps its
   * thread until its users are claimed, which they are in the order of chunks. Were it behind a later one on the same
   * thread, the two would wait for each other for ever.
   * @param sessions where they reject the turn is passed on
   * @param claim finds out which users are new; where it fails the chunk is let go
   * @throws what `sessions` and `claim` throw; what a thread failed with: the next one has another thread
   */
  fold(sessions: Promise<PackedSessions>, claim: Claim): Promise<FoldedChunk>;
  stop(): Promise<void>;
}

export type Claim = (visits: readonly Visit[]) => Promise<readonly boolean[]>;

/** @param threads 0: done here */
export function createFoldPool(threads: number, options: WholeOptions, wait: Wait): FoldPool {
  if (threads === 0) {
    return {
      size: 1,
      async fold(sessions, claim) {
        const folding = foldChunk(await sessions, options);
        return folding.settle(await claim(folding.visits));
      },
      stop: () => Promise.resolve(),
    };
  }
  const turns = Array.from({ length: threads }, () => createTurns(options, wait));
  let next = 0;
  return {
    size: threads,
    fold(sessions, claim) {
      const turn = turns[next % threads] as Turns;
      next += 1;
      return turn.fold(sessions, claim);
    },
    async stop() {
      await Promise.all(turns.map((turn) => turn.stop()));
    },
  };
}

type Turns = ReturnType<typeof createTurns>;

/** One chunk after the other: what is begun is ended, or let go by the next one. */
function createTurns(options: WholeOptions, wait: Wait) {
  let thread: FoldThread | undefined = openThread(options);
  let turn: Promise<unknown> = Promise.resolve();
  const work = async (before: Promise<unknown>, given: Promise<PackedSessions>, claim: Claim) => {
    await before;
    const sessions = await given;
    const buffers = [sessions.data.buffer, sessions.begins.buffer];
    const visits = (await ask(sessions, buffers)) as readonly Visit[];
    const folded = (await ask(await claim(visits))) as FoldedChunk;
    const { sessions: rows, notes } = folded;
    return { ...folded, sessions: RowBytes.of(rows), notes: RowBytes.of(notes) };
  };
  let isStopped = false;
  const ask = async (message: unknown, transfer?: readonly ArrayBuffer[]): Promise<unknown> => {
    if (isStopped) throw new Error('nothing is folded any more');
    thread ??= openThread(options);
    const asked = thread;
    try {
      return await wait('a thread that folds sessions', asked.ask(message, transfer));
    } catch (error) {
      // It may be in any state: whoever comes next has another one.
      thread = undefined;
      await asked.stop();
      throw error;
    }
  };
  return {
    fold(sessions: Promise<PackedSessions>, claim: Claim): Promise<FoldedChunk> {
      const folded = work(turn, sessions, claim);
      turn = folded.catch(() => undefined);
      return folded;
    },
    async stop() {
      isStopped = true;
      await thread?.stop();
    },
  };
}

type FoldThread = ReturnType<typeof openThread>;

function openThread(options: WholeOptions) {
  const thread = startThread(new URL('fold-thread', import.meta.url), import.meta.url, options);
  let failed: Error | undefined;
  let answered: { resolve(answer: unknown): void; reject(error: Error): void } | undefined;
  const fail = (error: Error) => {
    failed ??= error;
    answered?.reject(failed);
  };
  thread.on('error', (error) => {
    fail(toError(error));
  });
  thread.on('exit', () => {
    fail(new Error('a thread that folds sessions has ended'));
  });
  thread.on('message', (answer: unknown) => {
    answered?.resolve(answer);
  });
  return {
    ask: (message: unknown, transfer: readonly ArrayBuffer[] = []): Promise<unknown> =>
      new Promise((resolve, reject) => {
        if (failed !== undefined) {
          reject(failed);
          return;
        }
        answered = { resolve, reject };
        thread.postMessage(message, transfer);
      }),
    async stop() {
      await thread.terminate();
    },
  };
}
