/** Chunks folded by threads, or where there are none by this one. */
import { startThread } from '../platform/thread.ts';
import type { Visit } from '../shared/actor.ts';
import { type FoldedChunk, foldChunk, type PackedSessions } from './fold-chunk.ts';
import type { WholeOptions } from './whole-rows.ts';

export interface FoldPool {
  /** So many chunks are folded side by side. */
  readonly size: number;
  /**
   * Folds a chunk once it is its turn.
   * @param claim finds out which users are new; where it fails the chunk is let go
   * @throws what `claim` throws; what a thread failed with
   */
  fold(sessions: PackedSessions, claim: Claim): Promise<FoldedChunk>;
  stop(): Promise<void>;
}

export type Claim = (visits: readonly Visit[]) => Promise<readonly boolean[]>;

/** @param threads 0: done here */
export function createFoldPool(threads: number, options: WholeOptions): FoldPool {
  if (threads === 0) {
    return {
      size: 1,
      async fold(sessions, claim) {
        const folding = foldChunk(sessions, options);
        return folding.settle(await claim(folding.visits));
      },
      stop: () => Promise.resolve(),
    };
  }
  const folders = Array.from({ length: threads }, () => openFolder(options));
  let next = 0;
  return {
    size: threads,
    fold(sessions, claim) {
      const folder = folders[next % threads] as Folder;
      next += 1;
      return folder.fold(sessions, claim);
    },
    async stop() {
      await Promise.all(folders.map((folder) => folder.stop()));
    },
  };
}

type Folder = ReturnType<typeof openFolder>;

function openFolder(options: WholeOptions) {
  const thread = startThread(new URL('fold-thread', import.meta.url), import.meta.url, options);
  let failed: Error | undefined;
  let answered: { resolve(answer: unknown): void; reject(error: Error): void } | undefined;
  const fail = (error: Error) => {
    failed ??= error;
    answered?.reject(failed);
  };
  thread.on('error', fail);
  thread.on('exit', () => {
    fail(new Error('a thread that folds sessions has ended'));
  });
  thread.on('message', (answer: unknown) => {
    answered?.resolve(answer);
  });
  const ask = (message: unknown, transfer: readonly ArrayBuffer[] = []): Promise<unknown> =>
    new Promise((resolve, reject) => {
      if (failed !== undefined) {
        reject(failed);
        return;
      }
      answered = { resolve, reject };
      thread.postMessage(message, transfer);
    });
  // One chunk after the other: what is begun is ended, or let go by the next one.
  let turn: Promise<unknown> = Promise.resolve();
  const work = async (sessions: PackedSessions, claim: Claim) => {
    const buffers = [sessions.data.buffer, sessions.begins.buffer];
    const visits = (await ask(sessions, buffers)) as readonly Visit[];
    return (await ask(await claim(visits))) as FoldedChunk;
  };
  return {
    fold(sessions: PackedSessions, claim: Claim): Promise<FoldedChunk> {
      const folded = turn.then(() => work(sessions, claim));
      turn = folded.catch(() => undefined);
      return folded;
    },
    async stop() {
      await thread.terminate();
    },
  };
}
