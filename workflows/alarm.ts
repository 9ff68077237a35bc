/**
 * Timers for a session's deadlines. One that rings is looked at, and re-armed only where nothing that
 * is still armed rings early enough: each timer is two events in the history. None is ever cancelled:
 * whether it has rung by then may look different in a replay (see arrivals.ts).
 */
import { sleep } from '@temporalio/workflow';

/** @param ring called when a deadline has come, with what to do when it is taken up, and with it */
export function createAlarm(ring: (disarm: () => void, deadline: number) => void): {
  set(until: number, now: number): void;
} {
  const armed = new Set<number>();
  return {
    /** Rings at `until` or before; both by the session's clock, epoch milliseconds. */
    set(until, now) {
      for (const other of armed) if (other <= until) return;
      armed.add(until);
      sleep(Math.max(1, until - now), SUMMARY).then(
        () => {
          ring(() => {
            armed.delete(until);
          }, until);
        },
        // The workflow was cancelled; it ends now, without an alarm.
        () => undefined,
      );
    },
  };
}

/** Of every one: which deadline it is depends on what has come until then. */
const SUMMARY = { summary: 'then the session writes, or ends if it is idle' };
