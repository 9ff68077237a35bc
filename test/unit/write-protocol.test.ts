import { expect } from 'chai';
import type { SessionSettings } from '../../shared/actor.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import {
  anEvent,
  asReference,
  inLines,
  NOON_ISH,
  SETTINGS,
  sumOfLog,
  inWords,
} from '../support/builders.ts';
import { fromWire } from '../../shared/contributions.ts';
import { manyPaths } from '../support/generators.ts';
import { referenceRows } from '../support/reference.ts';
import { createSessionWorld, newestRecord, type SessionWorld } from '../support/session-world.ts';

const worldWith = (settings: Partial<SessionSettings> = {}) =>
  createSessionWorld({ ...SETTINGS, ...settings }, NOON_ISH, false);

/** The log holds each of these events once, whatever happened on the way. */
function expectOnce(world: SessionWorld, ...events: readonly VisitorEvent[]): void {
  const expected = referenceRows(events.map((event) => asReference('shop', 's-1', event)));
  expect(inLines(sumOfLog(world.log.values()))).to.equal(inLines(expected));
  expect(newestRecord(world.log).session).to.include({ status: 'ended', events: events.length });
}

describe('a write of a session', () => {
  it('is made by the next worker where the first one crashed before publishing', async () => {
    const world = worldWith();
    const view = anEvent();
    world.deliver([view]);

    await world.step({ crash: 'before publishing' });
    expect(world.log.size).to.equal(0);
    await world.settle();

    expectOnce(world, view);
  });

  it('is not made again where the first worker crashed after publishing', async () => {
    const world = worldWith();
    const view = anEvent();
    world.deliver([view]);

    await world.step({ crash: 'after publishing' });
    const published = [...world.log];
    await world.settle();

    expect([...world.log]).to.include.deep.members(published);
    expectOnce(world, view);
  });

  it('takes over what stands in the log, though more events have arrived since', async () => {
    const world = worldWith();
    const [before, after] = [anEvent(), anEvent({ at: NOON_ISH + 20_000 })];
    world.deliver([before]);

    await world.step({ crash: 'after publishing' });
    world.deliver([after]);
    await world.settle();

    expectOnce(world, before, after);
  });

  it('is followed by the rest, where an earlier attempt had more rows than a record takes', async () => {
    const world = worldWith();
    const events = [...manyPaths(1_100), anEvent({ type: 'session_end' })];
    world.deliver(events);

    await world.step({ crash: 'after publishing' });
    await world.settle();

    expectOnce(world, ...events);
  });

  it('leaves to the next one what arrives while it is under way', async () => {
    const world = worldWith();
    const [before, meanwhile] = [anEvent(), anEvent({ type: 'purchase', revenue: '5' })];
    world.deliver([before]);

    await world.step({ meanwhile: [meanwhile] });
    await world.settle();

    expectOnce(world, before, meanwhile);
  });
});

describe('reopening a session', () => {
  it('writes only the difference of a late event', async () => {
    const world = worldWith();
    const [view, end] = [anEvent({ path: '/' }), anEvent({ type: 'session_end' })];
    world.deliver([view, end]);
    await world.settle();
    const late = anEvent({ path: '/late', at: NOON_ISH + 5_000 });

    world.advance(3_600_000);
    world.deliver([late]);
    await world.settle();

    expectOnce(world, view, end, late);
    const rows = inWords(fromWire(newestRecord(world.log).rows));
    expect(
      rows
        .filter(
          ([, granularity, , dimension]) => dimension === '' && granularity !== 'quarter_hour',
        )
        .map(([metric, , , , , value, count]) => [metric, value, count]),
    ).to.have.deep.members([
      ['page_views', '1', 1],
      ['engaged_sessions', '1', 1],
      ['bounce_rate', '-1', 0],
      ['avg_session_duration', '5', 0],
      ['pages_per_session', '1', 0],
    ]);
  });

  it('writes nothing for an event that is known', async () => {
    const world = worldWith();
    const [view, end] = [anEvent(), anEvent({ type: 'session_end' })];
    world.deliver([view, end]);
    await world.settle();

    world.deliver([view]);
    await world.settle();

    expect(world.log.size).to.equal(1);
    expectOnce(world, view, end);
  });

  it('starts again from the latest state where it started from a stale one', async () => {
    const world = worldWith();
    const end = anEvent({ type: 'session_end' });
    const [first, second] = [
      anEvent({ country: 'DE' }),
      anEvent({ country: 'FR', at: NOON_ISH - 9 }),
    ];
    world.deliver([end]);
    await world.settle();

    world.deliver([first]);
    await world.settle();
    world.deliver([second], 1);
    await world.settle();

    expectOnce(world, end, first, second);
  });

  it('catches up with several chains that ran after the state it started from', async () => {
    const world = worldWith();
    const events = [1, 2, 3, 4].map((n) => anEvent({ at: NOON_ISH + n * 1_000, path: `/${n}` }));
    for (const [index, event] of events.entries()) {
      world.deliver([event], index);
      world.requestEnd();
      await world.settle();
    }

    expectOnce(world, ...events);
  });

  it('takes over the write that a terminated chain could not remember', async () => {
    const world = worldWith();
    const [view, late] = [anEvent(), anEvent({ at: NOON_ISH + 60_000 })];
    world.deliver([view]);
    await world.step();
    world.terminate();

    world.deliver([late]);
    await world.settle();

    expectOnce(world, view, late);
  });

  it('takes over several writes that a terminated chain could not remember', async () => {
    const world = worldWith();
    const events = manyPaths(2_100);
    const late = anEvent();
    world.deliver(events);
    await world.step();
    await world.step();
    world.terminate();

    world.deliver([late]);
    await world.settle();

    expectOnce(world, ...events, late);
  });

  it('keeps the events of a chain that was terminated before its first write', async () => {
    const world = worldWith();
    const [first, second, third] = [anEvent(), anEvent(), anEvent()];
    world.deliver([first]);
    await world.step();
    world.terminate();
    world.deliver([second]);
    world.terminate();

    world.deliver([third]);
    await world.settle();

    expectOnce(world, first, second, third);
  });
});

describe('continuing as new', () => {
  it('changes nothing in what is written, nor in when the session ends', async () => {
    const world = worldWith({ checkpointMs: null });
    const [view, more] = [anEvent(), anEvent({ at: NOON_ISH + 1 })];
    world.deliver([view]);
    world.advance(10 * 60_000);

    await world.continueAsNew();
    world.deliver([more, view]);
    await world.continueAsNew();
    await world.settle();

    expectOnce(world, view, more);
    expect(newestRecord(world.log).session.updatedAt).to.equal(NOON_ISH + 40 * 60_000);
  });

  it('waits until a reopened session has proven that its state is the latest', async () => {
    const world = worldWith({ checkpointMs: null });
    const [first, second, third] = [anEvent(), anEvent(), anEvent()];
    world.deliver([first]);
    world.requestEnd();
    await world.settle();
    world.deliver([second]);
    world.requestEnd();
    await world.settle();

    world.deliver([third], 1);
    await world.continueAsNew();
    await world.continueAsNew();
    await world.settle();

    expectOnce(world, first, second, third);
  });
});
