/**
 * Chunks of an import in their order, each worked out while the one before it is loaded. Whoever asks may ask again for
 * the last one, or begin further on where chunks are loaded already.
 */
import type { PreparedChunk } from './prepare-chunk.ts';
import type { SessionBytes } from './run-file.ts';
import { chunksOf, type ChunkMax, type SessionChunk } from './session-chunks.ts';

export interface ChunkSource {
  /** @throws RangeError for a number behind the last; what working it out throws, again and again as often as it is asked */
  chunk(number: number): Promise<PreparedChunk>;
  /** One that is loaded already: nothing is worked out. @throws RangeError for a number behind the last */
  skip(number: number): Pick<SessionChunk, 'number' | 'events' | 'isLast' | 'sessions'>;
}

export function createChunkSource(
  sessions: () => Iterable<SessionBytes>,
  prepare: (chunk: SessionChunk) => Promise<PreparedChunk>,
  max?: ChunkMax,
): ChunkSource {
  let chunks = chunksOf(sessions(), max);
  let current: SessionChunk | undefined;
  let ahead: { readonly number: number; readonly prepared: Promise<PreparedChunk> } | undefined;

  function seek(number: number): SessionChunk {
    if (current !== undefined && current.number > number) {
      chunks = chunksOf(sessions(), max);
      current = undefined;
    }
    while (current === undefined || current.number < number) {
      const next = chunks.next();
      if (next.done === true) throw new RangeError(`there is no chunk ${number}`);
      current = next.value;
    }
    return current;
  }

  function begin(number: number): Promise<PreparedChunk> {
    const prepared = prepare(seek(number));
    // Whoever asks for it hears of a failure.
    prepared.catch(() => undefined);
    return prepared;
  }

  return {
    skip: (number) => seek(number),
    async chunk(number) {
      const begun = ahead?.number === number ? ahead.prepared : begin(number);
      ahead = undefined;
      const prepared = await begun;
      if (!prepared.isLast) ahead = { number: number + 1, prepared: begin(number + 1) };
      return prepared;
    },
  };
}
