/**
 * Rows come before announcements: where METRICS takes none, tries are few, and then the numbers go on without.
 */

/** What tells that an announcement was left out. */
export type LeftOut = (error: unknown) => void;

/** The first two outlast the election of a leader. */
const TRIES = 3;
/** For so long after one was left out the next is tried once. */
const AWAY_MS = 10 * 60_000;

export interface Announcing {
  /**
   * @param range whose announcement it is
   * @param announce told whether to wait for who may be elected just then: not again and again, rows wait behind it
   * @throws what `announce` throws, where it is to be tried again
   */
  run(
    range: string,
    announce: (isPatient: boolean) => Promise<void>,
    leftOut: LeftOut,
  ): Promise<void>;
}

export function createAnnouncing(now: () => number): Announcing {
  let leftOutAt = -Infinity;
  let failed = { range: '', times: 0 };
  return {
    async run(range, announce, leftOut) {
      const isPatient = now() - leftOutAt > AWAY_MS;
      try {
        await announce(isPatient);
        leftOutAt = -Infinity;
      } catch (error) {
        failed = { range, times: failed.range === range ? failed.times + 1 : 1 };
        if (failed.times < TRIES && isPatient) throw error;
        leftOutAt = now();
        leftOut(error);
      }
    },
  };
}
