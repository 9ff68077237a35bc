/**
 * One timer for all of a session's deadlines. It is looked at when it fires and re-armed only then,
 * or when something nearer comes up: each re-arming is two events in the history.
 */
import { CancellationScope, sleep } from '@temporalio/workflow';

/** @param ring called when a deadline has come, with what to do about it then or later */
export function createAlarm(ring: (disarm: () => void) => void): { set(until: number): void } {
  let armedFor = Infinity;
  let scope: CancellationScope | undefined;
  return {
    /** Rings at `until` (epoch milliseconds, by the workflow's clock) or before. */
    set(until) {
      if (until >= armedFor) return;
      scope?.cancel();
      armedFor = until;
      const mine = new CancellationScope();
      scope = mine;
      mine
        .run(() => sleep(Math.max(1, until - Date.now())))
        .then(
          () => {
            ring(() => {
              armedFor = Infinity;
            });
          },
          () => {
            // Cancelled: something nearer took over, or an operator cancelled the workflow.
            if (scope === mine) armedFor = Infinity;
          },
        );
    },
  };
}
