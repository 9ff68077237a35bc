/** Whole sessions against the naive reading of the contract: what a load in bulk writes is what is right. */
import { expect } from 'chai';
import fc from 'fast-check';
import { chunksOf } from '../../bulk/chunks.ts';
import { identityOf } from '../../bulk/identity.ts';
import { sumChunk } from '../../bulk/load-chunk.ts';
import { foldSession, settleSession, type WholeSession } from '../../bulk/whole-session.ts';
import { createVisitors } from '../../activities/visitors.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { encodeRollup } from '../../shared/rollup.ts';
import { asReference, asReferenceRows, inLines, sumOfLog } from '../support/builders.ts';
import { arrivals, manyPaths, sessionEvents, visits } from '../support/generators.ts';
import { referenceRows } from '../support/reference.ts';
import { visitorStoreOn } from '../support/visitor-store.ts';

const OPTIONS = { load: 'a-load', idleTimeoutMs: 30 * 60_000 };
const patiently = <T>(step: () => Promise<T>) => step();

const expectedRows = (bySession: ReadonlyMap<string, readonly VisitorEvent[]>) =>
  referenceRows(
    [...bySession].flatMap(([id, events]) => events.map((event) => asReference('shop', id, event))),
  );

/** In the order of first events, as a load has them. */
const inOrder = (bySession: ReadonlyMap<string, readonly VisitorEvent[]>): WholeSession[] =>
  Array.from(bySession, ([sessionId, events]) => ({ project: 'shop', sessionId, events }))
    .map((session) => ({ session, first: Math.min(...session.events.map(({ at }) => at)) }))
    .sort((a, b) => a.first - b.first || (a.session.sessionId < b.session.sessionId ? -1 : 1))
    .map(({ session }) => session);

function someVisitors() {
  return createVisitors(visitorStoreOn(new Map()), { now: () => 0, onAway: () => undefined });
}

describe('whole sessions in bulk', function () {
  this.timeout(60_000);

  it('add up to the rows of the reference', async () => {
    await fc.assert(
      fc.asyncProperty(visits, async (bySession) => {
        const chunk = { number: 1, sessions: inOrder(bySession) };
        const sums = await sumChunk({ visitors: someVisitors(), patiently }, chunk, OPTIONS);

        const rows = asReferenceRows(...sums.metrics.values());
        expect(inLines(rows)).to.equal(inLines(expectedRows(bySession)));
        expect(sums.sessions).to.have.length(bySession.size);
      }),
      { numRuns: 300 },
    );
  });

  it('are the same records whatever the order and duplication of their events', () => {
    const twice = sessionEvents().chain((all) => fc.tuple(fc.constant(all), arrivals(all)));
    fc.assert(
      fc.property(twice, ([all, batches]) => {
        const recordsOf = (events: readonly VisitorEvent[]) => {
          const folded = foldSession({ project: 'shop', sessionId: 's-1', events }, OPTIONS);
          const user = folded.visit && { userId: folded.visit.userId, isNew: true };
          return settleSession(folded, user);
        };
        const [one, other] = [recordsOf(all), recordsOf(batches.flat())];

        expect(inLines(sumOfLog(one.map(encodeRollup)))).to.equal(
          inLines(sumOfLog(other.map(encodeRollup))),
        );
        expect(other.at(-1)?.session).to.deep.equal(one.at(-1)?.session);
        expect(other.at(-1)).to.deep.include({ owesMore: false, identity: one[0]?.identity });
      }),
      { numRuns: 300 },
    );
  });

  it('take as many records as their rows need', () => {
    const events = manyPaths(2_300);
    const folded = foldSession({ project: 'shop', sessionId: 's-1', events }, OPTIONS);
    const records = settleSession(folded, undefined);

    expect(records.length).to.be.above(1);
    expect(records.map(({ writeNo }) => writeNo)).to.deep.equal(records.map((_, n) => n + 1));
    expect(inLines(sumOfLog(records.map(encodeRollup)))).to.equal(
      inLines(expectedRows(new Map([['s-1', events]]))),
    );
  });

  it('make a user new with the first of their sessions, also where a chunk comes again', async () => {
    const sessions = ['c', 'a', 'b'].map((sessionId, n) => ({
      project: 'shop',
      sessionId,
      events: [{ id: '1', type: 'pageview', at: 1_000 * (n + 1), seq: 1, userId: 'ann' }],
    }));
    const visitors = someVisitors();
    const newOnes = async (chunk: readonly WholeSession[]) => {
      const deps = { visitors, patiently };
      const sums = await sumChunk(deps, { number: 1, sessions: chunk }, OPTIONS);
      return sums.sessions.map(({ sessionId, session }) => [sessionId, session.newUser]);
    };
    const once = await newOnes(sessions);

    expect(once).to.deep.equal([
      ['c', true],
      ['a', false],
      ['b', false],
    ]);
    expect(await newOnes(sessions)).to.deep.equal(once);
  });

  it('are refused where they are not in the order of their first events', async () => {
    const at = (time: number): WholeSession => ({
      project: 'shop',
      sessionId: `s-${time}`,
      events: [{ id: '1', type: 'pageview', at: time, seq: 1 }],
    });
    const chunks = chunksOf([at(1_000), at(2_000), at(1_999)], { sessionsMax: 1, eventsMax: 9 });
    await chunks.next();
    const outcome = await chunks.next().catch((error: unknown) => error);

    expect(String(outcome)).to.contain('s-1999 begins before');
    expect(() => foldSession({ ...at(1), events: [] }, OPTIONS)).to.throw('has no events');
  });

  it('have an identity that begins with their time, and is of this load and session alone', () => {
    const session = { project: 'shop', sessionId: 's-1', firstEventAt: Date.UTC(2026, 10, 28) };
    const identity = identityOf('one', session);

    expect(identity).to.match(
      /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
    );
    expect(parseInt(identity.replace('-', '').slice(0, 12), 16)).to.equal(session.firstEventAt);
    expect(identityOf('one', session)).to.equal(identity);
    expect(identityOf('two', session)).to.not.equal(identity);
    expect(identityOf('one', { ...session, sessionId: 's-2' })).to.not.equal(identity);
  });
});
