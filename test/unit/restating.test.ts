/** What a session is told about definitions, and when it keeps to those that it has. */
import { expect } from 'chai';
import { createEventRows, FORGOTTEN, NOT_THE_SAME } from '../../activities/event-rows.ts';
import {
  type Actor,
  openActor,
  type SessionInput,
  snapshotOf,
  takeOver,
} from '../../shared/actor.ts';
import type { AnyBatch } from '../../shared/batch.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import { eventRowsRequest, takePage, turn, want } from '../../shared/exclusion.ts';
import { nextStep } from '../../shared/next-step.ts';
import { isRestateRequest, wantRestated } from '../../shared/restating.ts';
import { confirmWrite, takeRide } from '../../shared/write.ts';
import { throughJson } from '../support/builders.ts';

const BATCH: AnyBatch = {
  events: [{ id: 'e-1', type: 'heartbeat', at: Date.UTC(2026, 2, 3), seq: 1 }],
  ackFloor: 0,
};

const EMPTY: AnyBatch = { events: [], ackFloor: 0 };
const INPUT: SessionInput = {
  version: 2,
  rides: { catalogue: CATALOGUE_VERSION },
  ...{ project: 'shop', sessionId: 's-1', batch: BATCH },
  settings: { idleTimeoutMs: 60_000, checkpointMs: 1_000, lateGraceMs: 1_000 },
};

function aSession(catalogue = 1): Actor {
  return openActor({ ...INPUT, rides: { catalogue } }, 'run-1', 0);
}

function write(actor: Actor): void {
  if (takeRide(actor, { status: 'open' }, 0, 1) === undefined) expect.fail('it has to ride');
}

const toldBy = (batches: readonly AnyBatch[], isFromTheFirst = true) =>
  createEventRows({ toldUpTo: () => Promise.resolve({ batches, isFromTheFirst }) });
const LAST_TRY = 5;

describe('the definitions that a session goes by', () => {
  it('are named by a whole number, and what names none is no such request', () => {
    expect([1, 2, 3, 99].map((catalogue) => isRestateRequest({ catalogue }))).not.to.include(false);
    for (const other of [undefined, null, 3, '3', {}, { catalogue: '3' }, { catalogue: 0 }]) {
      expect(isRestateRequest(other)).to.equal(false);
    }
    expect(isRestateRequest({ catalogue: 1.5 })).to.equal(false);
  });

  it('are never older ones than those it has', () => {
    const actor = aSession(2);
    write(actor);
    wantRestated(actor, { catalogue: 1 });

    expect(nextStep(actor, 0).do).to.equal('wait');
  });

  it('are others with the first page of what its events add by them', async () => {
    const actor = aSession();
    write(actor);
    wantRestated(actor, { catalogue: CATALOGUE_VERSION });
    expect(nextStep(actor, 0)).to.deep.equal({ do: 'turn' });
    turn(actor, 'run-1');
    expect(nextStep(actor, 0)).to.deep.equal({ do: 'read' });
    const page = await toldBy([BATCH]).read(eventRowsRequest(actor), 1);
    if ('refused' in page) expect.fail(page.refused);

    takePage(actor, page);

    expect(page.rows).to.deep.include([
      ...['event_count|hour|1772496000000|event_type|heartbeat', '-1', -1],
    ]);
    expect(actor.state.catalogue.version).to.equal(CATALOGUE_VERSION);
    expect(nextStep(actor, 0)).to.deep.equal({ do: 'write', status: 'open' });
    const record = takeRide(actor, { status: 'open' }, 0, 2);
    expect(record?.session).to.include({ catalogue: CATALOGUE_VERSION, events: 0, heartbeats: 1 });
    expect(nextStep(actor, 0).do).to.equal('wait');
  });

  for (const [what, eventRows, refused] of [
    ['its histories are not all there', toldBy([], false), FORGOTTEN],
    [
      'its histories do not add up',
      toldBy([BATCH, { ...BATCH, events: [another()] }]),
      NOT_THE_SAME,
    ],
  ] as const) {
    it(`stay as they are where ${what}`, async () => {
      const actor = aSession();
      write(actor);
      wantRestated(actor, { catalogue: CATALOGUE_VERSION });
      turn(actor, 'run-1');
      const request = eventRowsRequest(actor);
      const tried = await eventRows.read(request, LAST_TRY - 1).catch((error: unknown) => error);

      const page = await eventRows.read(request, LAST_TRY);
      takePage(actor, page);

      expect(tried).to.be.instanceOf(Error);
      expect(page).to.deep.equal({ refused });
      expect(actor.state.catalogue.version).to.equal(1);
      expect([actor.restateRefused, actor.refused]).to.deep.equal([refused, undefined]);
      expect(nextStep(actor, 0).do).to.equal('wait');
      wantRestated(actor, { catalogue: 2 });
      expect(nextStep(actor, 0).do).to.equal('turn');
    });
  }

  it('are refused where no worker knows them, and the session goes on', async () => {
    const actor = aSession();
    write(actor);
    wantRestated(actor, { catalogue: CATALOGUE_VERSION + 1 });
    turn(actor, 'run-1');
    const request = eventRowsRequest(actor);
    const eventRows = toldBy([BATCH]);

    expect(await eventRows.read(request, 1).catch(String)).to.contain('newer than this worker');
    takePage(actor, await eventRows.read(request, LAST_TRY));

    expect(actor.restateRefused).to.contain('upgrade the workers first');
    expect(nextStep(actor, 0).do).to.equal('wait');
  });

  it('change after it has left the numbers, where both are wanted at once', async () => {
    const actor = aSession();
    write(actor);
    want(actor, true);
    wantRestated(actor, { catalogue: 2 });
    const eventRows = toldBy([BATCH]);
    const steps: string[] = [];
    for (let step = nextStep(actor, 0); step.do !== 'wait'; step = nextStep(actor, 0)) {
      steps.push(step.do);
      if (step.do === 'turn') turn(actor, 'run-1');
      else if (step.do === 'read')
        takePage(actor, await eventRows.read(eventRowsRequest(actor), 1));
      else write(actor);
    }

    expect(steps).to.deep.equal(['turn', 'read', 'write', 'turn', 'read', 'write']);
    expect([actor.excluded, actor.state.catalogue.version]).to.deep.equal([true, 2]);
    expect([...actor.balance.keys()]).to.deep.equal([]);
  });
});

describe('a run that goes on with a session', () => {
  it('still has what an operator wanted of the one before, and what it was told itself', () => {
    const before = aSession();
    write(before);
    wantRestated(before, { catalogue: 2 });
    const snapshot = throughJson(snapshotOf(before, 'idle'));

    const next = openActor({ ...INPUT, batch: EMPTY, snapshot }, 'run-2', 0);
    const told = openActor({ ...INPUT, batch: EMPTY }, 'run-2', 0);
    wantRestated(told, { catalogue: 3 });
    takeOver(told, snapshot);

    expect([next.restated, told.restated]).to.deep.equal([2, 3]);
    // It proves first that it knows all.
    expect(nextStep(next, 0).do).to.equal('write');
    next.unproven = undefined;
    expect(nextStep(next, 0).do).to.equal('turn');
  });

  it('writes once more where the log has the same rows of it by another version', () => {
    const actor = aSession(2);
    const { chain, state } = actor;
    const record = { by: chain, rows: [], status: 'open', owesMore: false } as const;
    const events = state.events;

    confirmWrite(actor, { ...record, events, catalogue: 1 }, 0);
    expect(nextStep(actor, 1_000).do).to.equal('write');
    confirmWrite(actor, { ...record, events, catalogue: 2 }, 0);
    expect(nextStep(actor, 1_000).do).to.equal('wait');
    // Of histories that are older than the versions.
    confirmWrite(actor, { ...record, events }, 0);
    expect(nextStep(actor, 1_000).do).to.equal('wait');
  });
});

function another() {
  return { id: 'e-2', type: 'pageview', at: Date.UTC(2026, 2, 3), seq: 2 };
}
