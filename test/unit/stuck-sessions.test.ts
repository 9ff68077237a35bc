import { expect } from 'chai';
import { createStuckSessions } from '../../workers/ingest/stuck-sessions.ts';

const STUCK_AFTER_MS = 60_000;
const T0 = 1_000_000;

/** Tries a session until it is given up. @returns when, after its first failure */
function givenUpAfter(
  stuck: ReturnType<typeof createStuckSessions>,
  isRefused: boolean,
  triesMax = 1_000,
): number | undefined {
  let now = T0;
  for (let tries = 0; tries < triesMax; tries += 1) {
    const { retryInMs } = stuck.failed('s', isRefused, now);
    if (retryInMs === undefined) return now - T0;
    now += retryInMs;
  }
  return undefined;
}

describe('a session that does not take its events', () => {
  it('is tried ever less often, and given up when its time is over', () => {
    expect(givenUpAfter(createStuckSessions(STUCK_AFTER_MS), true)).to.equal(STUCK_AFTER_MS);
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    const waits = [0, 1, 2, 3, 4, 5, 6].map(() => stuck.failed('s', true, T0).retryInMs);
    expect(waits).to.deep.equal([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  });

  it('is not given up while nothing tells that it is not the server', () => {
    expect(givenUpAfter(createStuckSessions(STUCK_AFTER_MS), false)).to.equal(undefined);
  });

  it('is tried no more often once its time is over, and it may still be the server', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    let waitMs: number | undefined = 0;
    for (let at = T0; at <= T0 + 2 * STUCK_AFTER_MS; at += 5_000) {
      waitMs = stuck.failed('s', false, at).retryInMs;
    }

    expect(waitMs).to.equal(5_000);
  });

  it('is given up for any reason where the server takes others', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    stuck.failed('s', false, T0);
    stuck.taken('other', T0 + 10);

    expect(givenUpAfter(stuck, false)).to.equal(STUCK_AFTER_MS);
  });

  it('is not given up for the time in which the server took nobody', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    const back = T0 + 20 * STUCK_AFTER_MS;
    for (let at = T0; at < back; at += 5_000) stuck.failed('s', false, at);
    stuck.taken('other', back);

    expect(stuck.failed('s', false, back + 1).retryInMs).to.be.greaterThan(0);
    expect(stuck.failed('s', false, back + STUCK_AFTER_MS - 1).retryInMs).to.be.greaterThan(0);
    const last = stuck.failed('s', false, back + STUCK_AFTER_MS);
    expect(last.retryInMs).to.equal(undefined);
    // Its dead letters say for how long it did not take them.
    expect(last.failingForMs).to.equal(STUCK_AFTER_MS);
  });

  it('is not given up for such a time though one was taken right after it failed', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    stuck.failed('s', false, T0);
    stuck.taken('other', T0 + 1_000);
    const back = T0 + 20 * STUCK_AFTER_MS;
    for (let at = T0 + 2_000; at < back; at += 5_000) {
      for (let n = 0; n < 20; n += 1) stuck.failed(`other-${n}`, false, at);
      expect(stuck.failed('s', false, at).retryInMs, String(at)).to.be.greaterThan(0);
    }
    stuck.taken('other', back);

    expect(stuck.failed('s', false, back + 1).retryInMs).to.be.greaterThan(0);
    expect(stuck.failed('s', false, back + STUCK_AFTER_MS - 1).retryInMs).to.be.greaterThan(0);
    expect(stuck.failed('s', false, back + STUCK_AFTER_MS).retryInMs).to.equal(undefined);
  });

  it('is given up though many fail for good, and others come seldom', () => {
    const stuck = createStuckSessions(5 * STUCK_AFTER_MS);
    const waits: (number | undefined)[] = [];
    for (let at = T0; at <= T0 + 20 * STUCK_AFTER_MS; at += 5_000) {
      for (let n = 0; n < 20; n += 1) stuck.failed(`other-${n}`, false, at);
      waits.push(stuck.failed('s', false, at).retryInMs);
      if (at % 90_000 === T0 % 90_000) stuck.taken('seldom', at + 1);
    }

    expect(waits).to.include(undefined);
  });

  it('is given up where it is refused and others were taken meanwhile, though many are refused and none is taken since', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    const failAll = (at: number) => {
      for (let n = 0; n < 20; n += 1) stuck.failed(`other-${n}`, true, at);
      return stuck.failed('s', true, at).retryInMs;
    };
    failAll(T0);
    stuck.taken('evening', T0 + 1_000);
    for (let at = T0 + 5_000; at < T0 + STUCK_AFTER_MS; at += 5_000) {
      expect(failAll(at), String(at)).to.be.greaterThan(0);
    }

    // More than a minute after anybody was taken.
    expect(failAll(T0 + STUCK_AFTER_MS + 5_000)).to.equal(undefined);
  });

  it('is given up though others come seldom, and each time many more have begun to fail', () => {
    for (const isRefused of [true, false]) {
      const stuck = createStuckSessions(5 * STUCK_AFTER_MS);
      const waits: (number | undefined)[] = [];
      for (let at = T0; at <= T0 + 20 * STUCK_AFTER_MS; at += 5_000) {
        waits.push(stuck.failed('s', isRefused, at).retryInMs);
        if (at % 90_000 !== T0 % 90_000) continue;
        for (let n = 0; n < 20; n += 1) stuck.failed(`other-${at}-${n}`, isRefused, at);
        stuck.taken('seldom', at + 1);
      }

      expect(waits, String(isRefused)).to.include(undefined);
    }
  });

  it('is not given up for a time in which nothing was tried', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    stuck.failed('s', false, T0);
    stuck.taken('other', T0 + 1);
    const back = T0 + 20 * STUCK_AFTER_MS;
    stuck.taken('other', back);

    expect(stuck.failed('s', false, back + 1).retryInMs).to.be.greaterThan(0);
  });

  it('is given up though others keep all places busy between its tries', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    let last: number | undefined = 0;
    for (let at = T0; at <= T0 + 4 * STUCK_AFTER_MS; at += 1_000) {
      stuck.taken('other', at);
      if (at % 90_000 === T0 % 90_000) last = stuck.failed('s', false, at).retryInMs;
    }
    expect(last).to.equal(undefined);
  });

  it('is not given up where many are refused and none is taken', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    for (let n = 0; n < 20; n += 1) stuck.failed(`other-${n}`, true, T0);

    expect(givenUpAfter(stuck, true)).to.equal(undefined);
  });

  it('begins anew once it has taken something', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    stuck.failed('s', true, T0);
    stuck.taken('s', T0 + 1);

    expect(stuck.isFailing('s')).to.equal(false);
    expect(stuck.failed('s', true, T0 + STUCK_AFTER_MS).attempts).to.equal(1);
  });

  it('is spared a try for a while once it was given up, then tried again', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    stuck.failed('s', true, T0);
    expect(stuck.givenUp('s', T0)).to.equal(undefined);

    stuck.giveUp('s', 'broken', T0);

    expect(stuck.givenUp('s', T0 + 4_999)).to.equal('broken');
    expect(stuck.givenUp('s', T0 + 5_000)).to.equal(undefined);
    // And at once given up again where that fails.
    expect(stuck.failed('s', true, T0 + STUCK_AFTER_MS).retryInMs).to.equal(undefined);
  });

  describe('while the server is away', () => {
    const fail = (stuck: ReturnType<typeof createStuckSessions>, now: number) =>
      stuck.failed('s', false, now, true);

    it('is not given up for that, however long it lasts, nor with the first try after it', () => {
      const stuck = createStuckSessions(STUCK_AFTER_MS);
      stuck.failed('s', true, T0);
      stuck.taken('other', T0 + 1);
      for (let at = 5_000; at < 3 * STUCK_AFTER_MS; at += 5_000) {
        expect(fail(stuck, T0 + at).retryInMs, String(at)).to.be.greaterThan(0);
      }

      stuck.taken('other', T0 + 3 * STUCK_AFTER_MS);

      expect(fail(stuck, T0 + 3 * STUCK_AFTER_MS + 1).retryInMs).to.be.greaterThan(0);
      const failure = stuck.failed('s', true, T0 + 4 * STUCK_AFTER_MS);
      expect(failure.retryInMs).to.equal(undefined);
    });

    it('is tried for its whole time with what comes next, though it was given up before', () => {
      const stuck = createStuckSessions(STUCK_AFTER_MS);
      stuck.failed('s', true, T0);
      stuck.giveUp('s', 'broken', T0 + STUCK_AFTER_MS);
      const next = T0 + 10 * STUCK_AFTER_MS;
      stuck.taken('other', next - 1);

      expect(fail(stuck, next).retryInMs).to.equal(400);
      expect(stuck.givenUp('s', next)).to.equal(undefined);
      stuck.taken('other', next + 1);

      expect(stuck.failed('s', true, next + STUCK_AFTER_MS - 1).retryInMs).to.be.greaterThan(0);
      expect(stuck.failed('s', true, next + STUCK_AFTER_MS).retryInMs).to.equal(undefined);
    });

    it('is given up all the same where others are taken between its tries', () => {
      const stuck = createStuckSessions(STUCK_AFTER_MS);
      for (let at = 0; at < STUCK_AFTER_MS; at += 5_000) {
        expect(fail(stuck, T0 + at).retryInMs).to.be.greaterThan(0);
        stuck.taken('other', T0 + at + 1);
      }

      expect(fail(stuck, T0 + STUCK_AFTER_MS).retryInMs).to.equal(undefined);
    });
  });

  it('is told from many that were given up long ago, which say nothing of the server', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    for (let n = 0; n < 20; n += 1) {
      stuck.failed(`other-${n}`, true, T0 - 2_000);
      stuck.giveUp(`other-${n}`, 'broken', T0 - 1_000);
    }
    // Nobody was taken since: it may be the server.
    expect(givenUpAfter(stuck, true, 20)).to.equal(undefined);
    stuck.taken('s', T0 - 500);

    expect(givenUpAfter(stuck, true)).to.equal(STUCK_AFTER_MS);
  });

  it('is told from a server that takes nothing', () => {
    const stuck = createStuckSessions(STUCK_AFTER_MS);
    expect(stuck.isOneTakenSince(T0)).to.equal(false);
    stuck.taken('other', T0 + 1);
    expect(stuck.isOneTakenSince(T0)).to.equal(true);
    expect(stuck.isOneTakenSince(T0 + 1)).to.equal(false);
  });
});
