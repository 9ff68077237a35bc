/**
 * The demo's past, loaded in bulk where there is none: the weeks before the demo's first start, read by the border as
 * any event. Which ones they are is decided once, for the first start only: a later one finds the load done, and leaves
 * the time in which nothing ran empty.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { VisitorStore } from '../activities/recognize-visitor.ts';
import { begunLoads } from '../bulk/ledger.ts';
import { type LoadDeps, type LoadFigures, runLoad } from '../bulk/run-load.ts';
import { select } from '../platform/clickhouse.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import { pastFromThread } from './past-from-thread.ts';
import { PAST_DAYS } from './past-days.ts';
import { DEMO_PROJECT } from './settings.ts';

/** What the visits are: another one where `past.ts`, `past-days.ts` or `visit.ts` make others of the same seed. */
const VERSION = 1;
const SEED = 20_261_128;
/** As of sessions by default; it only says when somebody who did not say goodbye was written. */
const IDLE_TIMEOUT_MS = 30 * 60_000;

const NAME_BEGIN = 'demo-past/';

export interface PastDeps extends LoadDeps {
  readonly store: VisitorStore;
  /** Milliseconds, once: where the past ends. */
  readonly now: () => number;
}

export interface PastOptions {
  readonly days?: number;
  readonly signal: AbortSignal;
  /** Told how many of the days are there. */
  readonly onProgress?: (days: number, sessions: number) => void;
}

/**
 * @returns what was loaded; undefined where the past is there already, or where the project has sessions that came
 *   before anybody thought of a past
 * @throws as {@link runLoad}
 */
export async function loadPast(
  deps: PastDeps,
  { days = PAST_DAYS, signal, onProgress }: PastOptions,
): Promise<LoadFigures | undefined> {
  const until = await endOfPast(deps);
  if (until === undefined) return undefined;
  let sessions = 0;
  return runLoad(deps, {
    name: nameOf(until),
    sessions: () => pastFromThread({ seed: SEED, until, days }),
    idleTimeoutMs: IDLE_TIMEOUT_MS,
    signal,
    onProgress: (chunk) => {
      sessions += chunk.sessions.length;
      const latest = chunk.sessions.at(-1)?.events[0]?.at ?? until;
      onProgress?.(days - (until - latest) / DAY_MS, sessions);
    },
  });
}

const DAY_MS = 86_400_000;

function nameOf(until: number): string {
  return `${NAME_BEGIN}${VERSION}.${CATALOGUE_VERSION}/${until}`;
}

/**
 * Where it ends, the same whoever asks and whenever: what is loaded says so and, before anything is, who was first.
 * @returns undefined where there is nothing to load
 */
async function endOfPast({ reader, store, now, log }: PastDeps): Promise<number | undefined> {
  const [begun] = await begunLoads(reader, NAME_BEGIN);
  if (begun !== undefined) {
    if (begun.isDone) return undefined;
    const until = Number(begun.load.split('/').at(-1));
    if (begun.load === nameOf(until)) return until;
    log.warn(
      { load: begun.load },
      'the past of the demo was begun by another version, and is left as it is',
    );
    return undefined;
  }
  if (await hasSessions(reader)) {
    log.info('the project demo has sessions already, so it gets no past');
    return undefined;
  }
  return Number(await store.claim(`past:${DEMO_PROJECT}`, String(now())));
}

async function hasSessions(reader: ClickHouseClient): Promise<boolean> {
  const rows = await select(
    reader,
    'SELECT 1 FROM sojourn.sessions WHERE project = {project:String} LIMIT 1',
    { project: DEMO_PROJECT },
  );
  return rows.length > 0;
}
