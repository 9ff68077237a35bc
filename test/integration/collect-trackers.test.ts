/** Real trackers against the collector: their rows are those of the same visit as events of our own, also after a 503. */
import { randomUUID } from 'node:crypto';
import { expect } from 'chai';
import {
  type CollectWorld,
  type FlakyProxy,
  startCollectWorld,
  startFlakyProxy,
  type StoredEvent,
} from '../support/collect-world.ts';
import { useServers } from '../support/servers.ts';
import { expectTable } from '../support/tracker-table.ts';
import { TRACKER_VISITS, type TrackerVisit, versionOf } from '../support/tracker-visits.ts';

describe('a tracker', function () {
  this.timeout(400_000);
  const servers = useServers();
  let world: CollectWorld;
  const lines: string[] = [];

  before(async () => {
    world = await startCollectWorld(servers());
  });

  after(async () => {
    await world.stop();
  });

  for (const [index, visit] of TRACKER_VISITS.entries()) {
    it(`${visit.name} gives the rows of the same visit as our own events`, async function () {
      const missing = await visit.missing?.();
      if (missing !== undefined) {
        this.runnable().title += `: not tried, for it needs ${missing}`;
        this.skip();
      }
      const project = `tracker-${index}`;
      await world.addKeys(project, visit.key);
      const fates =
        visit.repeats === 'never' ? (['lost'] as const) : (['lost', 'refused'] as const);
      const proxy = await startFlakyProxy(world.url, fates, (path) => visit.isOfEvents(path));
      try {
        await visit.send(proxy.url, visit.key);
      } finally {
        await proxy.close();
      }
      expect(proxy.seen.slice(0, fates.length).map(({ fate }) => fate)).to.deep.equal([...fates]);
      const stored = onceEach(await world.stored(project));
      expect(stored.map(({ eventType }) => eventType)).to.deep.equal(
        visit.own.map(({ eventType }) => eventType),
      );
      expect(new Set(stored.map(({ sessionId }) => sessionId)).size).to.equal(1);

      // What the visit was, by hand; only when it was is known from what came.
      const own = `${project}-own`;
      await world.around.publish(
        own,
        visit.own.map((event, n) => ({
          ...event,
          sessionId: 'own',
          // Of events of the same millisecond the ids say which is first, here as there.
          eventId: stored[n]?.eventId ?? randomUUID(),
          timestamp: stored[n]?.timestamp,
        })),
      );
      await world.settle();

      const [theirs, ours] = [await world.rows(project), await world.rows(own)];
      expect(ours.metrics.size).to.be.above(10);
      expect(theirs.metrics).to.deep.equal(ours.metrics);
      expect(theirs.sessions).to.deep.equal(ours.sessions);
      lines.push(lineOf(visit, proxy));
    });
  }

  it('stands in the documentation as it was tested', function () {
    if (lines.length < TRACKER_VISITS.length) this.skip();
    expectTable('trackers', lines);
  });
});

/** In order of time: what came twice under one id is one event. */
function onceEach(stored: readonly StoredEvent[]): readonly StoredEvent[] {
  const seen = new Map<string, StoredEvent>();
  for (const event of stored) {
    const id = event.eventId ?? randomUUID();
    const before = seen.get(id);
    if (before === undefined) seen.set(id, event);
    // Once more under its id, in the session where it was.
    else expect(event.sessionId).to.equal(before.sessionId);
  }
  return [...seen.values()].sort((a, b) => a.timestamp - b.timestamp);
}

function lineOf(visit: TrackerVisit, { seen }: FlakyProxy): string {
  const retry = {
    itself: 'yes: the library sends the same again after a lost answer and after a refusal',
    next: 'yes: the library sends the same again, but only with its next event or when it is flushed',
    caller: 'yes: sent again by its caller',
    never: 'never sends again: counted once where the answer is lost',
  }[visit.repeats];
  expect(seen.length).to.be.above(0);
  return `| ${visit.name} | ${versionOf(visit)} | ${visit.sends} | yes | ${retry} |`;
}
