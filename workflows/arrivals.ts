/**
 * What reaches a session (events, its alarm, operators), in order, with the time it came. Handlers only
 * queue it; the session takes one up after the other, and decides what follows from each at the time
 * that one came, before it takes the next.
 *
 * The order of arrivals and the times that came with them are all that a decision may depend on: not
 * what has come by the time that a local activity ends, and not the workflow's own clock. For where a
 * query is answered while a local activity runs, the engine (SDK 1.24) gives a replay other times than it
 * gave the run, and tells of the activity's end sooner. A session that looked at either could not be
 * replayed, and would stand still from the next deploy on.
 */
import { condition, workflowInfo } from '@temporalio/workflow';

export interface Arrivals {
  /** The greatest time of those taken up, epoch milliseconds. The only clock of decisions. */
  readonly now: number;
  /** The history had become long by then. */
  readonly isHistoryLong: boolean;
  /**
   * Something has come; `what` is done when it is taken up.
   * @param at the time that came with it; without one the clock stands
   */
  readonly take: (what: () => void, at?: number) => void;
  /** Takes up the next one. @returns false where there is none */
  next(): boolean;
  /** Resolves when there is a next one. */
  wait(): Promise<void>;
}

interface Arrival {
  readonly at: number;
  readonly isHistoryLong: boolean;
  readonly what: () => void;
}

/** @param start epoch milliseconds */
export function createArrivals(start: number): Arrivals {
  const queue: Arrival[] = [];
  let now = start;
  let isHistoryLong = false;
  return {
    get now() {
      return now;
    },
    get isHistoryLong() {
      return isHistoryLong;
    },
    take(what, at = 0) {
      queue.push({ at, isHistoryLong: workflowInfo().continueAsNewSuggested, what });
    },
    next() {
      const arrival = queue.shift();
      if (arrival === undefined) return false;
      now = Math.max(now, arrival.at);
      ({ isHistoryLong } = arrival);
      arrival.what();
      return true;
    },
    wait: () => condition(() => queue.length > 0),
  };
}
