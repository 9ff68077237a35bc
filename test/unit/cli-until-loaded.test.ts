import { expect } from 'chai';
import { isBusy, type Probe, untilLoaded } from '../../operations/until-loaded.ts';
import type { Stored } from '../../operations/recent-sessions.ts';
import type { SessionView } from '../../shared/session-view.ts';

const NOW = Date.parse('2026-01-01T00:00:00Z');

function aView(change: Partial<SessionView> = {}): SessionView {
  return {
    project: 'p',
    sessionId: 's',
    status: 'open',
    firstEventAt: '2026-01-01T00:00:00.000Z',
    lastEventAt: '2026-01-01T00:00:00.000Z',
    durationSeconds: 0,
    events: 1,
    pageViews: 1,
    conversions: 0,
    revenue: '0',
    engaged: false,
    bounced: true,
    attributes: {},
    firstRunId: 'r',
    writes: 1,
    written: true,
    settling: false,
    nextStepAt: '2026-01-01T00:30:00.000Z',
    ...change,
  };
}

const textOf = (value: unknown) => {
  const { since, to } = value as Partial<Stored>;
  return to === undefined ? String(value) : `${since ?? ''} to ${to}`;
};

const all = (ids: readonly string[]) => ({ ids, all: true });

/** A world in which nothing is left to do, and a clock that sleeping moves. */
function aWorld(change: Partial<Probe> = {}) {
  let clock = NOW;
  const asked: string[] = [];
  const abort = new AbortController();
  const probe: Probe = {
    lastEvent: () => Promise.resolve({ seq: 5 }),
    isAcknowledged: () => Promise.resolve(true),
    openSessions: () => Promise.resolve(all([])),
    recentSessions: () => Promise.resolve([]),
    checkpointMs: () => Promise.resolve(5_000),
    session: () => Promise.resolve(aView()),
    lastDifference: () => Promise.resolve(7),
    isLoaded: () => Promise.resolve(true),
    ...change,
  };
  const recorded = Object.fromEntries(
    Object.entries(probe).map(([name, ask]) => [
      name,
      (...args: unknown[]) => {
        asked.push([name, ...args.map(textOf)].join(' '));
        return (ask as (...a: unknown[]) => unknown)(...args);
      },
    ]),
  ) as unknown as Probe;
  const run = (withinMs = 60_000) =>
    untilLoaded(recorded, {
      signal: abort.signal,
      now: () => clock,
      onStep: () => undefined,
      sleep: (ms) => {
        clock += ms;
        if (clock - NOW > withinMs) abort.abort(new Error('time is up'));
        return Promise.resolve();
      },
    });
  return { asked, run, elapsed: () => clock - NOW };
}

describe('waiting until everything is loaded', () => {
  it('asks for events, sessions and differences in this order', async () => {
    const world = aWorld();

    await world.run();

    expect(world.asked).to.deep.equal([
      'lastEvent',
      'isAcknowledged 5',
      'openSessions',
      'lastDifference',
      'isLoaded 7',
    ]);
  });

  it('waits for a session that has not written its events yet', async () => {
    let answers = 0;
    const world = aWorld({
      openSessions: () => Promise.resolve(all(['session/p/s'])),
      session: () => {
        answers += 1;
        const { nextStepAt: _none, ...writing } = aView();
        return Promise.resolve(answers < 4 ? (writing as SessionView) : aView());
      },
    });

    await world.run();

    expect(answers).to.equal(4);
    expect(world.asked.at(-1)).to.equal('isLoaded 7');
  });

  it('waits for what an open session writes at its checkpoint', async () => {
    let answers = 0;
    const world = aWorld({
      openSessions: () => Promise.resolve(all(['session/p/s'])),
      session: () => {
        answers += 1;
        return Promise.resolve(aView({ written: answers >= 6 }));
      },
    });

    await world.run();

    expect(answers).to.equal(6);
    expect(world.asked.at(-1)).to.equal('isLoaded 7');
  });

  it('asks those with recent events where sessions are too many to ask', async () => {
    let answers = 0;
    const world = aWorld({
      openSessions: () => Promise.resolve({ ids: ['session/p/old'], all: false }),
      recentSessions: () => Promise.resolve(['session/p/new']),
      session: (id) => {
        if (id === 'session/p/new') answers += 1;
        return Promise.resolve(aView({ written: id === 'session/p/old' || answers >= 4 }));
      },
    });

    await world.run();

    expect(world.asked).to.include(`recentSessions ${NOW - 90_000} to 5`);
    expect(answers).to.equal(4);
  });

  for (const [what, { checkpointMs = 5_000, waitsSince }, since] of [
    ['the checkpoint is longer than it is ever stretched', { checkpointMs: 600_000 }, 630_000],
    ['an event waits for its delivery for long', { waitsSince: NOW - 3_600_000 }, 3_690_000],
    ['an event has just come', { waitsSince: NOW + 10 }, 90_000],
  ] as readonly [string, { checkpointMs?: number; waitsSince?: number }, number][]) {
    it(`looks back far enough where ${what}`, async () => {
      const world = aWorld({
        lastEvent: () => Promise.resolve({ seq: 5, ...(waitsSince && { waitsSince }) }),
        openSessions: () => Promise.resolve({ ids: ['session/p/old'], all: false }),
        checkpointMs: () => Promise.resolve(checkpointMs),
      });

      await world.run();

      expect(world.asked).to.include(`recentSessions ${NOW - since} to 5`);
    });
  }

  it('asks sessions old and new how far apart their checkpoints are', async () => {
    const ids = Array.from({ length: 1_000 }, (_, n) => `s${n}`);
    const world = aWorld({ openSessions: () => Promise.resolve({ ids, all: false }) });

    await world.run();

    const asked = world.asked.find((what) => what.startsWith('checkpointMs')) ?? '';
    expect(asked.split(/[ ,]/))
      .to.have.length(1 + 16)
      .and.to.include('s0')
      .and.include('s945');
  });

  it('does not wait for what a session writes only at its end', async () => {
    const world = aWorld({
      openSessions: () => Promise.resolve(all(['session/p/s'])),
      session: () => Promise.resolve(aView({ written: false, writesAtEnd: true })),
    });

    await world.run();

    expect(world.elapsed()).to.be.at.most(1_000);
  });

  it('does not wait for a session that has gone', async () => {
    const world = aWorld({
      openSessions: () => Promise.resolve(all(['session/p/s'])),
      session: () => Promise.resolve(undefined),
    });

    await world.run();

    expect(world.asked.filter((what) => what.startsWith('session '))).to.have.length(1);
  });

  it('looks again for sessions that the list did not show yet', async () => {
    const lists = [['a'], ['a', 'b'], ['a', 'b']];
    const world = aWorld({ openSessions: () => Promise.resolve(all(lists.shift() ?? [])) });

    await world.run();

    expect(world.asked.filter((what) => what.startsWith('session '))).to.deep.equal([
      'session a',
      'session b',
    ]);
  });

  it('comes to an end while new sessions keep coming', async () => {
    let count = 0;
    const world = aWorld({ openSessions: () => Promise.resolve(all([`s${(count += 1)}`])) });

    await world.run();

    expect(world.asked.at(-1)).to.equal('isLoaded 7');
  });

  it('waits for the log to stand still where sessions are too many to ask', async () => {
    let last = 0;
    const world = aWorld({
      openSessions: () => Promise.resolve({ ids: ['a', 'b'], all: false }),
      lastDifference: () => Promise.resolve(Math.min((last += 1), 10)),
    });

    await world.run();

    expect(world.asked.at(-1)).to.equal('isLoaded 10');
    expect(world.elapsed()).to.be.greaterThan(2_000);
  });

  it('does not take a log that stands still for done while no worker answers', async () => {
    const world = aWorld({
      openSessions: () => Promise.resolve({ ids: ['a'], all: false }),
      session: () => Promise.reject(new Error('nobody answers')),
    });

    const error = await world.run(30_000).catch((e: unknown) => e);

    expect(error).to.have.property('message', 'time is up');
  });

  it('goes on asking while a server is away', async () => {
    let failures = 3;
    const world = aWorld({
      isLoaded: () => {
        failures -= 1;
        return failures > 0 ? Promise.reject(new Error('away')) : Promise.resolve(true);
      },
    });

    await world.run();

    expect(world.asked.filter((what) => what.startsWith('isLoaded'))).to.have.length(3);
  });

  it('ends when its time is up', async () => {
    const world = aWorld({ isAcknowledged: () => Promise.resolve(false) });

    const error = await world.run(5_000).catch((e: unknown) => e);

    expect(error).to.have.property('message', 'time is up');
  });
});

describe('a session', () => {
  const cases: [string, Partial<SessionView>, boolean][] = [
    ['that waits for its next step', {}, false],
    ['that owes until its checkpoint', { written: false }, true],
    ['that owes until its end', { written: false, writesAtEnd: true }, false],
    ['that settles late events', { settling: true }, true],
    ['whose next step is overdue', { nextStepAt: '2025-12-31T23:59:59.000Z' }, true],
    ['that has ended', { status: 'ended', settling: true }, false],
  ];
  for (const [what, change, busy] of cases) {
    it(`${what} is ${busy ? '' : 'not '}waited for`, () => {
      expect(isBusy(aView(change), NOW)).to.equal(busy);
    });
  }
});
