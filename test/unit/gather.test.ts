import { expect } from 'chai';
import fc from 'fast-check';
import type { VisitorEvent } from '../../shared/event.ts';
import {
  BATCH_BYTES_MAX,
  BATCH_EVENTS_MAX,
  HELD_MESSAGES_MAX,
  OVERTAKING_MESSAGES_MAX,
} from '../../shared/limits.ts';
import {
  createGather,
  type Delivery,
  type Gather,
  type HeldMessage,
} from '../../workers/ingest/gather.ts';
import type { Rhythm } from '../../workers/ingest/rhythm.ts';
import { anEvent } from '../support/builders.ts';

/** Just after a pulse. */
const T0 = 1_000_001;
/** Nothing waits for a pulse or for a pause, unless the test says so. */
const aGather = (rhythm: Partial<Rhythm> = {}) =>
  createGather({ promptMs: 1, middleMs: 1, pauseMs: () => 0, ...rhythm });

function add(
  gather: Gather,
  sessionId: string,
  event: VisitorEvent = anEvent(),
  now = T0,
): HeldMessage {
  const message = { seq: event.seq, receivedAt: 0, bytes: 100, open: 1 };
  gather.add({ project: 'shop', sessionId }, event, message, now);
  return message;
}

/** Sessions that have been delivered to, just now. */
function tellOf(gather: Gather, ...sessionIds: readonly string[]): void {
  for (const sessionId of sessionIds) {
    add(gather, sessionId, end(), 0);
    gather.done(gather.take(0) as Delivery, T0);
  }
}

const idsOf = (delivery: Delivery | undefined) => delivery?.events.map(({ id }) => id);
const end = () => anEvent({ type: 'session_end' });

describe('the waiting room', () => {
  it('sends what is new with the next pulse, whenever it came, and the events of a session together', () => {
    const gather = aGather({ promptMs: 250 });
    const [first, second] = [anEvent(), anEvent()];
    add(gather, 's', first);
    add(gather, 's', second, T0 + 20);
    add(gather, 't', anEvent(), T0 + 240);

    expect(gather.take(T0 + 248)).to.equal(undefined);
    expect(gather.dueAt()).to.equal(T0 + 249);
    expect(idsOf(gather.take(T0 + 249))).to.deep.equal([first.id, second.id]);
    expect(gather.take(T0 + 249)?.sessionId).to.equal('t');
    expect(gather.dueAt()).to.equal(Infinity);
  });

  it('sends what ends with the next pulse, though it has been waiting for the next but one', () => {
    const gather = aGather({ promptMs: 250, middleMs: 1_000 });
    tellOf(gather, 's', 't');
    add(gather, 's');
    add(gather, 't');
    add(gather, 's', end(), T0 + 100);

    expect(gather.take(T0 + 248)).to.equal(undefined);
    expect(gather.take(T0 + 249)?.sessionId).to.equal('s');
    expect(gather.take(T0 + 998)).to.equal(undefined);
    expect(gather.dueAt()).to.equal(T0 + 999);
    expect(gather.take(T0 + 999)?.sessionId).to.equal('t');
  });

  describe('that leaves sessions alone after a delivery', () => {
    const rhythm = { promptMs: 250, middleMs: 1_000, pauseMs: () => 5_000 };

    it('sends what comes in the middle with the first pulse after the pause', () => {
      const gather = aGather(rhythm);
      tellOf(gather, 's');
      const [first, second] = [anEvent(), anEvent()];
      add(gather, 's', first, T0 + 10);
      add(gather, 's', second, T0 + 4_800);

      expect(gather.take(T0 + 4_900)).to.equal(undefined);
      expect(gather.dueAt()).to.be.at.most(T0 + 4_999);
      expect(gather.take(T0 + 4_999)).to.equal(undefined);
      expect(idsOf(gather.take(T0 + 5_999))).to.deep.equal([first.id, second.id]);
      expect(gather.dueAt()).to.equal(Infinity);
    });

    it('sends what comes later than that with the next pulse', () => {
      const gather = aGather(rhythm);
      tellOf(gather, 's');
      add(gather, 's', anEvent(), T0 + 5_100);

      expect(gather.dueAt()).to.equal(T0 + 5_999);
      expect(gather.take(T0 + 5_999)?.sinceLastMs).to.equal(5_999);
    });

    it('does not keep an end waiting, nor a full batch', () => {
      const gather = aGather(rhythm);
      tellOf(gather, 's', 't');
      add(gather, 's', anEvent(), T0 + 1);
      add(gather, 's', end(), T0 + 2);
      for (let n = 0; n < BATCH_EVENTS_MAX; n += 1) add(gather, 't', anEvent(), T0 + 1);

      expect(gather.take(T0 + 1)?.sessionId).to.equal('t');
      expect(gather.take(T0 + 249)?.events).to.have.length(2);
    });

    it('brings what waits for a session at once where somebody looks at it', () => {
      const gather = aGather(rhythm);
      tellOf(gather, 's', 't');
      add(gather, 's', anEvent(), T0 + 1);
      add(gather, 't', anEvent(), T0 + 1);

      gather.bring({ project: 'shop', sessionId: 's' });
      gather.bring({ project: 'shop', sessionId: 'nobody' });

      expect(gather.dueAt()).to.be.at.most(T0 + 1);
      expect(gather.take(T0 + 1)?.sessionId).to.equal('s');
      expect(gather.take(T0 + 1)).to.equal(undefined);
    });

    it('keeps nothing back where there is no room, and when the process stops', () => {
      const gather = aGather(rhythm);
      tellOf(gather, 's', 't');
      add(gather, 's', anEvent(), T0 + 1);
      for (let n = 0; n < HELD_MESSAGES_MAX; n += 1) add(gather, 't', anEvent(), T0 + 1);

      expect(gather.take(T0 + 1)?.sessionId).to.be.oneOf(['s', 't']);
      expect(gather.take(T0 + 1)?.sessionId).to.be.oneOf(['s', 't']);

      const stopping = aGather(rhythm);
      tellOf(stopping, 's');
      add(stopping, 's', anEvent(), T0 + 1);
      stopping.hurry();
      expect(stopping.take(T0 + 1)?.sessionId).to.equal('s');
    });
  });

  it('waits longer under backlog, also for what ends', () => {
    const gather = aGather();
    gather.setBacklog(true);
    add(gather, 'open');
    add(gather, 'ends', end());

    expect(gather.take(T0 + 99)).to.equal(undefined);
    expect(gather.take(T0 + 100)?.sessionId).to.equal('ends');
    expect(gather.take(T0 + 999)).to.equal(undefined);
    expect(gather.take(T0 + 1_000)?.sessionId).to.equal('open');
  });

  describe('with more than can be delivered', () => {
    const SOON = T0 + 500;
    const LATE = T0 + 3_500;
    /** One that has been delivered to before, and waits again. */
    function addKnown(gather: Gather, sessionId: string): void {
      tellOf(gather, sessionId);
      add(gather, sessionId, anEvent(), T0);
    }
    function addNew(gather: Gather, ...sessionIds: readonly string[]): void {
      for (const [n, sessionId] of sessionIds.entries()) {
        add(gather, sessionId, anEvent(), T0 + n + 1);
      }
    }
    const taken = (gather: Gather, count: number, now: number) =>
      Array.from({ length: count }, () => gather.take(now)?.sessionId);

    it('sends what ends first, then what is new, then what can be seen already', () => {
      const gather = aGather();
      addKnown(gather, 'known');
      addNew(gather, 'new');
      add(gather, 'ends', end(), SOON);

      expect(taken(gather, 4, SOON)).to.deep.equal(['ends', 'new', 'known', undefined]);
    });

    it('lets what has been waiting longest go after three new ones', () => {
      const gather = aGather();
      addKnown(gather, 'known-1');
      addKnown(gather, 'known-2');
      addNew(gather, 'a', 'b', 'c', 'd');

      const order = taken(gather, 7, SOON);

      expect(order).to.deep.equal(['a', 'b', 'c', 'known-1', 'd', 'known-2', undefined]);
    });

    it('sends the newest first in a rush, at once', () => {
      const gather = aGather();
      addKnown(gather, 'known');
      addNew(gather, 'a', 'b', 'c', 'd');
      add(gather, 'e', anEvent(), LATE);

      expect(taken(gather, 6, LATE)).to.deep.equal(['e', 'd', 'c', 'known', 'b', 'a']);
    });

    it('waits for company where the only new one has just come', () => {
      const gather = aGather({ promptMs: 40 });
      addKnown(gather, 'known');
      add(gather, 'new', anEvent(), LATE);

      expect(taken(gather, 2, LATE)).to.deep.equal(['known', undefined]);
      expect(taken(gather, 1, LATE + 39)).to.deep.equal(['new']);
    });

    it('is quick to find the new ones after a long backlog', function () {
      this.timeout(30_000);
      const gather = aGather();
      gather.setBacklog(true);
      for (let n = 0; n < 200_000; n += 1) {
        add(gather, `gone-${n}`, end());
        gather.done(gather.take(T0 + 100) as Delivery, T0);
      }
      gather.setBacklog(false);
      addKnown(gather, 'known');
      addNew(gather, 'new');

      expect(taken(gather, 3, SOON)).to.deep.equal(['new', 'known', undefined]);
    });

    it('keeps to the order of waiting under backlog, where nothing is new', () => {
      const gather = aGather();
      addKnown(gather, 'known');
      gather.setBacklog(true);
      addNew(gather, 'a', 'b');

      expect(taken(gather, 3, LATE)).to.deep.equal(['known', 'a', 'b']);
    });
  });

  describe('with several projects', () => {
    const addTo = (gather: Gather, project: string, id: string, type = 'session_end', at = T0) => {
      const message = { seq: 1, receivedAt: 0, bytes: 1, open: 1 };
      gather.add({ project, sessionId: id }, anEvent({ type }), message, at);
    };
    const projects = (gather: Gather, count: number, now: number) =>
      Array.from({ length: count }, () => gather.take(now)?.project);

    it('lets them take turns among what ends', () => {
      const gather = aGather();
      for (let n = 0; n < 100; n += 1) addTo(gather, 'many', `s-${n}`);
      addTo(gather, 'few', 's-1');
      addTo(gather, 'few', 's-2');

      expect(projects(gather, 6, T0).filter((project) => project === 'few')).to.have.length(2);
    });

    it('lets what begins in one go between the many that end in another', () => {
      const gather = aGather();
      gather.setBacklog(true);
      gather.setAhead(new Set(['few']));
      for (let n = 0; n < 100; n += 1) addTo(gather, 'many', `s-${n}`);
      addTo(gather, 'few', 's-1', 'pageview');

      expect(projects(gather, 4, T0 + 100)).to.include('few');
    });

    it('keeps a backlog’s pace only with those whose messages wait in the stream', () => {
      const gather = aGather();
      gather.setBacklog(true);
      gather.setAhead(new Set(['ahead']));
      addTo(gather, 'ahead', 's', 'pageview');
      addTo(gather, 'behind', 's', 'pageview');

      expect(projects(gather, 2, T0 + 40)).to.deep.equal(['ahead', undefined]);
      expect(projects(gather, 2, T0 + 1_000)).to.deep.equal(['behind', undefined]);
    });

    it('does not count what overtakes when it says that it is full', () => {
      const gather = aGather();
      gather.setAhead(new Set(['ahead']));
      const add = (overtakes?: true) => {
        const message = {
          seq: 1,
          receivedAt: 0,
          bytes: 1,
          open: 1,
          ...(overtakes && { overtakes }),
        };
        const session = { project: 'ahead', sessionId: `s-${gather.events}` };
        gather.add(session, end(), message, T0);
      };
      while (gather.mayOvertake) add(true);
      expect([gather.events, gather.isFull]).to.deep.equal([OVERTAKING_MESSAGES_MAX, false]);
      expect([gather.heldOf('ahead'), gather.aheadOf('ahead')]).to.deep.equal([
        OVERTAKING_MESSAGES_MAX,
        OVERTAKING_MESSAGES_MAX,
      ]);

      gather.done(gather.take(T0) as Delivery, T0);
      expect(gather.mayOvertake).to.equal(true);
      expect(gather.aheadOf('ahead')).to.equal(OVERTAKING_MESSAGES_MAX - 1);
    });

    it('is quick with very many of them', function () {
      this.timeout(30_000);
      const gather = aGather();
      for (let n = 0; n < 50_000; n += 1) addTo(gather, `p-${n}`, 's', 'pageview', T0 + n);
      const seen = new Set<string>();
      for (let n = 0; n < 50_000; n += 1) {
        const delivery = gather.take(T0 + 50_040);
        if (delivery === undefined) break;
        seen.add(delivery.project);
        gather.done(delivery, T0);
      }

      expect([seen.size, gather.events]).to.deep.equal([50_000, 0]);
    });

    it('finds the one that is due among very many that are not', () => {
      const gather = aGather({ promptMs: 40 });
      addTo(gather, 'oldest', 's', 'pageview', T0);
      for (let n = 0; n < 1_000; n += 1) addTo(gather, `p-${n}`, 's', 'pageview', T0 + 41);

      expect(projects(gather, 2, T0 + 40)).to.deep.equal(['oldest', undefined]);
      // Asked again and again, others have had their turn meanwhile: it does not matter.
      addTo(gather, 'oldest', 't', 'pageview', T0 + 10);
      expect(gather.dueAt()).to.be.at.most(T0 + 79);
    });
  });

  it('has one delivery of a session under way, and gathers for the next meanwhile', () => {
    const gather = aGather();
    add(gather, 's', end());
    const first = gather.take(T0) as Delivery;
    const later = anEvent();
    add(gather, 's', later);

    expect(gather.take(T0 + 5_000)).to.equal(undefined);
    gather.done(first, T0);
    expect(idsOf(gather.take(T0 + 5_000))).to.deep.equal([later.id]);
  });

  it('puts a delivery back in front of what came after it', () => {
    const gather = aGather();
    const [first, second] = [anEvent(), anEvent()];
    add(gather, 's', first);
    const delivery = gather.take(T0 + 40) as Delivery;
    add(gather, 's', second);

    gather.putBack(delivery);

    expect(idsOf(gather.take(T0 + 41))).to.deep.equal([first.id, second.id]);
    expect(gather.events).to.equal(2);
  });

  it('keeps sessions of the same id in other projects apart', () => {
    const gather = aGather();
    const message = { seq: 1, receivedAt: 0, bytes: 1, open: 2 };
    gather.add({ project: 'a', sessionId: 'b/c' }, end(), message, T0);
    gather.add({ project: 'b', sessionId: 'b/c' }, end(), message, T0);

    expect([gather.take(T0)?.project, gather.take(T0)?.project]).to.deep.equal(['a', 'b']);
  });

  it('cuts batches by number and by size', () => {
    const gather = aGather();
    for (let n = 0; n < BATCH_EVENTS_MAX + 1; n += 1) add(gather, 'many');
    expect(idsOf(gather.take(T0))).to.have.length(BATCH_EVENTS_MAX);

    const long = () => anEvent({ path: 'x'.repeat(1_000) });
    for (let n = 0; n < 200; n += 1) add(gather, 'large', long());
    const delivery = gather.take(T0 + 40) as Delivery;
    expect(delivery.events.length).to.be.below(200);
    expect(JSON.stringify(delivery.events).length).to.be.below(BATCH_BYTES_MAX);
  });

  it('is full at its limit, sends at once then, and has room again afterwards', () => {
    const gather = aGather();
    gather.setBacklog(true);
    for (let n = 0; n < HELD_MESSAGES_MAX; n += 1) add(gather, `s-${n % 1_000}`);
    expect(gather.isFull).to.equal(true);

    gather.done(gather.take(T0) as Delivery, T0);

    expect(gather.isFull).to.equal(false);
  });

  it('wants no more while sessions enough wait only for a place, however many others there are', () => {
    const gather = aGather();
    gather.setBacklog(true);
    for (let n = 0; n < 1_000; n += 1) add(gather, `open-${n}`);
    for (let n = 0; n < 63; n += 1) add(gather, `ended-${n}`, end());
    expect(gather.isFull).to.equal(false);
    add(gather, 'ended-63', end());
    expect(gather.isFull).to.equal(true);
    expect(gather.take(T0)).to.equal(undefined);

    gather.take(T0 + 100);

    expect(gather.isFull).to.equal(false);
  });

  it('hurries when the process stops', () => {
    const gather = aGather();
    gather.setBacklog(true);
    add(gather, 's');

    gather.hurry();

    expect(gather.take(T0)?.sessionId).to.equal('s');
  });

  it('gives every event exactly once, in order within its session, whatever happens', () => {
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), session: fc.nat(3), ends: fc.boolean() }),
      fc.record({
        do: fc.constantFrom(
          'take' as const,
          'done' as const,
          'putBack' as const,
          'wait' as const,
          'bring' as const,
        ),
      }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
        const gather = aGather({ promptMs: 250, middleMs: 1_000, pauseMs: () => 2_000 });
        const added = new Map<string, string[]>();
        const given = new Map<string, string[]>();
        const underWay: Delivery[] = [];
        let now = T0;
        const finish = (delivery: Delivery) => {
          gather.done(delivery, now);
          given.set(delivery.sessionId, [
            ...(given.get(delivery.sessionId) ?? []),
            ...(idsOf(delivery) ?? []),
          ]);
        };
        for (const s of steps) {
          if (s.do === 'add') {
            const event = anEvent({ type: s.ends ? 'session_end' : 'pageview' });
            const id = `s-${s.session}`;
            add(gather, id, event, now);
            added.set(id, [...(added.get(id) ?? []), event.id]);
          } else if (s.do === 'take') {
            const delivery = gather.take(now);
            if (delivery !== undefined) underWay.push(delivery);
          } else if (s.do === 'wait') {
            now += 350;
          } else if (s.do === 'bring') {
            gather.bring({ project: 'shop', sessionId: 's-1' });
          } else {
            const delivery = underWay.shift();
            if (delivery === undefined) continue;
            if (s.do === 'done') finish(delivery);
            else gather.putBack(delivery);
          }
        }
        for (const delivery of underWay) finish(delivery);
        // Whatever waits comes to its turn by itself, and at once when the process stops.
        if (steps.length % 2 === 0) now += 3_000;
        else gather.hurry();
        for (let d = gather.take(now); d !== undefined; d = gather.take(now)) finish(d);

        expect(given).to.deep.equal(added);
        expect(gather.events).to.equal(0);
      }),
      { numRuns: 300 },
    );
  });
});
