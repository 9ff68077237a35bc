/**
 * How much the session workers have to do, as ingest knows it: of the one in its process at first hand, of those
 * elsewhere by what they tell (platform/worker-news.ts). Pure: it is told the time.
 */
import { sessionMark, type WorkerNews } from '../../shared/worker-news.ts';
import type { Outcome } from './deliver.ts';
import { KEPT_TASK_WAITS_MS, type Untaken } from '../host/untaken.ts';

export interface WorkersSeen {
  /** Tasks that workers have or are about to get. */
  load(now: number): number;
  /** How many of these, and deliveries, may be under way at once; Infinity: nobody knows of a worker. */
  places(now: number): number;
  /** A delivery goes out. @returns to be called when Temporal has taken it */
  sending(workflowId: string, now: number): (outcome: Outcome, now: number) => void;
}

/** Enough to keep a worker of this process busy. */
const PLACES_HERE = 16;
/** Enough to keep a worker busy that tells of what it did up to a few hundredths of a second later. */
const PLACES_ELSEWHERE = 24;
/** A worker that told nothing for so long, though it was asked, is not there; milliseconds. */
export const WORKER_GONE_MS = 12_000;
/** While it has tasks it tells all the time: what it has not told of for so long is done, or lost with it. */
const LOAD_HOLDS_MS = 2_000;
/** An answer of Temporal that takes longer than this is of another kind of trouble. */
const TAKEN_KNOWN_MS = 5_000;

export function seeOwnWorker(worker: {
  readonly load: number;
  readonly untaken: Untaken;
}): WorkersSeen {
  return {
    load: (now) => worker.load + worker.untaken.count(now),
    places: () => PLACES_HERE,
    sending(workflowId) {
      const takenBefore = worker.untaken.takenBy(workflowId);
      return (outcome, now) => {
        if (outcome === 'signalled') worker.untaken.sent(workflowId, takenBefore, now);
      };
    },
  };
}

export interface WorkersElsewhere extends WorkersSeen {
  heard(news: WorkerNews, now: number): void;
}

export function seeWorkersElsewhere(): WorkersElsewhere {
  const workers = new Map<string, { load: number; heardAt: number }>();
  /** What Temporal has taken and no worker has told of, and since when; the oldest first. */
  const untaken = new Map<number, number>();
  /** What workers have told of, and when; the oldest first. It may come before Temporal's own answer. */
  const taken = new Map<number, number>();

  function forgetOld(since: Map<number, number>, ms: number, now: number): void {
    for (const [mark, at] of since) {
      if (now - at < ms) break;
      since.delete(mark);
    }
  }

  function dropGone(now: number): void {
    for (const [id, { heardAt }] of workers) {
      if (now - heardAt >= WORKER_GONE_MS) workers.delete(id);
    }
  }

  return {
    heard({ worker, load, taken: marks }, now) {
      workers.set(worker, { load, heardAt: now });
      for (const mark of marks) {
        untaken.delete(mark);
        taken.delete(mark);
        taken.set(mark, now);
      }
      forgetOld(taken, TAKEN_KNOWN_MS, now);
    },
    load(now) {
      forgetOld(untaken, KEPT_TASK_WAITS_MS, now);
      let sum = untaken.size;
      for (const { load, heardAt } of workers.values()) {
        if (now - heardAt < LOAD_HOLDS_MS) sum += load;
      }
      return sum;
    },
    places(now) {
      dropGone(now);
      return workers.size === 0 ? Infinity : PLACES_ELSEWHERE * workers.size;
    },
    sending(workflowId, sentAt) {
      const mark = sessionMark(workflowId);
      return (outcome, now) => {
        // It had been told before: there is no task.
        if (outcome === 'known' || workers.size === 0) return;
        if ((taken.get(mark) ?? -Infinity) >= sentAt) return;
        if (!untaken.has(mark)) untaken.set(mark, now);
      };
    },
  };
}
