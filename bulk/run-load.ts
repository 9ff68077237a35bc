/**
 * A load from where it is to its end: chunk after chunk, those that are loaded left out. It may be killed at any moment
 * and started again with the same name and the same sessions: the rows are the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import { createBoundValues, type FullValues, type ValueStore } from '../activities/bound-values.ts';
import type { TableWriter } from '../activities/load-batch.ts';
import type { Visitors } from '../activities/visitors.ts';
import type { Logger } from '../platform/log.ts';
import { type Chunk, type ChunkMax, chunksOf, type Sessions } from './chunks.ts';
import { begunLoads, noteBegun, noteDone } from './ledger.ts';
import { insertChunk, type Patiently, sumChunk } from './load-chunk.ts';

export interface LoadDeps {
  readonly visitors: Pick<Visitors, 'recognize'>;
  /** As the writer: it inserts. */
  readonly tables: TableWriter;
  /** As somebody who may read. */
  readonly reader: ClickHouseClient;
  /** What dimensions have already, and where it is noted that one is full. */
  readonly values: ValueStore;
  /** How many values of a dimension have rows of their own, a project and day: as of the loader. */
  readonly valuesMax: number;
  readonly log: Logger;
}

export interface Load {
  /** Its name, for ever: whoever changes what the sessions are, or in which order, gives another one. */
  readonly name: string;
  /** By the time of their first events; the same ones at each call. */
  readonly sessions: () => Sessions;
  /** See `FoldOptions`. */
  readonly idleTimeoutMs: number;
  /** Ends it after the step that is under way; what is loaded stays. */
  readonly signal: AbortSignal;
  /** Told after each chunk, those that were there before too. */
  readonly onProgress?: (chunk: Chunk) => void;
  /** How large chunks are: the same for one name, always. */
  readonly chunkMax?: ChunkMax;
}

export interface LoadFigures {
  sessions: number;
  /** Of them as many were there before. */
  sessionsBefore: number;
  events: number;
  chunks: number;
}

const DAY_MS = 86_400_000;
const AGAIN_MS = { first: 200, max: 5_000 } as const;
const SAY_EVERY_MS = 60_000;

/** Does nothing where it is done. @throws the reason of the signal; what a fault in the sessions throws. A server that is away is waited for. */
export async function runLoad(
  { visitors, tables, reader, values, valuesMax, log }: LoadDeps,
  { name, sessions, idleTimeoutMs, signal, onProgress, chunkMax }: Load,
): Promise<LoadFigures> {
  const patiently = patience(signal, log);
  await patiently(() => noteBegun(tables, name));
  const loads = await patiently(() => begunLoads(reader, name));
  const { loadedTo = 0, isDone = false } = loads.find(({ load }) => load === name) ?? {};
  const figures: LoadFigures = { sessions: 0, sessionsBefore: 0, events: 0, chunks: 0 };
  if (isDone) return figures;
  const bound = createBoundValues(values, sayFull(log));
  const count = (chunk: Chunk, isThere: boolean) => {
    figures.chunks += 1;
    figures.sessions += chunk.sessions.length;
    if (isThere) figures.sessionsBefore += chunk.sessions.length;
    for (const { events } of chunk.sessions) figures.events += events.length;
    onProgress?.(chunk);
  };
  // One chunk is inserted while the next one is worked out; never two, for the place of one is behind the other's.
  let inserting = Promise.resolve();
  try {
    for await (const chunk of chunksOf(sessions(), chunkMax)) {
      signal.throwIfAborted();
      const { number } = chunk;
      if (number <= loadedTo) {
        count(chunk, true);
        continue;
      }
      const sums = await sumChunk({ visitors, patiently }, chunk, { load: name, idleTimeoutMs });
      await inserting;
      inserting = patiently(() =>
        insertChunk({ tables, bound }, { load: name, number, valuesMax }, sums),
      ).then(() => {
        count(chunk, false);
      });
      inserting.catch(() => undefined);
    }
  } finally {
    // Nothing goes on behind the back of whoever is told that it broke.
    await inserting;
  }
  await patiently(() => noteDone(tables, name));
  return figures;
}

function sayFull(log: Logger): (full: FullValues) => void {
  return ({ set: { project, day, dimension }, valuesMax }) => {
    log.warn(
      { project, dimension, day: new Date(day * DAY_MS).toISOString().slice(0, 10), valuesMax },
      'dimension has too many values, more of this day are filed under (other)',
    );
  };
}

/** Tries a step again until it is done: each may be repeated. Says once a minute that it waits. */
function patience(signal: AbortSignal, log: Logger): Patiently {
  return async (step) => {
    let saidAt = -Infinity;
    for (let waitMs: number = AGAIN_MS.first; ; waitMs = Math.min(waitMs * 2, AGAIN_MS.max)) {
      signal.throwIfAborted();
      try {
        return await step();
      } catch (error) {
        if (signal.aborted) throw error;
        if (performance.now() - saidAt > SAY_EVERY_MS) {
          saidAt = performance.now();
          log.warn({ err: error }, 'load in bulk is not taken, trying again');
        }
        await sleep(waitMs, undefined, { signal });
      }
    }
  };
}
