/**
 * Loads one chunk: its sessions folded and settled in memory, summed as the loader sums a range of the rollup log, and
 * inserted by the very step that loads such a range, under a token and behind a fence of its own. Repeating it repeats
 * the same blocks, and changes nothing.
 */
import { loadBatch, type TableWriter } from '../activities/load-batch.ts';
import type { Visitors } from '../activities/visitors.ts';
import type { RecognizedUser, Visit } from '../shared/actor.ts';
import { createRangeSums, type RangeSums } from '../shared/rollup.ts';
import { chunkRange } from './ledger.ts';
import type { Chunk } from './chunks.ts';
import {
  type FoldedSession,
  type FoldOptions,
  foldSession,
  settleSession,
} from './whole-session.ts';

export interface LoadChunkDeps {
  readonly visitors: Pick<Visitors, 'recognize'>;
  readonly tables: TableWriter;
  /** Tries until it is done, or until nobody wants it any more. */
  readonly patiently: <T>(step: () => Promise<T>) => Promise<T>;
}

/** Others have a turn after so many sessions: some milliseconds. */
const SESSIONS_AT_ONCE = 10;
const USERS_AT_ONCE = 32;

/** @throws what the fold throws, which is a fault of ours; what `patiently` throws */
export async function loadChunk(
  { visitors, tables, patiently }: LoadChunkDeps,
  { number, sessions }: Chunk,
  options: FoldOptions,
): Promise<RangeSums> {
  const folded: FoldedSession[] = [];
  for await (const session of inTurns(sessions)) folded.push(foldSession(session, options));
  folded.sort(byFirstEvent);
  const users = await patiently(() => recognizeAll(visitors, folded));
  const sums = createRangeSums();
  for await (const session of inTurns(folded)) {
    for (const record of settleSession(session, users.get(session))) sums.add(record);
  }
  const read = { sumRange: () => Promise.resolve(sums.sums()) };
  return patiently(() => loadBatch(read, tables, chunkRange(options.load, number)));
}

function byFirstEvent(a: FoldedSession, b: FoldedSession): number {
  return a.firstEventAt - b.firstEventAt || (a.actor.sessionId < b.actor.sessionId ? -1 : 1);
}

/** Each user's sessions are asked about one after the other, so that the first one is the one that is new. */
async function recognizeAll(
  visitors: LoadChunkDeps['visitors'],
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

async function* inTurns<T>(all: readonly T[]): AsyncGenerator<T> {
  for (const [index, one] of all.entries()) {
    if (index % SESSIONS_AT_ONCE === 0) await new Promise((resolve) => setImmediate(resolve));
    yield one;
  }
}
