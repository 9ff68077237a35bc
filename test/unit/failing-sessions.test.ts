import { expect } from 'chai';
import { pino } from 'pino';
import { SojournError } from '../../shared/errors.ts';
import { sessionWorkflowId } from '../../shared/ids.ts';
import { createFailingSessions } from '../../workers/ingest/failing-sessions.ts';
import type { Delivery, HeldMessage } from '../../workers/ingest/gather.ts';
import { createStuckSessions } from '../../workers/ingest/stuck-sessions.ts';
import { anEvent } from '../support/builders.ts';
import { eventually } from '../support/eventually.ts';

/** Lets what was begun go on. */
const aMoment = () => new Promise((resolve) => setImmediate(resolve));

const aMessage = (overtakes = false): HeldMessage => ({
  ...{ seq: 1, receivedAt: 0, bytes: 1, open: 1 },
  ...(overtakes && { overtakes }),
});

function aDelivery(project: string, sessionId: string, ...messages: HeldMessage[]): Delivery {
  const events = messages.map(() => anEvent());
  return { project, sessionId, events, messages, sizes: messages.map(() => 1) };
}

/** Sessions that fail until they are told to take what they are given. */
function aWorld(behind: (delivery: Delivery) => readonly HeldMessage[] = () => []) {
  const tries: {
    readonly delivery: Delivery;
    readonly take: () => void;
    readonly fail: (error: Error) => void;
  }[] = [];
  const stuck = createStuckSessions(60_000);
  const done: Delivery[] = [];
  const figures = { failed: 0 };
  const clock = { now: 1_000 };
  const failing = createFailingSessions({
    stuck,
    attempt: (delivery) =>
      new Promise((take, fail) => {
        tries.push({ delivery, take, fail });
      }),
    giveUp: () => Promise.resolve(),
    onDone: (delivery) => done.push(delivery),
    onFailed: () => {
      figures.failed += 1;
    },
    behind,
    pausedUntil: () => 0,
    isStopping: () => false,
    isOver: () => false,
    log: pino({ level: 'silent' }),
    now: () => clock.now,
  });
  return { failing, tries, done, stuck, figures, clock };
}

describe('what is held for sessions that fail', () => {
  it('is counted by project until it is taken, and with it what waits behind', async () => {
    const behind = [aMessage(), aMessage(true)];
    const { failing, tries, done } = aWorld(({ sessionId }) => (sessionId === 's' ? behind : []));
    const [first, second] = [aDelivery('b', 's', aMessage()), aDelivery('b', 't', aMessage(true))];

    failing.add(first);
    failing.failed(second, new Error('no'));
    expect(failing.heldOf('a')).to.deep.equal({ all: 0, ahead: 0 });
    expect(failing.heldOf('b')).to.deep.equal({ all: 4, ahead: 2 });

    tries[0]?.take();
    await aMoment();

    expect(done).to.deep.equal([first]);
    expect(failing.heldOf('b')).to.deep.equal({ all: 1, ahead: 1 });
    expect(failing.size).to.equal(1);
  });
});

describe('how long sessions have failed', () => {
  const delivery = (sessionId: string) => aDelivery('b', sessionId, aMessage());

  it('is told of the one that has failed for longest, until it takes what it is given', async () => {
    const { failing, tries, stuck, clock } = aWorld();
    expect(failing.longestMs).to.equal(0);

    failing.failed(delivery('s'), new Error('no'));
    clock.now += 40_000;
    failing.failed(delivery('t'), new Error('no'));
    clock.now += 30_000;
    expect(failing.longestMs).to.equal(70_000);

    // Others do not hide it.
    stuck.taken('other', clock.now);
    expect(failing.longestMs).to.equal(70_000);
    await eventually(
      () => {
        expect(tries).to.have.length(2);
      },
      { withinMs: 10_000 },
    );
    tries.find((one) => one.delivery.sessionId === 's')?.take();
    await aMoment();
    expect(failing.longestMs).to.equal(30_000);
    tries.find((one) => one.delivery.sessionId === 't')?.take();
    await aMoment();
    expect(failing.longestMs).to.equal(0);
  });

  it('goes by what waits now, where a session was given up long ago', () => {
    const { failing, stuck, clock } = aWorld();
    stuck.failed(sessionWorkflowId('b', 's'), true, clock.now);
    stuck.giveUp(sessionWorkflowId('b', 's'), 'it took nothing', clock.now);
    clock.now += 3_600_000;

    failing.add(delivery('s'));
    clock.now += 2_000;

    expect(failing.longestMs).to.equal(2_000);
  });

  it('has no time in which the server was away', () => {
    const { failing, stuck, clock } = aWorld();
    const session = sessionWorkflowId('b', 's');
    failing.failed(delivery('s'), new Error('no'));
    clock.now += 120_000;

    stuck.failed(session, false, clock.now, true);
    clock.now += 5_000;

    expect(failing.longestMs).to.equal(5_000);
  });
});

describe('a standstill of this process', () => {
  it('counts against no session that failed before it', async () => {
    const { failing, tries, stuck } = aWorld();
    failing.add(aDelivery('b', 's', aMessage()));

    tries[0]?.fail(new SojournError('SJ_STOOD_STILL', 'this process stood still'));
    await aMoment();

    expect(stuck.isFailing(sessionWorkflowId('b', 's'))).to.equal(false);
    expect(failing.size).to.equal(1);
  });
});

describe('a session that goes on failing', () => {
  it('counts with each try, so that it is seen from outside', async () => {
    const { failing, tries, figures } = aWorld();
    failing.add(aDelivery('b', 's', aMessage()));
    failing.add(aDelivery('b', 't', aMessage()));

    for (const { fail } of tries.splice(0)) fail(new Error('no'));
    await aMoment();

    expect(figures.failed).to.equal(2);
  });

  it('does not count what brought it here, for that was tried elsewhere', () => {
    const { failing, figures } = aWorld();

    failing.failed(aDelivery('b', 's', aMessage()), new Error('no'));

    expect(figures.failed).to.equal(0);
  });
});
