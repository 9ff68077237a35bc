/**
 * Sessions that do not take their events: how often that was tried, when to try again, and when it has been long
 * enough. They wait and are tried apart from the others, who must not notice. Pure: it is told the time.
 */
import { LRUCache } from 'lru-cache';

/** Between two tries of the same session. */
const BACKOFF_MS = { first: 200, max: 5_000 } as const;
/** A session that was given up is not tried with what comes next for this long. */
export const GIVEN_UP_MS = 5_000;
/** What is known of failing sessions is bounded; one that is forgotten only begins anew. */
const FAILING_MAX = 50_000;
/** Where nothing was tried for so long, nothing was learnt of sessions: ingest paused, or time made a step. */
const NOT_TRIED_MS = 60_000;
/** Where nobody took anything for so long, it was the server. */
const NONE_TAKEN_MS = 60_000;
/** Where so many fail and none is taken meanwhile, it is not the sessions. */
const FEW = 10;

export interface Failure {
  readonly attempts: number;
  /** When to try again; undefined: not again, its events are to be given up. */
  readonly retryInMs: number | undefined;
  /** As much of the time since its first failure as counts against it. */
  readonly failingForMs: number;
}

export interface StuckSessions {
  /** A session has taken events. */
  taken(session: string, now: number): void;
  /**
   * @param isRefused the error is about this session beyond doubt
   * @param isAway the error says that the server is away
   */
  failed(session: string, isRefused: boolean, now: number, isAway?: boolean): Failure;
  /** Whether a session has taken events since then: what fails is not the server. */
  isOneTakenSince(time: number): boolean;
  /** It failed when it was last tried, so it is tried apart from the others. */
  isFailing(session: string): boolean;
  /** Since when, but for the time that does not count against it; undefined where it does not fail. */
  failingSince(session: string): number | undefined;
  /** Its events are given up, for this reason. */
  giveUp(session: string, reason: string, now: number): void;
  /** Why its events were given up a moment ago: what comes now goes the same way, without a try. */
  givenUp(session: string, now: number): string | undefined;
}

interface Entry {
  attempts: number;
  since: number;
  /** From when on its time counted when it was last tried. */
  countsFrom: number;
  /** Since when it is known to be the session: where long none was taken after it failed, not before another one was. */
  ownSince: number | undefined;
  /** When others were taken again after an outage in which it failed. Of the first one: with each further one nobody might ever be given up. */
  outageEndedAt: number | undefined;
  lastAt: number;
  givenUp: { readonly at: number; readonly reason: string } | undefined;
}

export function createStuckSessions(stuckAfterMs: number): StuckSessions {
  const failing = new LRUCache<string, Entry>({ max: FAILING_MAX });
  let lastTakenAt = -Infinity;
  let lastTriedAt = Infinity;
  let triedAgainAt = -Infinity;
  /** When one was taken after a long time in which none was, and many began to fail: until then it was the server. */
  let takenAgainAt = -Infinity;

  function tried(now: number): void {
    if (now - lastTriedAt > NOT_TRIED_MS) triedAgainAt = now;
    lastTriedAt = now;
  }

  /**
   * Those that were given up before one was taken are broken themselves, and stay here until they take something.
   * @param after counted are those that have failed since a time after it
   */
  function areFew(after = -Infinity): boolean {
    let count = 0;
    for (const { givenUp, since } of failing.values()) {
      if (since > after && (givenUp === undefined || givenUp.at > lastTakenAt)) count += 1;
      if (count > FEW) return false;
    }
    return true;
  }

  /**
   * While the server is away nothing is learnt of a session: where none was taken since it failed before, its time
   * begins anew, and so does that of one that was given up, for what comes now was not tried yet.
   */
  function beginAnew(entry: Entry, now: number): void {
    if (entry.givenUp === undefined && lastTakenAt > entry.lastAt) return;
    restart(entry, now);
  }

  function restart(entry: Entry, now: number): void {
    entry.since = now;
    entry.ownSince = undefined;
    entry.outageEndedAt = undefined;
    entry.givenUp = undefined;
  }

  return {
    taken(session, now) {
      tried(now);
      // Not by all that fail: a dozen broken ones, and others that come seldom, would never be given up.
      if (now - lastTakenAt > NONE_TAKEN_MS && !areFew(lastTakenAt)) takenAgainAt = now;
      lastTakenAt = now;
      failing.delete(session);
    },
    failed(session, isRefused, now, isAway = false) {
      tried(now);
      const fresh: Entry = {
        ...{ attempts: 0, since: now, countsFrom: now, lastAt: now },
        ...{ ownSince: undefined, outageEndedAt: undefined, givenUp: undefined },
      };
      const entry = failing.get(session) ?? fresh;
      failing.set(session, entry);
      if (isAway) beginAnew(entry, now);
      if (entry.givenUp === undefined && triedAgainAt > entry.lastAt) restart(entry, now);
      if (lastTakenAt > entry.since) {
        const noneTakenMs = lastTakenAt - entry.since;
        entry.ownSince ??= noneTakenMs > NONE_TAKEN_MS ? lastTakenAt : entry.since;
      }
      if (takenAgainAt > entry.since) entry.outageEndedAt ??= takenAgainAt;
      entry.attempts += 1;
      entry.lastAt = now;
      const { attempts, since, ownSince, outageEndedAt = since } = entry;
      const ownFrom = isRefused && areFew() ? since : ownSince;
      const countsFrom = ownFrom === undefined ? undefined : Math.max(ownFrom, outageEndedAt);
      entry.countsFrom = countsFrom ?? since;
      const dueAt = entry.countsFrom + stuckAfterMs;
      // Another one was taken after it failed, but that may be long ago: the server may take nobody since. One that is
      // refused goes all the same: that it failed while others were taken says more than that nobody has come since.
      const isOver =
        countsFrom !== undefined &&
        now >= dueAt &&
        (isRefused || now - lastTakenAt <= NONE_TAKEN_MS || areFew());
      const waitMs = Math.min(BACKOFF_MS.first * 2 ** (attempts - 1), BACKOFF_MS.max);
      // Not later than its time is over, so that a short one is kept to. Once it is, and it may not be the session, no sooner.
      const leftMs = dueAt > now ? Math.max(BACKOFF_MS.first, dueAt - now) : Infinity;
      const retryInMs = isOver ? undefined : Math.min(waitMs, leftMs);
      return { attempts, retryInMs, failingForMs: now - entry.countsFrom };
    },
    isOneTakenSince: (time) => lastTakenAt > time,
    isFailing: (session) => failing.has(session),
    // Whoever asks must not keep it in mind for longer.
    failingSince: (session) => failing.peek(session)?.countsFrom,
    giveUp(session, reason, now) {
      const entry = failing.get(session);
      if (entry !== undefined) entry.givenUp = { at: now, reason };
    },
    givenUp(session, now) {
      const entry = failing.get(session)?.givenUp;
      return entry !== undefined && now - entry.at < GIVEN_UP_MS ? entry.reason : undefined;
    },
  };
}
