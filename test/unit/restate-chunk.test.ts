/** A chunk of sessions that are restated: how quickly, and what comes of each. */
import { expect } from 'chai';
import {
  type OldSession,
  type Restated,
  restateChunk,
  type RestateDeps,
} from '../../activities/restate-chunk.ts';
import {
  countedOld,
  describeRestate,
  NO_COUNTS,
  openRestate,
  type RestatePlan,
  restateViewOf,
  withChunk,
} from '../../shared/restate-job.ts';

const PLAN: RestatePlan = { from: 0, catalogue: 3, perSecond: 2 };
const session = (n: number): OldSession => ({
  ...{ project: 'shop', sessionId: `s-${n}`, identity: `run-${String(n).padStart(4, '0')}` },
});

/** A table with so many old sessions, and a clock that goes on while somebody sleeps. */
function aTable(count: number, outcome: (n: number) => Restated | Promise<Restated>) {
  const sessions = Array.from({ length: count }, (_, n) => session(n));
  const told: { readonly sessionId: string; readonly at: number }[] = [];
  let clock = 1_000;
  const deps: RestateDeps = {
    find: {
      countOld: () => Promise.resolve({ known: count, beyond: 0 }),
      findOld: (_plan, after, limit) =>
        Promise.resolve(
          sessions
            .filter(({ identity }) => after === undefined || identity > after.identity)
            .slice(0, limit),
        ),
    },
    restate: async ({ sessionId }) => {
      told.push({ sessionId, at: clock });
      return outcome(Number(sessionId.slice(2)));
    },
  };
  const tools = {
    now: () => clock,
    sleep: (ms: number) => {
      clock = Math.max(clock, clock + ms);
      return Promise.resolve();
    },
  };
  return { deps, told, tools };
}

const never = new AbortController().signal;

describe('a chunk of sessions to be restated', () => {
  it('is ten seconds of them, and says where the next one begins', async () => {
    const { deps, told, tools } = aTable(25, () => ({ as: 'restated' }));

    const first = await restateChunk(deps, { plan: PLAN }, { ...tools, stop: never });
    const { after } = first;
    if (after === undefined) expect.fail('it has looked at some');
    const second = await restateChunk(deps, { plan: PLAN, after }, { ...tools, stop: never });

    expect([first.restated, first.isLast]).to.deep.equal([20, false]);
    expect(after).to.deep.equal({ project: 'shop', identity: 'run-0019' });
    expect([second.restated, second.isLast]).to.deep.equal([5, true]);
    expect(new Set(told.map(({ sessionId }) => sessionId)).size).to.equal(25);
  });

  it('begins no more of them in a second than it may', async () => {
    const { deps, told, tools } = aTable(20, () => ({ as: 'already' }));

    await restateChunk(deps, { plan: PLAN }, { ...tools, stop: never });

    const times = told.map(({ at }) => at);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).to.be.at.least(9_500);
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
    const { deps, tools } = aTable(4, (n) => outcomes[n]?.() ?? { as: 'already' });

    const chunk = await restateChunk(deps, { plan: PLAN }, { ...tools, stop: never });

    expect(chunk).to.deep.include({ restated: 1, gone: 1, refused: 1, failed: 1, already: 0 });
    expect(chunk.troubles).to.deep.equal([
      { project: 'shop', sessionId: 's-2', reason: 'its history is gone' },
      { project: 'shop', sessionId: 's-3', reason: 'nobody answers' },
    ]);
  });

  it('is left to another worker where this one stops', async () => {
    const stopping = new AbortController();
    const { deps, told, tools } = aTable(20, (n) => {
      if (n === 3) stopping.abort();
      return { as: 'restated' };
    });

    const stopped = restateChunk(deps, { plan: PLAN }, { ...tools, stop: stopping.signal });

    expect(await stopped.catch((error: unknown) => String(error))).to.contain(
      'another one goes on',
    );
    expect(told.length).to.be.below(20);
  });

  it('is the last one where nothing is found', async () => {
    const { deps, tools } = aTable(0, () => ({ as: 'restated' }));

    const chunk = await restateChunk(deps, { plan: PLAN }, { ...tools, stop: never });

    expect(chunk).to.deep.equal({ ...NO_COUNTS, troubles: [], isLast: true });
  });
});

describe('a restatement of many sessions', () => {
  const begun = countedOld(openRestate({ plan: PLAN }, 1_000), { known: 40, beyond: 7 });
  const chunk = {
    ...NO_COUNTS,
    ...{ restated: 9, refused: 1, isLast: false },
    troubles: [{ project: 'shop', sessionId: 'a`b', reason: 'its history is gone' }],
    after: { project: 'shop', identity: 'run-9' },
  };

  it('tells how far it is and how long it takes', () => {
    const view = restateViewOf(PLAN, withChunk(begun, chunk), 11_000);

    expect(view).to.include({ phase: 'restating', known: 40, beyond: 7, restated: 9, refused: 1 });
    expect(view.secondsLeft).to.equal(30);
    expect(describeRestate(view)).to.contain('**restating**: 25 %, some 30 s left');
    expect(describeRestate(view)).to.contain('`shop/a?b`: its history is gone');
  });

  it('adds its chunks up, goes on where the last one ended, and keeps the first troubles', () => {
    let state = withChunk(begun, chunk);
    for (let n = 0; n < 30; n += 1) state = withChunk(state, chunk);
    state = withChunk(state, { ...NO_COUNTS, restated: 2, isLast: true, troubles: [] });

    expect(state.counts).to.include({ restated: 31 * 9 + 2, refused: 31 });
    expect(state.troubles).to.have.length(20);
    expect(state.after).to.deep.equal(chunk.after);
    expect(state.phase).to.equal('done');
    expect(openRestate({ plan: PLAN, state }, 5)).to.equal(state);
  });

  it('says that it holds on, and is at its end where there was nothing', () => {
    const paused = restateViewOf(PLAN, { ...begun, isPaused: true }, 2_000);
    const nothing = withChunk(countedOld(openRestate({ plan: PLAN }, 0), { known: 0, beyond: 3 }), {
      ...{ ...NO_COUNTS, isLast: true, troubles: [] },
    });

    expect(paused.secondsLeft).to.equal(undefined);
    expect(describeRestate(paused)).to.contain('**restating, paused**: 0 %');
    expect(describeRestate(restateViewOf(PLAN, nothing, 9))).to.contain('**done**: 100 %');
    expect(describeRestate(restateViewOf(PLAN, nothing, 9))).to.contain('3 closed too long ago');
  });
});
