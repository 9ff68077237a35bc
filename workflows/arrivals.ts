/**
 * What reaches a session (events, its alarm, operators), in order, with the time it came. All that is
 * decided between two arrivals is decided at the time of the earlier one.
 *
 * While a local activity runs, and until the session has taken its next step after it, arrivals wait.
 * For if a query is answered just when a local activity ends, the engine tells the workflow of that
 * end one workflow task late, after the signals and at the time of that task. A replay tells it at
 * once. So neither the clock nor anything that came meanwhile may have a say in that next step, or the
 * session could not be replayed, and would stand still from the next deploy on.
 */
import { condition, workflowInfo } from '@temporalio/workflow';

export interface Arrivals {
  /** When the last one came, epoch milliseconds. The only clock of decisions. */
  readonly now: number;
  /** The history had become long by then. */
  readonly isHistoryLong: boolean;
  /** Something has come: now, or once it is released, `what` is done. */
  readonly take: (what: () => void) => void;
  /** From here on arrivals wait. */
  hold(): void;
  /** Those that waited come now, and those to come at once. @returns whether there were any */
  release(): boolean;
  /** Something that the history tells of has happened: time has gone on. */
  tick(): void;
  /** Resolves when something has come since the last call. */
  next(): Promise<void> | undefined;
}

interface Arrival {
  readonly at: number;
  readonly isHistoryLong: boolean;
  readonly what: () => void;
}

export function createArrivals(): Arrivals {
  let waiting: Arrival[] | undefined;
  let now = Date.now();
  let isHistoryLong = false;
  let stirred = false;

  const come = (arrival: Arrival) => {
    now = arrival.at;
    ({ isHistoryLong } = arrival);
    stirred = true;
    arrival.what();
  };
  /** Whether something has come; asked once, it is no news any more. */
  const isNews = () => {
    const was = stirred;
    stirred = false;
    return was;
  };
  return {
    get now() {
      return now;
    },
    get isHistoryLong() {
      return isHistoryLong;
    },
    take(what) {
      const at = Date.now();
      const arrival = { at, isHistoryLong: workflowInfo().continueAsNewSuggested, what };
      if (waiting === undefined) come(arrival);
      else waiting.push(arrival);
    },
    hold() {
      waiting ??= [];
    },
    release() {
      const came = waiting ?? [];
      waiting = undefined;
      for (const arrival of came) come(arrival);
      return came.length > 0;
    },
    tick() {
      now = Date.now();
    },
    next() {
      return isNews() ? undefined : condition(isNews);
    },
  };
}
