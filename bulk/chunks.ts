/**
 * A load in chunks: so many sessions that one insert is worth it, so few that they are held in memory easily. The same
 * sessions in the same order make the same chunks, so a chunk is known by its number.
 */
import { BULK_EVENTS_MAX, BULK_SESSIONS_MAX } from '../shared/limits.ts';
import type { WholeSession } from './whole-session.ts';

export interface Chunk {
  /** From 1. */
  readonly number: number;
  readonly sessions: readonly WholeSession[];
}

/** From memory, from a file, from a thread. */
export type Sessions = Iterable<WholeSession> | AsyncIterable<WholeSession>;

export interface ChunkMax {
  readonly sessionsMax: number;
  /** More only where one session has more. */
  readonly eventsMax: number;
}

const CHUNK_MAX: ChunkMax = { sessionsMax: BULK_SESSIONS_MAX, eventsMax: BULK_EVENTS_MAX };

/**
 * @param sessions by the time of their first events: it decides whose users are new
 * @throws RangeError where they are not
 */
export async function* chunksOf(
  sessions: Sessions,
  { sessionsMax, eventsMax }: ChunkMax = CHUNK_MAX,
): AsyncGenerator<Chunk> {
  let number = 1;
  let chunk: WholeSession[] = [];
  let events = 0;
  let latest = 0;
  for await (const session of sessions) {
    const firstEventAt = firstOf(session);
    if (firstEventAt < latest) {
      throw new RangeError(`session ${session.sessionId} begins before one that came before it`);
    }
    latest = firstEventAt;
    const isFull = chunk.length === sessionsMax || events + session.events.length > eventsMax;
    if (isFull && chunk.length > 0) {
      yield { number, sessions: chunk };
      number += 1;
      chunk = [];
      events = 0;
    }
    chunk.push(session);
    events += session.events.length;
  }
  if (chunk.length > 0) yield { number, sessions: chunk };
}

/** Epoch milliseconds. */
function firstOf({ events }: WholeSession): number {
  return events.reduce((first, { at }) => Math.min(first, at), Infinity);
}
