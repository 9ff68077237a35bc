/**
 * Has sessions go by other definitions, a chunk at a time: those that ClickHouse shows under older ones. Safe to repeat: a
 * session that does so already is left as it is.
 */
import { each } from '../shared/each.ts';
import { toError } from '../shared/errors.ts';
import {
  type OldSessions,
  type RestateCounts,
  type RestatedChunk,
  type RestatePlace,
  type RestatePlan,
  type RestateTrouble,
  TROUBLES_MAX,
} from '../shared/restate-job.ts';

export interface OldSession extends RestatePlace {
  readonly sessionId: string;
}

/** What is needed of ClickHouse. */
export interface FindsOldSessions {
  countOld(plan: RestatePlan): Promise<OldSessions>;
  /** Those that Temporal may know, in the order of the table, after a place. */
  findOld(plan: RestatePlan, after: RestatePlace | undefined, limit: number): Promise<OldSession[]>;
}

export type Restated =
  | { readonly as: 'restated' | 'already' | 'gone' }
  | { readonly as: 'refused' | 'failed'; readonly reason: string };

/** Has one session go by other definitions. */
export type RestateSession = (session: OldSession, catalogue: number) => Promise<Restated>;

export interface RestateDeps {
  readonly find: FindsOldSessions;
  readonly restate: RestateSession;
}

export interface RestateChunkRequest {
  readonly plan: RestatePlan;
  readonly after?: RestatePlace;
}

export interface ChunkTools {
  /** Milliseconds, by the steady clock. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** The worker is about to stop. */
  readonly stop: AbortSignal;
}

/** Half a minute at the usual rate. */
const CHUNK_MAX = 500;
/** Workers and Temporal have visitors to serve, too. */
const AT_ONCE = 8;
/** No more than these seconds' worth in a chunk: between two of them it can be paused. */
const CHUNK_SECONDS = 10;

/** @throws Error where the worker stops before all of the chunk is done: another one begins it anew */
export async function restateChunk(
  { find, restate }: RestateDeps,
  { plan, after }: RestateChunkRequest,
  { now, sleep, stop }: ChunkTools,
): Promise<RestatedChunk> {
  const limit = Math.min(CHUNK_MAX, Math.max(1, Math.ceil(plan.perSecond * CHUNK_SECONDS)));
  const sessions = await find.findOld(plan, after, limit);
  const counts: { -readonly [K in keyof RestateCounts]: number } = {
    ...{ restated: 0, already: 0, gone: 0, refused: 0, failed: 0 },
  };
  const troubles: RestateTrouble[] = [];
  let next = now();
  await each(
    sessions,
    AT_ONCE,
    async (session) => {
      const waitMs = next - now();
      next = Math.max(next, now()) + 1_000 / plan.perSecond;
      if (waitMs > 0) await sleep(waitMs);
      if (stop.aborted) return;
      const { project, sessionId } = session;
      const result = await orFailed(() => restate(session, plan.catalogue));
      counts[result.as] += 1;
      if (!('reason' in result) || troubles.length >= TROUBLES_MAX) return;
      troubles.push({ project, sessionId, reason: result.reason });
    },
    stop,
  );
  if (stop.aborted) throw new Error('the worker stops; another one goes on with these sessions');
  const last = sessions.at(-1);
  return {
    ...counts,
    troubles,
    isLast: sessions.length < limit,
    ...(last && { after: { project: last.project, identity: last.identity } }),
  };
}

async function orFailed(restate: () => Promise<Restated>): Promise<Restated> {
  try {
    return await restate();
  } catch (error) {
    return { as: 'failed', reason: toError(error).message };
  }
}
