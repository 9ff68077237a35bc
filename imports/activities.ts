/** What an import's workflow has done where the files are. */
import type { ClickHouseClient } from '@clickhouse/client';
import { ApplicationFailure } from '@temporalio/activity';
import type { TableWriter } from '../activities/load-batch.ts';
import { whileBeating } from '../activities/while-beating.ts';
import { type BegunLoad, begunLoads, noteBegun, noteDone as noteLoadDone } from '../bulk/ledger.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportPlan, LoadedChunk, TakenBack } from '../shared/import-plan.ts';
import type { ChunkSource } from './chunk-source.ts';
import {
  countFates,
  importRowOf,
  isOver,
  listImports,
  loadName,
  noteImport,
} from './import-tables.ts';
import { loadPrepared, type LoadChunkDeps } from './load-chunk.ts';
import { createPublishOnce, type PublishLive } from './publish-once.ts';
import { NotedOtherwiseError, takenBackMeanwhile } from './settle-notes.ts';
import { takeBackSome } from './take-back.ts';
import type { Wait } from './wait.ts';

export interface ImportActivityDeps extends Omit<LoadChunkDeps, 'publishOnce'> {
  readonly tables: TableWriter;
  readonly reader: ClickHouseClient;
  readonly admin: ClickHouseClient;
  readonly publishLive: PublishLive;
  /** Undefined where this process has no files: it only takes back. */
  readonly source: ChunkSource | undefined;
  /** The life that the source is of: its chunks are those of no other. */
  readonly life?: number;
  readonly onLoaded: (loaded: LoadedChunk) => void;
  readonly onTakenBack: (taken: TakenBack) => void;
  readonly wait: Wait;
}

export interface LoadChunkRequest {
  readonly plan: ImportPlan;
  readonly number: number;
}

export function createImportActivities(deps: ImportActivityDeps) {
  const { tables, reader, source, life, onLoaded, onTakenBack, wait } = deps;
  const loading = { ...deps, publishOnce: createPublishOnce(deps, deps.publishLive) };
  /** Chunks that were found loaded when this process last asked; it asks before it loads anything. */
  let place: Pick<BegunLoad, 'loadedTo' | 'isDone'> | undefined;
  // One after the other: what takes back must not meet what is still loaded.
  let last: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const before = last;
    const turn = wait('an earlier attempt of this process to end', before).then(work);
    // Who gives up waiting passes on what it has waited for.
    last = Promise.all([before, turn]).catch(() => before);
    return turn;
  };

  async function placeOf(plan: ImportPlan): Promise<Pick<BegunLoad, 'loadedTo' | 'isDone'>> {
    const load = loadName(plan);
    const loads = await begunLoads(reader, load);
    const begun = loads.find((one) => one.load === load);
    if (begun !== undefined) return begun;
    await noteBegun(tables, load);
    return { loadedTo: 0, isDone: false };
  }

  /** Its load is closed: because all is loaded, or because somebody takes it back, or has. */
  async function failWhereTakenBack(plan: ImportPlan): Promise<void> {
    const { project, id } = plan;
    const lives = await listImports(reader, { project, id, withdrawn: true });
    const own = lives.find((one) => one.life === plan.life);
    if (own?.state === 'taking_back' || (own && isOver(own.state))) throw takenBackMeanwhile(own);
  }

  async function load(
    chunks: ChunkSource,
    { plan, number }: LoadChunkRequest,
  ): Promise<LoadedChunk> {
    if (place === undefined || number > place.loadedTo) place = await placeOf(plan);
    const { loadedTo, isDone } = place;
    if (isDone) await failWhereTakenBack(plan);
    if (number <= loadedTo || isDone) {
      const { sessionCount, events, isLast } = chunks.skip(number);
      return { number, sessions: sessionCount, events, isLast };
    }
    // It may have come to anything: the next one asks.
    place = undefined;
    // ClickHouse may have been put back to an older copy, and the workflow not: what that has lost comes first.
    for (let lost = loadedTo + 1; lost < number; lost += 1) await loadOne(chunks, plan, lost);
    return loadOne(chunks, plan, number);
  }

  async function loadOne(
    chunks: ChunkSource,
    plan: ImportPlan,
    number: number,
  ): Promise<LoadedChunk> {
    const prepared = await chunks.chunk(number);
    const { noted, events, isLast } = prepared;
    try {
      await loadPrepared(loading, prepared, { life: plan, valuesMax: plan.valuesMax });
    } catch (error) {
      if (error instanceof NotedOtherwiseError) chunks.forget();
      throw error;
    }
    return { number, sessions: noted.length, events, isLast };
  }

  return {
    loadChunk: (request: LoadChunkRequest): Promise<LoadedChunk> =>
      inTurn(() =>
        whileBeating(async () => {
          if (source === undefined) {
            throw new Error('this process has no files: run `sojourn import` with them again');
          }
          // It stood still while that was taken back; who has begun the next one is waited for.
          if (life !== undefined && life !== request.plan.life) {
            throw new Error(`this process is at life ${life} of the import, which was taken back`);
          }
          const loaded = await load(source, request).catch(failForGood);
          onLoaded(loaded);
          return loaded;
        }),
      ),

    noteDone: (plan: ImportPlan): Promise<void> =>
      inTurn(() =>
        whileBeating(async () => {
          await noteLoadDone(tables, loadName(plan));
          await noteImport(tables, importRowOf(plan, 'done', await countFates(reader, plan)));
        }),
      ),

    takeBack: (plan: ImportPlan): Promise<TakenBack> =>
      inTurn(() =>
        whileBeating(async () => {
          place = undefined;
          const taken = await takeBackSome(deps, plan).catch(failForGood);
          onTakenBack(taken);
          return taken;
        }),
      ),
  };
}

/** What no other attempt mends. */
function failForGood(error: unknown): never {
  if (error instanceof SojournError && error.code === 'SJ_USAGE') {
    throw ApplicationFailure.nonRetryable(error.message, error.code);
  }
  throw error;
}

export type ImportActivities = ReturnType<typeof createImportActivities>;
