/** Sessions in chunks that are loaded at once: the same sessions in the same order make the same chunks. */
import type { SessionBytes } from './run-file.ts';

export interface SessionChunk {
  /** From 1. */
  readonly number: number;
  readonly sessions: readonly SessionBytes[];
  readonly events: number;
  readonly isLast: boolean;
}

export interface ChunkMax {
  readonly sessionsMax: number;
  /** More only where one session has more. */
  readonly eventsMax: number;
}

/** Enough for an insert to be worth it; some 100 MB while it is worked out, and a few are at once. */
export const CHUNK_MAX: ChunkMax = { sessionsMax: 5_000, eventsMax: 50_000 };

/** There is always one, empty where there is nothing. */
export function* chunksOf(
  sessions: Iterable<SessionBytes>,
  { sessionsMax, eventsMax }: ChunkMax = CHUNK_MAX,
): Generator<SessionChunk> {
  let number = 1;
  let chunk: SessionBytes[] = [];
  let events = 0;
  for (const session of sessions) {
    const isFull = chunk.length === sessionsMax || events + session.eventCount > eventsMax;
    if (isFull && chunk.length > 0) {
      yield { number, sessions: chunk, events, isLast: false };
      number += 1;
      chunk = [];
      events = 0;
    }
    chunk.push(session);
    events += session.eventCount;
  }
  yield { number, sessions: chunk, events, isLast: true };
}
