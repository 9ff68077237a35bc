/**
 * One chunk: its sessions folded and settled in memory, summed as the loader sums a range of the rollup log, and
 * inserted by the very step that loads such a range, under a token and behind a fence of its own, with as many values of
 * a dimension as the loader lets it have. Repeating it repeats the same blocks, and changes nothing.
 */
import type { BoundValues } from '../activities/bound-values.ts';
import { loadBatch, type TableWriter } from '../activities/load-batch.ts';
import type { Visitors } from '../activities/visitors.ts';
import type { RecognizedUser, Visit } from '../shared/actor.ts';
import type { LogRange } from '../shared/ranges.ts';
import { createRangeSums, type RangeSums } from '../shared/rollup.ts';
import { chunkRange } from './ledger.ts';
import type { Chunk } from './chunks.ts';
import {
  type FoldedSession,
  type FoldOptions,
  foldSession,
  settleSession,
} from './whole-session.ts';

/** Tries until it is done, or until nobody wants it any more. */
export type Patiently = <T>(step: () => Promise<T>) => Promise<T>;

export interface SumChunkDeps {
  readonly visitors: Pick<Visitors, 'recognize'>;
  readonly patiently: Patiently;
}

/**
 * So many are folded, asked about and settled together: few enough that what is known of them is gone again before it
 * costs anything, and that others who wait for this thread have a turn every few milliseconds.
 */
const SESSIONS_AT_ONCE = 32;
const USERS_AT_ONCE = 32;

/**
 * What a chunk adds up to, the users of its sessions claimed.
 * @throws RangeError on a session without events; what `patiently` throws
 */
export async function sumChunk(
  { visitors, patiently }: SumChunkDeps,
  { sessions }: Chunk,
  options: FoldOptions,
): Promise<RangeSums> {
  const sums = createRangeSums();
  for (let from = 0; from < sessions.length; from += SESSIONS_AT_ONCE) {
    await new Promise((resolve) => setImmediate(resolve));
    const some = sessions.slice(from, from + SESSIONS_AT_ONCE);
    const folded = some.map((session) => foldSession(session, options));
    const users = await patiently(() => recognizeAll(visitors, folded));
    for (const session of folded) {
      for (const record of settleSession(session, users.get(session))) sums.add(record);
    }
  }
  return sums.sums();
}

export interface InsertChunkDeps {
  readonly tables: TableWriter;
  /** Files what is too much for a dimension under `(other)`, and notes before that it is full. */
  readonly bound: BoundValues;
}

/**
 * Inserts what a chunk adds up to, the one before it loaded; safe to repeat.
 * @param valuesMax how many values of a dimension have rows of their own, a project and day
 * @throws what the tables throw
 */
export async function insertChunk(
  { tables, bound }: InsertChunkDeps,
  { load, number, valuesMax }: { load: string; number: number; valuesMax: number },
  sums: RangeSums,
): Promise<void> {
  const sumRange = (range: LogRange) => bound(range, sums);
  await loadBatch({ sumRange }, tables, chunkRange(load, number, valuesMax));
}

/** Each user's sessions are asked about one after the other, so that the first one is the one that is new. */
async function recognizeAll(
  visitors: SumChunkDeps['visitors'],
  folded: readonly FoldedSession[],
): Promise<ReadonlyMap<FoldedSession, RecognizedUser>> {
  const byUser = new Map<string, (readonly [FoldedSession, Visit])[]>();
  for (const session of folded) {
    const { visit } = session;
    if (visit === undefined) continue;
    const user = JSON.stringify([visit.project, visit.userId]);
    const before = byUser.get(user);
    if (before === undefined) byUser.set(user, [[session, visit]]);
    else before.push([session, visit]);
  }
  const users = new Map<FoldedSession, RecognizedUser>();
  const queue = byUser.values();
  const ask = async () => {
    for (const visits of queue) {
      for (const [session, visit] of visits) users.set(session, await visitors.recognize(visit));
    }
  };
  await Promise.all(Array.from({ length: USERS_AT_ONCE }, ask));
  return users;
}
