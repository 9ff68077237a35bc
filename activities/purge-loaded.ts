/**
 * Takes loaded records out of the rollup log, so that the server's index of subjects stays small.
 * A record stays while its session runs: as long as a workflow task may be repeated, so may the
 * write in it, and its number must still be taken. It stays as well where a run was terminated before it
 * could remember what it wrote. Temporal is asked about each session by its id: a list may lack one, or be late.
 */
import { LRUCache } from 'lru-cache';
import { each } from '../shared/each.ts';
import { type LogPosition, streamOf } from '../shared/ranges.ts';
import { type DatedLog, isPutBack, type LogEnd } from './put-back.ts';

export interface PurgeRequest {
  readonly partition: number;
  readonly log: string;
  /** Last stream sequence to purge. */
  readonly upTo: number;
  /** Where the loader is: in a log that was put back others lie there. Not given by earlier versions. */
  readonly position?: LogPosition;
}

/** A record's place and session, without its content. */
export interface RecordHead {
  readonly seq: number;
  /** Workflow id of the session that wrote it. */
  readonly workflowId: string;
}

/** What is needed of the rollup log. */
export interface PurgeableLog extends Pick<DatedLog, 'timeOf'> {
  end(partition: number): Promise<LogEnd>;
  heads(partition: number, upTo: number, from?: number): AsyncIterable<RecordHead>;
  /** Removes every record of a partition before `seq`. */
  purgeBefore(partition: number, seq: number): Promise<void>;
  remove(seq: number): Promise<void>;
}

/** What is needed of Temporal: whether a session ended by itself, or is not known any more. */
export type SessionIsOver = (workflowId: string) => Promise<boolean>;

export interface Purging {
  readonly isOver: SessionIsOver;
  /** When sessions were found running: they are not asked about again for a while. */
  readonly unfinished: LRUCache<string, number>;
  /** Where a purge whose time was up goes on, by the log's life and partition. */
  readonly places: Map<string, number>;
  readonly now: () => number;
}

/** A session that runs for hours is asked about this often; that keeps a record longer, and nothing else. */
const ASKED_EVERY_MS = 10 * 60_000;
const UNFINISHED_MAX = 200_000;
/** Questions under way at once. */
const AT_ONCE = 32;
/** Records looked at together. */
const STRETCH = 512;
/** The next purge goes on from there, for what stays may be so much that it is not read through in the time of one. */
const PURGING_MS_MAX = 60_000;

export function createPurging(isOver: SessionIsOver, now: () => number): Purging {
  return { isOver, unfinished: new LRUCache({ max: UNFINISHED_MAX }), places: new Map(), now };
}

/**
 * What is done is done stretch by stretch: one that is stopped leaves the rest to the next.
 * @returns how many records were kept for sessions that may write them again
 */
export async function purgeLoaded(
  log: PurgeableLog,
  { isOver, unfinished, places, now }: Purging,
  request: PurgeRequest,
  stop: AbortSignal,
): Promise<number> {
  const { partition, upTo } = request;
  if (!(await isAsLoaded(log, request))) return 0;
  const over = new Set<string>();
  const ask = async (workflowId: string) => {
    if (await isOver(workflowId)) over.add(workflowId);
    else unfinished.set(workflowId, now());
  };
  const isUnknown = (id: string) =>
    !over.has(id) && now() - (unfinished.get(id) ?? -Infinity) >= ASKED_EVERY_MS;
  const until = now() + PURGING_MS_MAX;
  const place = `${request.log}/${partition}`;
  const from = places.get(place);
  places.delete(place);
  let isFirst = from === undefined;
  let kept = 0;
  for await (const heads of inStretches(log.heads(partition, upTo, from))) {
    const ids = new Set(heads.map(({ workflowId }) => workflowId));
    await each([...ids].filter(isUnknown), AT_ONCE, ask);
    // Asking took its time.
    if (!(await isAsLoaded(log, request))) return kept;
    const gone = heads.filter(({ workflowId }) => over.has(workflowId)).map(({ seq }) => seq);
    const next = (heads.at(-1)?.seq ?? 0) + 1;
    kept += heads.length - gone.length;
    isFirst &&= kept === 0;
    // Where nothing before it stays, all of it goes at one request.
    if (isFirst) await log.purgeBefore(partition, next);
    else await each(gone, AT_ONCE, (seq) => log.remove(seq));
    if (now() < until && !stop.aborted) continue;
    places.set(place, next);
    break;
  }
  return kept;
}

/** Whether what the log holds up to there is what was loaded. */
async function isAsLoaded(
  log: PurgeableLog,
  { partition, log: life, position }: PurgeRequest,
): Promise<boolean> {
  const end = await log.end(partition);
  if (streamOf(life) !== end.log) return false;
  return position === undefined || !(await isPutBack(log, position, end));
}

async function* inStretches(heads: AsyncIterable<RecordHead>): AsyncGenerator<RecordHead[]> {
  let stretch: RecordHead[] = [];
  for await (const head of heads) {
    stretch.push(head);
    if (stretch.length < STRETCH) continue;
    yield stretch;
    stretch = [];
  }
  if (stretch.length > 0) yield stretch;
}
