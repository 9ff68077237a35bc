/** Sessions in chunks that are loaded at once: the same sessions in the same order make the same chunks. */
import type { ChunkMax } from '../shared/import-plan.ts';
import type { SessionBytes } from './run-file.ts';

export interface SessionChunk {
  /** From 1. */
  readonly number: number;
  readonly sessions: readonly SessionBytes[];
  readonly events: number;
  readonly isLast: boolean;
}

/** Of imports that were begun before their plan said it. */
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
