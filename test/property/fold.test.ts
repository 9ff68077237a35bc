import { expect } from 'chai';
import fc from 'fast-check';
import {
  type Actor,
  continuation,
  openActor,
  receive,
  type SessionInput,
  snapshotOf,
} from '../../shared/actor.ts';
import { nextStep, type Step } from '../../shared/next-step.ts';
import { askedOf, confirmWrite, rollupFor, writeRequest, writeResult } from '../../shared/write.ts';
import { groupEvents } from '../../shared/batch.ts';
import { addAll, type Contributions } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import {
  applyEvents,
  emptySession,
  factsOf,
  sessionRows,
  type SessionState,
} from '../../shared/session.ts';
import { stateFromWire, stateToWire, wideStateToWire } from '../../shared/session-wire.ts';
import {
  asReference,
  asReferenceRows,
  NOON_ISH,
  SETTINGS,
  inLines,
  sumOfLog,
  throughJson,
} from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { arrivals, manyPaths, sessionEvents, visits } from '../support/generators.ts';
import { referenceRows, referenceSession, unitsByName, unitsOf } from '../support/reference.ts';

const delivered = (events: fc.Arbitrary<VisitorEvent[]>) =>
  events.chain((all) => fc.tuple(fc.constant(all), arrivals(all)));

describe('the fold of a session', function () {
  this.timeout(30_000);

  it('gives the rows of the reference, whatever the order, duplication and batching', () => {
    const delivery = visits.chain((bySession) =>
      fc.tuple(
        fc.constant(bySession),
        arrivals([...bySession].flatMap(([id, events]) => events.map((event) => ({ id, event })))),
      ),
    );
    fc.assert(
      fc.property(delivery, ([bySession, batches]) => {
        const states = new Map<string, SessionState>();
        const rows: Contributions = new Map();
        for (const { id, event } of batches.flat()) {
          const state = states.get(id) ?? emptySession();
          states.set(id, state);
          addAll(rows, applyEvents(state, [event]));
        }
        for (const state of states.values()) addAll(rows, rowsOf(state));

        expect(inLines(asReferenceRows(rows))).to.equal(inLines(expectedRows(bySession)));
      }),
      { numRuns: cases(1_000) },
    );
  });

  it('comes to the same state and facts by any way', () => {
    const twice = sessionEvents().chain((all) =>
      fc.tuple(fc.constant(all), arrivals(all), arrivals(all)),
    );
    fc.assert(
      fc.property(twice, ([all, one, other]) => {
        const [a, b] = [folded(one), folded(other)];

        expect(inAnyOrder(a)).to.deep.equal(inAnyOrder(b));
        expect(factsOf(stateFromWire(inAnyOrder(a)))).to.deep.equal(
          factsOf(stateFromWire(inAnyOrder(b))),
        );
        expect(a.events).to.equal(all.length);
      }),
      { numRuns: cases(1_000) },
    );
  });

  it('shows a session as the reference sees it', () => {
    fc.assert(
      fc.property(delivered(sessionEvents()), ([all, batches]) => {
        const facts = factsOf(folded(batches));
        const { revenue, purse, entryPath, exitPath, ...figures } = referenceVisit(all);

        expect(facts).to.deep.include(figures);
        expect([facts?.entryPath, facts?.exitPath]).to.deep.equal([entryPath, exitPath]);
        expect(facts?.durationMs).to.equal(figures.lastEventAt - figures.firstEventAt);
        expect(unitsOf(facts?.revenue ?? '')).to.equal(revenue);
        expect(unitsByName(facts?.revenueByCurrency)).to.deep.equal(purse);
      }),
      { numRuns: cases(1_000) },
    );
  });

  it('may travel as JSON at any point without a change', () => {
    fc.assert(
      fc.property(delivered(sessionEvents()), fc.array(fc.boolean()), ([, batches], travels) => {
        let travelling = emptySession();
        const staying = emptySession();
        for (const [index, batch] of batches.entries()) {
          const there = asReferenceRows(applyEvents(travelling, batch));
          const here = asReferenceRows(applyEvents(staying, batch));
          if (travels[index] ?? true) {
            travelling = stateFromWire(throughJson(stateToWire(travelling)));
          }
          expect(inLines(there)).to.equal(inLines(here));
          expect(travelling).to.deep.equal(staying);
        }
        expect(rowsOf(travelling)).to.deep.equal(rowsOf(staying));
      }),
      { numRuns: 500 },
    );
  });

  it('comes to the same where events say in groups what they have in common', () => {
    fc.assert(
      fc.property(delivered(sessionEvents()), ([, batches]) => {
        const grouped = emptySession();
        const plain = emptySession();
        for (const batch of batches) {
          const here = applyEvents(plain, batch);
          const there: Contributions = new Map();
          for (const { all, events } of groupEvents(batch)) {
            addAll(there, applyEvents(grouped, events, 0, all));
          }
          expect(inLines(asReferenceRows(there))).to.equal(inLines(asReferenceRows(here)));
          expect(grouped).to.deep.equal(plain);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('writes differences that sum up to the reference, wherever they are cut', () => {
    const cuts = fc.array(fc.constantFrom('none', 'write', 'continue', 'reopen', 'upgrade'), {
      minLength: 1,
      maxLength: 8,
    });
    fc.assert(
      fc.property(delivered(sessionEvents()), cuts, ([all, batches], cutAfter) => {
        const log = writtenWith(batches, cutAfter);

        expect(inLines(sumOfLog(log))).to.equal(inLines(expectedRows(new Map([['s-1', all]]))));
      }),
      { numRuns: cases(1_000) },
    );
  });

  it('writes more rows than a record takes in several records', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1_000, max: 2_300 }), fc.nat(50), (paths, cut) => {
        const events = manyPaths(paths);
        const log = writtenWith([events.slice(0, cut), events.slice(cut)], ['none']);

        expect(inLines(sumOfLog(log))).to.equal(inLines(expectedRows(new Map([['s-1', events]]))));
      }),
      { numRuns: 5 },
    );
  });
});

/** Plays batches into an actor that writes where it is cut and at its end. @returns its records */
function writtenWith(batches: readonly VisitorEvent[][], cutAfter: readonly string[]): string[] {
  const log: string[] = [];
  const isUpgraded = cutAfter.includes('upgrade');
  let input: SessionInput = {
    ...(!isUpgraded && { version: 2 }),
    project: 'shop',
    sessionId: 's-1',
    settings: SETTINGS,
    batch: { events: batches[0] ?? [], ackFloor: 0 },
  };
  let chain = 1;
  let actor = openActor(input, 'run-1', NOON_ISH);
  const write = (step: Omit<WriteStep, 'do'>) => {
    log.push(writeDown(actor, step));
  };
  for (const [index, batch] of batches.entries()) {
    if (index > 0) receive(actor, { events: batch, ackFloor: 0 }, NOON_ISH);
    const cut = cutAfter[index % cutAfter.length];
    if (cut === 'write') write({ status: 'open' });
    if (cut === 'continue') {
      actor = openActor(throughJson(continuation(actor, NOON_ISH)), `run-${chain}`, NOON_ISH);
    }
    if (cut === 'reopen' || cut === 'upgrade') {
      if (cut === 'upgrade') input = { ...input, version: 2 };
      write({ status: 'ended', endReason: 'session_end' });
      chain += 1;
      const snapshot = throughJson(snapshotOf(actor, 'session_end'));
      actor = openActor({ ...input, snapshot }, `run-${chain}`, NOON_ISH);
    }
  }
  actor.endRequested = true;
  for (let writes = 0; writes < 10; writes += 1) {
    const step = nextStep(actor, NOON_ISH);
    if (step.do !== 'write') return log;
    write(step);
  }
  throw new Error('the session does not come to an end');
}

type WriteStep = Extract<Step, { do: 'write' }>;

function writeDown(actor: Actor, step: Omit<WriteStep, 'do'>): string {
  const request = throughJson(writeRequest(actor, step, NOON_ISH));
  const { userId } = askedOf(request);
  const user = userId === undefined ? undefined : { userId, isNew: userId === 'ann' };
  const rollup = rollupFor(request, user);
  expect(confirmWrite(actor, throughJson(writeResult(rollup)), NOON_ISH)).to.equal(true);
  return JSON.stringify(rollup);
}

function folded(batches: readonly VisitorEvent[][]): SessionState {
  const state = emptySession();
  for (const batch of batches) applyEvents(state, batch);
  return state;
}

function rowsOf(state: SessionState): Contributions {
  const facts = factsOf(state, state.attributes.has('userId') ? true : undefined);
  if (facts === undefined) throw new Error('no events');
  return sessionRows(facts);
}

/** The state with its collections inLines: what it says, without the way it came about. */
function inAnyOrder(state: SessionState) {
  const wire = wideStateToWire(state);
  const byKey = <T extends readonly [string, ...unknown[]]>(entries: readonly T[]) =>
    [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
  return { ...wire, ids: byKey(wire.ids), tallies: byKey(wire.tallies) };
}

function expectedRows(bySession: ReadonlyMap<string, readonly VisitorEvent[]>) {
  return referenceRows(
    [...bySession].flatMap(([id, events]) => events.map((event) => asReference('shop', id, event))),
  );
}

function referenceVisit(events: readonly VisitorEvent[]) {
  const inOrder = [...events].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1));
  return referenceSession(inOrder.map((event) => asReference('shop', 's-1', event)));
}
