/**
 * What reaches a session (events, its alarm, operators), in order, with the time it came. Handlers only
 * queue it; the session takes one up after the other, and decides what follows from each at the time
 * that one came, before it takes the next.
 *
 * The order of arrivals is all that a decision may depend on, not what has come by the time that a
 * local activity ends. For if a query is answered just then, the engine (SDK 1.24) tells the workflow of
 * that end one workflow task late, after the signals of that task and at its time; a replay tells it at
 * once. A session that looked at either could not be replayed, and would stand still from the next
 * deploy on.
 */
import { condition, workflowInfo } from '@temporalio/workflow';

export interface Arrivals {
  /** When the one taken up last came, epoch milliseconds. The only clock of decisions. */
  readonly now: number;
  /** The history had become long by then. */
  readonly isHistoryLong: boolean;
  /** Something has come; `what` is done when it is taken up. */
  readonly take: (what: () => void) => void;
  /** Takes up the next one. @returns false where there is none */
  next(): boolean;
  /** Resolves when there is a next one. */
  wait(): Promise<void>;
  /** Something that the history tells of has happened: time has gone on. */
  tick(): void;
}

interface Arrival {
  readonly at: number;
  readonly isHistoryLong: boolean;
  readonly what: () => void;
}

export function createArrivals(): Arrivals {
  const queue: Arrival[] = [];
  let now = Date.now();
  let isHistoryLong = false;
  return {
    get now() {
      return now;
    },
    get isHistoryLong() {
      return isHistoryLong;
    },
    take(what) {
      queue.push({ at: Date.now(), isHistoryLong: workflowInfo().continueAsNewSuggested, what });
    },
    next() {
      const arrival = queue.shift();
      if (arrival === undefined) return false;
      now = arrival.at;
      ({ isHistoryLong } = arrival);
      arrival.what();
      return true;
    },
    wait: () => condition(() => queue.length > 0),
    tick() {
      now = Date.now();
    },
  };
}
