/**
 * Has sessions go by other definitions, a chunk at a time. Safe to repeat: a session that does so already is left as it is.
 */
import { each } from '../shared/each.ts';
import { isServerAway } from '../platform/temporal.ts';
import { toError } from '../shared/errors.ts';
import {
  NO_COUNTS,
  type OldSession,
  type OldSessions,
  type RestateCounts,
  type RestatedChunk,
  type RestatePlan,
  type RestateTrouble,
  TROUBLES_MAX,
} from '../shared/restate-job.ts';

/** What is needed of ClickHouse. */
export interface FindsOldSessions {
  countOld(plan: RestatePlan): Promise<OldSessions>;
  /** Those that Temporal may know, in the order of the table, after a place. */
  findOld(plan: RestatePlan, after: OldSession | undefined, limit: number): Promise<OldSession[]>;
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

export interface FindOldRequest {
  readonly plan: RestatePlan;
  readonly after?: OldSession;
}

export interface RestateChunkRequest {
  readonly plan: RestatePlan;
  readonly sessions: readonly OldSession[];
}

export interface ChunkTools {
  /** Milliseconds, by the steady clock. */
  readonly now: () => number;
  readonly sleep: (ms: number) => Promise<void>;
  /** The worker is about to stop. */
  readonly stop: AbortSignal;
}

/** Workers and Temporal have visitors to serve, too. */
const AT_ONCE = 8;

/** @throws Error where the worker stops before all of the chunk is done: another one begins it anew */
export async function restateChunk(
  restate: RestateSession,
  { plan, sessions }: RestateChunkRequest,
  { now, sleep, stop }: ChunkTools,
): Promise<RestatedChunk> {
  const counts: { -readonly [K in keyof RestateCounts]: number } = { ...NO_COUNTS };
  const troubles: RestateTrouble[] = [];
  let next = now();
  const stopped = aborted(stop);
  await each(
    sessions,
    AT_ONCE,
    async (session) => {
      const waitMs = next - now();
      next = Math.max(next, now()) + 1_000 / plan.perSecond;
      if (waitMs > 0) await sleep(waitMs);
      if (stop.aborted) return;
      const { project, sessionId } = session;
      const result = await Promise.race([
        orFailed(() => restate(session, plan.catalogue)),
        stopped,
      ]);
      if (result === undefined) return;
      counts[result.as] += 1;
      if (!('reason' in result) || troubles.length >= TROUBLES_MAX) return;
      troubles.push({ project, sessionId, reason: result.reason });
    },
    stop,
  );
  // The first of the next chunk is due then.
  const restMs = next - now();
  if (restMs > 0 && !stop.aborted) await Promise.race([sleep(restMs), stopped]);
  if (stop.aborted) throw new Error('the worker stops; another one goes on with these sessions');
  return { ...counts, troubles };
}

async function orFailed(restate: () => Promise<Restated>): Promise<Restated> {
  try {
    return await restate();
  } catch (error) {
    // Not a matter of this session: the chunk is begun anew when Temporal is back.
    if (isServerAway(error)) throw error;
    return { as: 'failed', reason: toError(error).message };
  }
}

/** Without an end where it never is. */
function aborted(stop: AbortSignal): Promise<undefined> {
  return new Promise((resolve) => {
    if (stop.aborted) resolve(undefined);
    else {
      stop.addEventListener(
        'abort',
        () => {
          resolve(undefined);
        },
        { once: true },
      );
    }
  });
}
