/**
 * Chunks of an import in their order, some of them worked out while the one before is loaded. Whoever asks may ask again for
 * the last one, or begin further on where chunks are loaded already.
 */
import type { ChunkMax } from '../shared/import-plan.ts';
import type { PreparedChunk } from './prepare-chunk.ts';
import type { SessionBytes } from './run-file.ts';
import { chunksOf, type SessionChunk } from './session-chunks.ts';

export interface ChunkSource {
  /** @throws RangeError for a number behind the last; what working it out throws, again and again as often as it is asked */
  chunk(number: number): Promise<PreparedChunk>;
  /** One that is loaded already: nothing is worked out. @throws RangeError for a number behind the last */
  skip(number: number): ChunkSize;
  /** Whatever is asked for from now on is worked out anew. */
  forget(): void;
}

export interface ChunkSize extends Pick<SessionChunk, 'number' | 'events' | 'isLast'> {
  readonly sessionCount: number;
}

/** A chunk that is being worked out. */
export interface Preparing {
  /** Its users are claimed: those of the next one may be. Rejects where they are not. */
  readonly claimed: Promise<void>;
  readonly prepared: Promise<PreparedChunk>;
}

/** @param before resolves when the users of the chunk before are claimed; where it rejects, this one's must not be */
export type Prepare = (chunk: SessionChunk, before: Promise<void>) => Preparing;

/**
 * @param ahead so many are worked out beside the one that is asked for
 * @param begins where it is given the first ones are worked out at once, and their users claimed when it resolves
 */
export function createChunkSource(
  sessions: () => Iterable<SessionBytes>,
  prepare: Prepare,
  {
    ahead,
    max,
    begins,
  }: {
    readonly ahead: number;
    readonly max?: ChunkMax | undefined;
    readonly begins?: Promise<void>;
  },
): ChunkSource {
  let chunks = chunksOf(sessions(), max);
  let current: SessionChunk | undefined;
  /** By number, in their order, without a gap. */
  const begun = new Map<number, Preparing>();
  /** Of all that were read so far: to skip one again nothing is read again. */
  const sizes = new Map<number, ChunkSize>();

  function sizeOf(number: number): ChunkSize {
    if (!sizes.has(number)) seek(number);
    return sizes.get(number) as ChunkSize;
  }

  function seek(number: number): SessionChunk {
    if (current !== undefined && current.number > number) {
      chunks = chunksOf(sessions(), max);
      current = undefined;
    }
    while (current === undefined || current.number < number) {
      const next = chunks.next();
      if (next.done === true) throw new RangeError(`there is no chunk ${number}`);
      current = next.value;
      const { events, isLast, sessions } = current;
      sizes.set(current.number, {
        number: current.number,
        events,
        isLast,
        sessionCount: sessions.length,
      });
    }
    return current;
  }

  function begin(number: number): Preparing {
    const before = begun.get(number - 1)?.claimed ?? begins ?? Promise.resolve();
    const preparing = prepare(seek(number), before);
    // Whoever asks for it hears of a failure.
    preparing.prepared.catch(() => undefined);
    preparing.claimed.catch(() => undefined);
    begun.set(number, preparing);
    return preparing;
  }

  /** Begins what is wanted, and what comes behind it. */
  function beginFrom(number: number): Preparing {
    const wanted = begun.get(number) ?? begin(number);
    for (let next = number + 1; next <= number + ahead; next += 1) {
      if (begun.has(next)) continue;
      if (current?.isLast === true) break;
      begin(next);
    }
    return wanted;
  }

  if (begins !== undefined) beginFrom(1);
  return {
    skip: sizeOf,
    forget: () => {
      begun.clear();
    },
    async chunk(number) {
      if (!begun.has(number)) begun.clear();
      for (const old of begun.keys()) if (old < number - 1) begun.delete(old);
      const { prepared } = beginFrom(number);
      try {
        return await prepared;
      } catch (error) {
        // Those behind it wait for its users: they are begun anew, too.
        begun.clear();
        throw error;
      }
    },
  };
}
