/**
 * A load from where it is to its end: chunk after chunk, those that are loaded left out. It may be killed at any moment
 * and started again with the same name and the same sessions: the rows are the same.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClickHouseClient } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import type { Visitors } from '../activities/visitors.ts';
import type { Logger } from '../platform/log.ts';
import { type Chunk, chunksOf } from './chunks.ts';
import { begunLoads, noteBegun } from './ledger.ts';
import { loadChunk } from './load-chunk.ts';
import type { WholeSession } from './whole-session.ts';

export interface LoadDeps {
  readonly visitors: Pick<Visitors, 'recognize'>;
  /** As the writer: it inserts. */
  readonly tables: TableWriter;
  /** As somebody who may read. */
  readonly reader: ClickHouseClient;
  readonly log: Logger;
}

export interface Load {
  /** Its name, for ever: whoever changes what the sessions are, or in which order, gives another one. */
  readonly name: string;
  /** By the time of their first events; the same ones at each call. */
  readonly sessions: () => Iterable<WholeSession>;
  /** See `FoldOptions`. */
  readonly idleTimeoutMs: number;
  /** Ends it after the step that is under way; what is loaded stays. */
  readonly signal: AbortSignal;
  /** Told after each chunk, those that were there before too. */
  readonly onProgress?: (chunk: Chunk) => void;
}

export interface LoadFigures {
  sessions: number;
  /** Of them as many were there before. */
  sessionsBefore: number;
  events: number;
  chunks: number;
}

const AGAIN_MS = { first: 200, max: 5_000 } as const;

/** @throws the reason of the signal; what a fault in the sessions throws. A server that is away is waited for. */
export async function runLoad(
  { visitors, tables, reader, log }: LoadDeps,
  { name, sessions, idleTimeoutMs, signal, onProgress }: Load,
): Promise<LoadFigures> {
  const patiently = patience(signal, log);
  await patiently(() => noteBegun(tables, name));
  const loads = await patiently(() => begunLoads(reader, name));
  const loadedTo = loads.find(({ load }) => load === name)?.loadedTo ?? 0;
  const figures: LoadFigures = { sessions: 0, sessionsBefore: 0, events: 0, chunks: 0 };
  for (const chunk of chunksOf(sessions())) {
    signal.throwIfAborted();
    const isThere = chunk.number <= loadedTo;
    if (!isThere) {
      await loadChunk({ visitors, tables, patiently }, chunk, { load: name, idleTimeoutMs });
    }
    figures.chunks += 1;
    figures.sessions += chunk.sessions.length;
    if (isThere) figures.sessionsBefore += chunk.sessions.length;
    for (const { events } of chunk.sessions) figures.events += events.length;
    onProgress?.(chunk);
  }
  return figures;
}

/** Tries a step again until it is done: each may be repeated. Says once that it waits. */
function patience(signal: AbortSignal, log: Logger): <T>(step: () => Promise<T>) => Promise<T> {
  return async (step) => {
    for (let waitMs: number = AGAIN_MS.first; ; waitMs = Math.min(waitMs * 2, AGAIN_MS.max)) {
      signal.throwIfAborted();
      try {
        return await step();
      } catch (error) {
        if (signal.aborted) throw error;
        const level = waitMs === AGAIN_MS.first ? 'warn' : 'debug';
        log[level]({ err: error }, 'load in bulk is not taken, trying again');
        await sleep(waitMs, undefined, { signal });
      }
    }
  };
}
