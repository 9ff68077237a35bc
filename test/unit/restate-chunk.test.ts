/** A chunk of sessions that are restated: how quickly, and what comes of each. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { type Restated, restateChunk } from '../../activities/restate-chunk.ts';
import {
  chunkMax,
  countedOld,
  describeRestate,
  NO_CHUNK,
  type OldSession,
  openRestate,
  type RestatePlan,
  restateViewOf,
  withChunk,
} from '../../shared/restate-job.ts';

const PLAN: RestatePlan = { from: 0, catalogue: 3, perSecond: 200 };
const session = (n: number): OldSession => ({
  ...{ project: 'shop', sessionId: `s-${n}`, identity: `run-${String(n).padStart(4, '0')}` },
});

/** So many sessions. */
function some(count: number, outcome: (n: number) => Restated) {
  const told: { readonly sessionId: string; readonly at: number }[] = [];
  return {
    sessions: Array.from({ length: count }, (_, n) => session(n)),
    told,
    restate: async ({ sessionId }: OldSession) => {
      await Promise.resolve();
      told.push({ sessionId, at: performance.now() });
      return outcome(Number(sessionId.slice(2)));
    },
    tools: {
      now: () => performance.now(),
      sleep: (ms: number) => sleep(ms),
    },
  };
}

const never = new AbortController().signal;

describe('a chunk of sessions to be restated', () => {
  it('is ten seconds of them, so that it can be paused', () => {
    const sizes = [0.01, 2, 20, 1_000].map((perSecond) => chunkMax({ ...PLAN, perSecond }));

    expect(sizes).to.deep.equal([1, 20, 200, 200]);
  });

  it('tells each of them, no more in a second than it may', async () => {
    const { sessions, restate, told, tools } = some(20, () => ({ as: 'restated' }));

    const chunk = await restateChunk(restate, { plan: PLAN, sessions }, { ...tools, stop: never });

    expect(chunk).to.deep.equal({ ...NO_CHUNK, restated: 20 });
    expect(new Set(told.map(({ sessionId }) => sessionId)).size).to.equal(20);
    expect((told.at(-1)?.at ?? 0) - (told[0]?.at ?? 0)).to.be.at.least(90);
  });

  it('goes on with the others where one fails, and tells of those that were not restated', async () => {
    const outcomes: readonly (() => Restated)[] = [
      () => ({ as: 'restated' }),
      () => ({ as: 'gone' }),
      () => ({ as: 'refused', reason: 'its history is gone' }),
      () => {
        throw new Error('nobody answers');
      },
    ];
    const { sessions, restate, tools } = some(4, (n) => outcomes[n]?.() ?? { as: 'already' });

    const chunk = await restateChunk(restate, { plan: PLAN, sessions }, { ...tools, stop: never });

    expect(chunk).to.deep.include({ restated: 1, gone: 1, refused: 1, failed: 1, already: 0 });
    expect(chunk.troubles).to.deep.equal([
      { project: 'shop', sessionId: 's-2', reason: 'its history is gone' },
      { project: 'shop', sessionId: 's-3', reason: 'nobody answers' },
    ]);
  });

  it('is left to another worker where this one stops', async () => {
    const stopping = new AbortController();
    const { sessions, restate, told, tools } = some(20, (n) => {
      if (n === 3) stopping.abort();
      return { as: 'restated' };
    });
    const request = { plan: PLAN, sessions };

    const stopped = restateChunk(restate, request, { ...tools, stop: stopping.signal });

    expect(await stopped.catch(String)).to.contain('another one goes on');
    expect(told.length).to.be.below(20);
  });
});

describe('a restatement of many sessions', () => {
  const begun = countedOld(openRestate({ plan: PLAN }, 1_000), { known: 40, beyond: 7 });
  const chunk = {
    ...NO_CHUNK,
    ...{ restated: 9, refused: 1 },
    troubles: [{ project: 'shop', sessionId: 'a`b', reason: 'its history is gone' }],
  };

  it('tells how far it is and how long it takes', () => {
    const view = restateViewOf(PLAN, withChunk(begun, [session(9)], chunk), 11_000);

    expect(view).to.include({ phase: 'restating', known: 40, beyond: 7, restated: 9, refused: 1 });
    expect(view.secondsLeft).to.equal(30);
    expect(describeRestate(view)).to.contain('**restating**: 25 %, some 30 s left');
    expect(describeRestate(view)).to.contain('`shop/a?b`: its history is gone');
  });

  it('adds its chunks up, goes on where the last one ended, and keeps the first troubles', () => {
    let state = withChunk(begun, [session(9)], chunk);
    for (let n = 0; n < 30; n += 1) state = withChunk(state, [session(10 + n)], chunk);
    expect(state.phase).to.equal('restating');
    state = withChunk(state, [], NO_CHUNK);

    expect(state.counts).to.include({ restated: 31 * 9, refused: 31 });
    expect(state.troubles).to.have.length(20);
    expect(state.after).to.deep.equal(session(39));
    expect(state.phase).to.equal('done');
    expect(openRestate({ plan: PLAN, state }, 5)).to.equal(state);
  });

  it('says that it holds on, and is at its end where there was nothing', () => {
    const paused = restateViewOf(PLAN, { ...begun, isPaused: true }, 2_000);
    const none = countedOld(openRestate({ plan: PLAN }, 0), { known: 0, beyond: 3 });
    const nothing = withChunk(none, [], NO_CHUNK);

    expect(paused.secondsLeft).to.equal(undefined);
    expect(describeRestate(paused)).to.contain('**restating, paused**: 0 %');
    expect(describeRestate(restateViewOf(PLAN, nothing, 9))).to.contain('**done**: 100 %');
    expect(describeRestate(restateViewOf(PLAN, nothing, 9))).to.contain('3 too old or imported');
  });
});
