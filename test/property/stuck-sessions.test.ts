import { expect } from 'chai';
import fc from 'fast-check';
import { createStuckSessions } from '../../workers/ingest/stuck-sessions.ts';

const STUCK_AFTER_MS = 15 * 60_000;
const TRIED_EVERY_MS = 5_000;
const GAP_MS_MAX = 5 * 60_000;

/** Until another session is taken, and how many more begin to fail by then. */
const gaps = fc.array(
  fc.record({
    ms: fc.integer({ min: TRIED_EVERY_MS, max: GAP_MS_MAX }),
    others: fc.nat({ max: 25 }),
  }),
  { minLength: 1, maxLength: 12 },
);

/**
 * A session that fails from 0 on, beside others: each gap ends with one that is taken, and with many that have begun to
 * fail. @returns when it was given up, and when others were taken
 */
function runOf(
  isRefused: boolean,
  all: readonly { readonly ms: number; readonly others: number }[],
) {
  const stuck = createStuckSessions(STUCK_AFTER_MS);
  const taken: number[] = [];
  const endMs = 3 * STUCK_AFTER_MS;
  let takenAt = 0;
  for (let n = 0; takenAt < endMs; n += 1) {
    const { ms, others } = all[n % all.length] ?? { ms: GAP_MS_MAX, others: 0 };
    const fromMs = Math.ceil(takenAt / TRIED_EVERY_MS) * TRIED_EVERY_MS;
    takenAt += ms;
    for (let at = fromMs; at < takenAt; at += TRIED_EVERY_MS) {
      if (stuck.failed('s', isRefused, at).retryInMs === undefined) return { givenUpAt: at, taken };
    }
    for (let other = 0; other < others; other += 1) {
      stuck.failed(`other-${n}-${other}`, isRefused, takenAt);
    }
    stuck.taken(`taken-${n}`, takenAt);
    taken.push(takenAt);
  }
  return { givenUpAt: undefined, taken };
}

describe('a session that does not take its events, beside whatever others', () => {
  it('is given up once others were taken, however many fail, and never before its time', () => {
    fc.assert(
      fc.property(fc.boolean(), gaps, (isRefused, all) => {
        const { givenUpAt = Infinity, taken } = runOf(isRefused, all);

        expect(givenUpAt).to.be.least(STUCK_AFTER_MS);
        // Its time may begin anew, once, where it may have been the server until then; and it is given up after a try.
        const latest = 2 * STUCK_AFTER_MS + 2 * GAP_MS_MAX + TRIED_EVERY_MS;
        expect(givenUpAt, `taken at ${taken.join()}`).to.be.most(latest);
      }),
      { numRuns: 300 },
    );
  });
});
