import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';
import { expect } from 'chai';
import fc from 'fast-check';
import {
  openActor,
  type SessionInput,
  type SessionSnapshot,
  snapshotOf,
} from '../../shared/actor.ts';
import { planOpening } from '../../shared/write.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { eventsOf, type GroupedBatch } from '../../shared/batch.ts';
import { createVisitors } from '../../activities/visitors.ts';
import { createDeliver, type DeliverDeps, type Outcome } from '../../workers/ingest/deliver.ts';
import type { Delivery } from '../../workers/ingest/gather.ts';
import { createOpener } from '../../workers/ingest/opening.ts';
import { anEvent, NOON_ISH, SETTINGS } from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { visitorStoreOn } from '../support/visitor-store.ts';

const HOUR_MS = 3_600_000;
const SESSION_ID = sessionWorkflowId('shop', 's');

/** A Temporal server with one session, and others beside it, as far as deliveries see them. */
class FakeTemporal {
  state: 'none' | 'open' | 'closed' = 'none';
  snapshot: SessionSnapshot | undefined;
  closedAt = NOON_ISH;
  readonly starts: SessionInput[] = [];
  readonly signals: GroupedBatch[] = [];
  /** When first writes were worked out. */
  readonly planned: number[] = [];
  /** What was worked out for sessions that were there already. */
  readonly dropped: number[] = [];
  stretchedMs: number | undefined;
  /** What happens right before the next describe: others are at work too. */
  stoodStill = false;
  beforeDescribe: () => void = () => undefined;
  described = 0;
  startedAt = NOON_ISH;
  /** What happens to the next starts: the server never sees them, or their replies are lost. */
  readonly fates: ('refused' | 'lost')[] = [];
  /** Other sessions that are there, and since when. */
  readonly others = new Map<string, number>();

  deps(now = NOON_ISH, clock = () => now): DeliverDeps {
    const gone = () => new WorkflowNotFoundError('gone', 'session/shop/s', undefined);
    const workflow = {
      start: (
        _type: string,
        options: { workflowId: string; args: [SessionInput]; workflowIdReusePolicy: string },
      ) => {
        const fate = this.fates.shift();
        if (fate === 'refused') return Promise.reject(new Error('unavailable'));
        if (options.workflowId !== SESSION_ID) return this.startOther(options, fate, clock());
        const rejects = options.workflowIdReusePolicy === 'REJECT_DUPLICATE';
        if (this.state === 'open' || (this.state === 'closed' && rejects)) {
          return Promise.reject(new WorkflowExecutionAlreadyStartedError('there', 'x', 'session'));
        }
        this.state = 'open';
        this.startedAt = clock();
        this.starts.push(options.args[0]);
        return fate === 'lost' ? Promise.reject(new Error('no reply')) : Promise.resolve();
      },
      getHandle: (id = SESSION_ID) => ({
        signal: (_signal: unknown, batch: GroupedBatch) => {
          if (this.others.has(id)) return Promise.resolve();
          if (this.state !== 'open') return Promise.reject(gone());
          this.signals.push(batch);
          return Promise.resolve();
        },
        describe: () => {
          this.described += 1;
          this.beforeDescribe();
          const since = this.others.get(id);
          if (since !== undefined) {
            return Promise.resolve({ status: { name: 'RUNNING' }, startTime: new Date(since) });
          }
          if (id !== SESSION_ID || this.state === 'none') return Promise.reject(gone());
          const status = { name: this.state === 'open' ? 'RUNNING' : 'COMPLETED' };
          const [startTime, closeTime] = [new Date(this.startedAt), new Date(this.closedAt)];
          return Promise.resolve({ status, runId: 'run-1', startTime, closeTime });
        },
      }),
    };
    return {
      client: { workflow } as unknown as DeliverDeps['client'],
      history: {
        snapshotOf: () =>
          this.snapshot === undefined ? Promise.reject(gone()) : Promise.resolve(this.snapshot),
      },
      opener: {
        plan: (actor, at) => {
          this.planned.push(at);
          return Promise.resolve(planOpening(actor, undefined, at));
        },
        drop: (_actor, at) => {
          this.dropped.push(at);
          return Promise.resolve();
        },
        dropEarlier: () => Promise.resolve(),
      },
      stretchedCheckpointMs: () => this.stretchedMs,
      now: clock,
      standstill: {
        mark: () => 0,
        assertNoneSince: () => {
          if (this.stoodStill) throw new Error('this process stood still');
        },
      },
    };
  }

  private startOther(
    { workflowId, args: [input] }: { workflowId: string; args: [SessionInput] },
    fate: 'lost' | undefined,
    now: number,
  ): Promise<void> {
    if (this.others.has(workflowId)) {
      return Promise.reject(new WorkflowExecutionAlreadyStartedError('there', 'x', 'session'));
    }
    this.others.set(workflowId, now);
    this.starts.push(input);
    return fate === 'lost' ? Promise.reject(new Error('no reply')) : Promise.resolve();
  }

  /** Closes the session, with these events in it. */
  close(...events: ReturnType<typeof anEvent>[]): void {
    const input = {
      project: 'shop',
      sessionId: 's',
      settings: SETTINGS,
      batch: { events, ackFloor: 0 },
    };
    this.state = 'closed';
    this.snapshot = snapshotOf(openActor(input, 'run-1', NOON_ISH), 'session_end');
  }
}

const STEP = fc.record({
  sessionId: fc.constantFrom('there-1', 'there-2', 'own-1', 'own-2'),
  fate: fc.constantFrom('refused' as const, 'lost' as const, undefined),
  isSilent: fc.boolean(),
  isAlone: fc.boolean(),
});

const OPTIONS = { settings: SETTINGS, lateWindowMs: HOUR_MS, eagerStart: false };

function aDelivery(...events: ReturnType<typeof anEvent>[]): Delivery {
  return { project: 'shop', sessionId: 's', events, messages: [], sizes: [] };
}

/** Delivers events of a user until they are taken, 5 s apart. @returns whose the user is then */
async function deliverOfUser(temporal: FakeTemporal) {
  let now = NOON_ISH;
  const keys = new Map<string, string>();
  const visitors = createVisitors(visitorStoreOn(keys), {
    now: () => now,
    onAway: () => undefined,
  });
  const deps = { ...temporal.deps(now, () => now), opener: createOpener(visitors) };
  const deliver = createDeliver(deps, OPTIONS);
  const delivery = aDelivery(anEvent({ userId: 'ann' }));
  let outcome: Outcome | undefined;
  while (outcome === undefined) {
    outcome = await deliver(delivery, 0).catch(() => undefined);
    now += 5_000;
  }
  const isNewIn = async (sessionId: string) =>
    (await visitors.recognize({ project: 'shop', sessionId, userId: 'ann', at: now })).isNew;
  return { outcome, isNewIn };
}

/** A process that delivers events of one user, for this session and others, and whom the user is new in. */
function aWorldOfUser(temporal: FakeTemporal) {
  let now = NOON_ISH;
  const visitors = createVisitors(visitorStoreOn(new Map()), {
    now: () => now,
    onAway: () => undefined,
  });
  const deliver = createDeliver(
    { ...temporal.deps(now, () => now), opener: createOpener(visitors) },
    OPTIONS,
  );
  return {
    /** A second after the one before. @returns undefined where it failed */
    deliverTo: (sessionId: string): Promise<Outcome | undefined> => {
      now += 1_000;
      const delivery = { ...aDelivery(anEvent({ userId: 'ann' })), sessionId };
      return deliver(delivery, 0).catch(() => undefined);
    },
    /** As a session finds out by itself. */
    isNewIn: async (sessionId: string): Promise<boolean> => {
      const visit = { project: 'shop', sessionId, userId: 'ann', at: now };
      return (await visitors.recognize(visit)).isNew;
    },
  };
}

describe('the user of a delivery who was claimed for another session, nobody knows whether for nothing', () => {
  const THEIRS = sessionWorkflowId('shop', 'theirs');
  const openingUsers = ({ starts }: FakeTemporal) =>
    starts.map(({ sessionId, opening }) => [sessionId, opening?.user?.isNew]);

  const isAway = () => {
    throw new Error('unavailable');
  };

  /** Events come to a session of somebody else, then to their own, and Temporal is away. */
  async function claimInDoubt(fate: 'refused' | 'lost', isThere: boolean) {
    const temporal = new FakeTemporal();
    if (isThere) temporal.others.set(THEIRS, NOON_ISH - HOUR_MS);
    temporal.fates.push(fate, 'refused');
    temporal.beforeDescribe = isAway;
    const world = aWorldOfUser(temporal);
    expect(await world.deliverTo('theirs')).to.equal(undefined);
    expect(await world.deliverTo('s')).to.equal(undefined);
    temporal.beforeDescribe = () => undefined;
    return { temporal, ...world };
  }

  it('is new in their own session where the other one was there before, whichever is tried first', async () => {
    for (const order of [
      ['s', 'theirs'],
      ['theirs', 's'],
    ] as const) {
      const { temporal, deliverTo, isNewIn } = await claimInDoubt('refused', true);

      for (const sessionId of order) await deliverTo(sessionId);

      expect(openingUsers(temporal), order.join()).to.deep.equal([['s', true]]);
      expect(await isNewIn('s')).to.equal(true);
      expect(await isNewIn('another')).to.equal(false);
    }
  });

  it('returns in their own where the claim has begun the other one', async () => {
    const { temporal, deliverTo, isNewIn } = await claimInDoubt('lost', false);

    expect(await deliverTo('s')).to.equal('started');
    expect(await deliverTo('theirs')).to.equal('signalled');

    expect(openingUsers(temporal)).to.deep.equal([
      ['theirs', true],
      ['s', false],
    ]);
    expect(await isNewIn('another')).to.equal(false);
  });

  it('returns in their own where the claim may still begin the other one', async () => {
    const { temporal, deliverTo } = await claimInDoubt('refused', false);

    expect(await deliverTo('s')).to.equal('started');
    expect(await deliverTo('theirs')).to.equal('started');

    expect(openingUsers(temporal)).to.deep.equal([
      ['s', false],
      ['theirs', true],
    ]);
  });

  it('is left to their own session where Temporal does not say, which then asks once more', async () => {
    const { temporal, deliverTo, isNewIn } = await claimInDoubt('refused', true);
    temporal.beforeDescribe = isAway;

    expect(await deliverTo('s')).to.equal('started');
    temporal.beforeDescribe = () => undefined;
    expect(await deliverTo('theirs')).to.equal('signalled');

    expect(openingUsers(temporal)).to.deep.equal([['s', undefined]]);
    expect(temporal.starts[0]?.opening?.rows).not.to.deep.equal([]);
    expect(await isNewIn('s')).to.equal(true);
    expect(await isNewIn('another')).to.equal(false);
  });

  it('is no reason to ask Temporal where it is known what the claim was for', async () => {
    const temporal = new FakeTemporal();
    const { deliverTo } = aWorldOfUser(temporal);

    expect(await deliverTo('theirs')).to.equal('started');
    expect(await deliverTo('s')).to.equal('started');

    expect(openingUsers(temporal)).to.deep.equal([
      ['theirs', true],
      ['s', false],
    ]);
    expect(temporal.described).to.equal(0);
  });

  it('is new in one session, whatever fails, and in whatever order they come', async () => {
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.array(STEP, { maxLength: 15 }), async (isTold, steps) => {
        const temporal = new FakeTemporal();
        for (const id of ['there-1', 'there-2']) {
          temporal.others.set(sessionWorkflowId('shop', id), NOON_ISH - HOUR_MS);
        }
        const { deliverTo, isNewIn } = aWorldOfUser(temporal);
        const underWay = new Map<string, Promise<unknown>>();
        for (const { sessionId, fate, isSilent, isAlone } of steps) {
          // One delivery of a session after the other.
          await underWay.get(sessionId);
          temporal.fates.splice(0, Infinity, ...(fate === undefined ? [] : [fate]));
          temporal.beforeDescribe = () => {
            if (!isTold && isSilent) throw new Error('unavailable');
          };
          underWay.set(sessionId, deliverTo(sessionId));
          if (isAlone) await Promise.all(underWay.values());
        }
        await Promise.all(underWay.values());
        temporal.fates.splice(0);
        temporal.beforeDescribe = () => undefined;
        for (const sessionId of underWay.keys()) await deliverTo(sessionId);

        let news = 0;
        for (const { sessionId, opening } of temporal.starts) {
          if (opening?.user?.isNew ?? (await isNewIn(sessionId))) news += 1;
        }
        const begun = temporal.starts.length;
        // Where Temporal did not say, a claim for nothing may stay.
        expect(news).to.be.within(begun > 0 && isTold ? 1 : 0, Math.min(begun, 1));
      }),
      { numRuns: cases(500) },
    );
  });
});

describe('the user of a delivery whose first try failed', () => {
  it("is nobody's where the session was there before", async () => {
    const temporal = new FakeTemporal();
    temporal.state = 'open';
    temporal.startedAt = NOON_ISH - HOUR_MS;
    temporal.fates.push('refused', 'refused');

    const { outcome, isNewIn } = await deliverOfUser(temporal);

    expect(outcome).to.equal('signalled');
    expect(temporal.described).to.equal(1);
    expect(await isNewIn('another')).to.equal(true);
  });

  it('stays that of the session where the failed try may have begun it', async () => {
    const temporal = new FakeTemporal();
    temporal.fates.push('lost');

    const { outcome, isNewIn } = await deliverOfUser(temporal);

    expect(outcome).to.equal('signalled');
    expect(temporal.starts[0]?.opening?.user).to.deep.equal({ userId: 'ann', isNew: true });
    expect(await isNewIn('another')).to.equal(false);
    expect(await isNewIn('s')).to.equal(true);
  });

  it('stays that of the session where the clocks may only be apart, or nobody can tell', async () => {
    for (const isKnown of [true, false]) {
      const temporal = new FakeTemporal();
      temporal.fates.push('lost');
      temporal.beforeDescribe = () => {
        temporal.startedAt = NOON_ISH - 60_000;
        if (!isKnown) throw new Error('unavailable');
      };

      const { outcome, isNewIn } = await deliverOfUser(temporal);

      expect(outcome).to.equal('signalled');
      expect(await isNewIn('another')).to.equal(false);
    }
  });

  it('is that of the session which a later try begins', async () => {
    const temporal = new FakeTemporal();
    temporal.fates.push('refused');

    const { outcome, isNewIn } = await deliverOfUser(temporal);

    expect(outcome).to.equal('started');
    expect(temporal.starts[0]?.opening?.user).to.deep.equal({ userId: 'ann', isNew: true });
    expect(temporal.described).to.equal(0);
    expect(await isNewIn('another')).to.equal(false);
  });
});

describe('a delivery', () => {
  it('starts a session, then signals it without trying to start it again', async () => {
    const temporal = new FakeTemporal();
    const deliver = createDeliver(temporal.deps(), OPTIONS);

    expect(await deliver(aDelivery(anEvent()), 0)).to.equal('started');
    expect(await deliver(aDelivery(anEvent()), 7)).to.equal('signalled');
    expect(temporal.starts).to.have.length(1);
    expect(temporal.signals.map(({ ackFloor }) => ackFloor)).to.deep.equal([7]);
  });

  it('brings the events as they are, to a new session and to an open one', async () => {
    const temporal = new FakeTemporal();
    const deliver = createDeliver(temporal.deps(), OPTIONS);
    const first = [anEvent({ country: 'DE' }), anEvent({ country: 'DE', path: '/a' })];
    const next = [anEvent({ country: 'FR' }), anEvent()];

    await deliver(aDelivery(...first), 0);
    await deliver(aDelivery(...next), 0);

    expect(temporal.starts.map(({ batch }) => eventsOf(batch))).to.deep.equal([first]);
    expect(temporal.signals.map(eventsOf)).to.deep.equal([next]);
  });

  it('hands a new session its first write, worked out once', async () => {
    const temporal = new FakeTemporal();
    const deliver = createDeliver(temporal.deps(), OPTIONS);

    await deliver(aDelivery(anEvent()), 0);
    await deliver(aDelivery(anEvent()), 0);

    expect(temporal.starts[0]?.opening).to.include({ status: 'open', owesMore: false });
    expect(temporal.starts[0]?.visitorsSince).to.equal(NOON_ISH - HOUR_MS);
    expect(temporal.planned).to.deep.equal([NOON_ISH]);
  });

  it('hands no first write to a session that has lived before', async () => {
    const temporal = new FakeTemporal();
    temporal.close(anEvent());

    await createDeliver(temporal.deps(), OPTIONS)(aDelivery(anEvent()), 0);

    expect(temporal.starts[0]).not.to.have.property('opening');
  });

  it('tells the session how far apart its checkpoints are where there is more to do than time', async () => {
    const temporal = new FakeTemporal();
    const deliver = createDeliver(temporal.deps(), OPTIONS);

    await deliver(aDelivery(anEvent()), 0);
    temporal.stretchedMs = 42_000;
    await deliver(aDelivery(anEvent({ id: '2' })), 0);

    expect(temporal.starts[0]?.batch).to.not.have.property('checkpointMs');
    expect(temporal.signals[0]).to.have.property('checkpointMs', 42_000);
  });

  it('signals a session that somebody else has started', async () => {
    const temporal = new FakeTemporal();
    temporal.state = 'open';

    const outcome = await createDeliver(temporal.deps(), OPTIONS)(aDelivery(anEvent()), 0);

    expect(outcome).to.equal('signalled');
    expect(temporal.dropped).to.deep.equal(temporal.planned);
  });

  it('reopens a closed session from its snapshot', async () => {
    const temporal = new FakeTemporal();
    temporal.close(anEvent());

    const outcome = await createDeliver(temporal.deps(), OPTIONS)(aDelivery(anEvent()), 0);

    expect(outcome).to.equal('reopened');
    expect(temporal.starts[0]?.snapshot).to.equal(temporal.snapshot);
  });

  it('reopens nothing from what it had read before it stood still', async () => {
    const temporal = new FakeTemporal();
    temporal.close(anEvent());
    temporal.beforeDescribe = () => {
      temporal.stoodStill = true;
    };

    const failure = await createDeliver(temporal.deps(), OPTIONS)(aDelivery(anEvent()), 0).catch(
      String,
    );

    expect(failure).to.match(/stood still/);
    expect(temporal.starts).to.deep.equal([]);
  });

  it('leaves a closed session alone where it knows every event', async () => {
    const temporal = new FakeTemporal();
    const event = anEvent();
    temporal.close(event);

    const outcome = await createDeliver(temporal.deps(), OPTIONS)(aDelivery(event), 0);

    expect(outcome).to.equal('known');
    expect(temporal.starts).to.deep.equal([]);
  });

  it('signals where another process has reopened the session meanwhile', async () => {
    const temporal = new FakeTemporal();
    temporal.close(anEvent());
    temporal.beforeDescribe = () => {
      temporal.state = 'open';
    };

    const outcome = await createDeliver(temporal.deps(), OPTIONS)(aDelivery(anEvent()), 0);

    expect(outcome).to.equal('signalled');
  });

  it('begins a new session once the window is over, at the millisecond', async () => {
    const temporal = new FakeTemporal();
    temporal.close(anEvent());
    const deliverAt = (now: number) =>
      createDeliver(temporal.deps(now), OPTIONS)(aDelivery(anEvent()), 0);

    expect(await deliverAt(NOON_ISH + HOUR_MS)).to.equal('reopened');
    temporal.close(anEvent());
    expect(await deliverAt(NOON_ISH + HOUR_MS + 1)).to.equal('started');
    expect(temporal.starts[1]).not.to.have.property('snapshot');
  });

  it('is late by when its events came, not by how long they waited', async () => {
    const temporal = new FakeTemporal();
    const deliverMuchLater = (...receivedAt: readonly number[]) => {
      temporal.close(anEvent());
      const messages = receivedAt.map((at, seq) => ({ seq, receivedAt: at, bytes: 1, open: 1 }));
      const events = messages.map(() => anEvent());
      const delivery = { ...aDelivery(...events), messages };
      return createDeliver(temporal.deps(NOON_ISH + 9 * HOUR_MS), OPTIONS)(delivery, 0);
    };

    // Before the end, as those of a session whose acknowledgement was lost with the process.
    expect(await deliverMuchLater(NOON_ISH - 1)).to.equal('reopened');
    expect(await deliverMuchLater(NOON_ISH + HOUR_MS)).to.equal('reopened');
    expect(await deliverMuchLater(NOON_ISH + HOUR_MS + 1)).to.equal('started');
    expect(await deliverMuchLater(NOON_ISH + 2 * HOUR_MS, NOON_ISH + 1)).to.equal('reopened');
  });

  it('begins a new session where the retention ends between two looks', async () => {
    const temporal = new FakeTemporal();
    temporal.close(anEvent());
    temporal.snapshot = undefined;

    const outcome = await createDeliver(temporal.deps(), OPTIONS)(aDelivery(anEvent()), 0);

    expect(outcome).to.equal('started');
    expect(temporal.starts[0]).not.to.have.property('snapshot');
  });

  it('finds the way back where a session it knew as open has closed', async () => {
    const temporal = new FakeTemporal();
    const deliver = createDeliver(temporal.deps(), OPTIONS);
    await deliver(aDelivery(anEvent()), 0);
    temporal.close(anEvent());

    expect(await deliver(aDelivery(anEvent()), 0)).to.equal('reopened');
  });

  it('gives up for now where the session opens and closes without end', async () => {
    const temporal = new FakeTemporal();
    temporal.close(anEvent());
    const deps = temporal.deps();
    const handle = deps.client.workflow.getHandle('x');
    Object.assign(deps.client.workflow, {
      getHandle: () => ({
        ...handle,
        describe: () => Promise.resolve({ status: { name: 'RUNNING' } }),
      }),
    });

    const failure = await createDeliver(deps, OPTIONS)(aDelivery(anEvent()), 0).then(
      () => undefined,
      (error: unknown) => String(error),
    );

    expect(failure).to.contain('opened and closed');
  });
});
