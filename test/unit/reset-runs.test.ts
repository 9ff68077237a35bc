import { expect } from 'chai';
import { createResetGuard, type SessionRuns, supersededBy } from '../../activities/reset-runs.ts';
import { openActor, receive, type SessionInput, snapshotOf } from '../../shared/actor.ts';
import { nextStep } from '../../shared/next-step.ts';
import { confirmWrite, rebase, rollupFor, writeRequest, writeResult } from '../../shared/write.ts';
import { aBatch, anActor, anEvent, aRollup, NOON_ISH, throughJson } from '../support/builders.ts';

/** A session that ended after two writes, as its result tells. */
function anEndedSnapshot() {
  const actor = anActor([anEvent({ id: 'first' })]);
  for (const endReason of [undefined, 'session_end'] as const) {
    receive(actor, aBatch(anEvent()), NOON_ISH);
    const shows = endReason ? { status: 'ended' as const, endReason } : { status: 'open' as const };
    const rollup = rollupFor(writeRequest(actor, shows, NOON_ISH), undefined);
    confirmWrite(actor, writeResult(rollup), NOON_ISH);
  }
  return throughJson(snapshotOf(actor, 'session_end'));
}

function aServer(resets: boolean, results = [{ runId: 'run-1', snapshot: anEndedSnapshot() }]) {
  const asked: string[] = [];
  const runs: SessionRuns = {
    isReset: (_id, runId) => Promise.resolve(asked.push(runId) > 0 && resets),
    newestResult: (_id, _runId, identity) =>
      Promise.resolve(results.find(({ snapshot }) => snapshot.identity === identity)),
    eventsOf: () => Promise.resolve([anEvent({ id: 'first' }), anEvent({ id: 'mine' })]),
  };
  return { runs, asked };
}

const run = { workflowId: 'session/shop/s-1', runId: 'run-2', chain: 'run-1' };
const record = (writeNo: number, identity = 'run-1') => aRollup({ identity, writeNo });

describe('a write of a run that was reset', () => {
  it('is none where an earlier run made it, and ended', async () => {
    const guard = createResetGuard(aServer(true).runs);

    expect((await guard.superseding(run, record(1)))?.runId).to.equal('run-1');
    expect((await guard.superseding(run, record(2)))?.runId).to.equal('run-1');
  });

  it('is an ordinary one beyond what was written before, from then on without a question', async () => {
    const { runs, asked } = aServer(true);
    const guard = createResetGuard(runs);

    expect(await guard.superseding(run, record(3))).to.equal(undefined);
    expect(await guard.superseding(run, record(4))).to.equal(undefined);
    expect(asked).to.have.length(1);
  });

  it('is not mistaken for one of a later session of the same id', async () => {
    const guard = createResetGuard(aServer(true).runs);

    expect(await guard.superseding(run, record(1, 'another'))).to.equal(undefined);
  });

  it('costs others nothing: the first run of a chain asks nobody, one that only continued asks once', async () => {
    const { runs, asked } = aServer(false);
    const guard = createResetGuard(runs);

    await guard.superseding({ ...run, runId: 'run-1' }, record(1));
    expect(asked).to.deep.equal([]);
    await guard.superseding(run, record(1));
    await guard.superseding(run, record(2));
    expect(asked).to.deep.equal(['run-2']);
  });

  it('makes the run start again from what was written, with what only it was told', async () => {
    const { runs } = aServer(true);
    const guard = createResetGuard(runs);
    const actor = anActor([anEvent({ id: 'first' }), anEvent({ id: 'mine' })]);
    const request = writeRequest(actor, { status: 'open' }, NOON_ISH);
    const newest = await guard.superseding(run, rollupFor(request, undefined));
    if (newest === undefined) throw new Error('nothing supersedes it');
    const result = supersededBy(newest);

    expect(confirmWrite(actor, result, NOON_ISH)).to.equal(false);
    rebase(actor, await guard.withOwnEvents(run, newest.snapshot), result);

    expect([actor.writeNo, actor.state.events]).to.deep.equal([2, 4]);
    expect(nextStep(actor, NOON_ISH).do).to.equal('write');
    expect(writeRequest(actor, { status: 'open' }, NOON_ISH).rollup.writeNo).to.equal(3);
  });
});

describe('the partition of a session', () => {
  const input = (partitions: number): SessionInput => ({
    version: 2,
    partitions,
    project: 'shop',
    sessionId: 's-1',
    settings: anActor([]).settings,
    batch: aBatch(anEvent()),
  });

  it('stays what it was when the session began, though there are more by then', () => {
    const chains = Array.from({ length: 30 }, (_, n) => `run-${n}`);
    const begun = chains.map((chain) => openActor(input(8), chain, NOON_ISH));
    expect(new Set(begun.map(({ partition }) => partition)).size).to.be.above(1);

    for (const actor of begun) {
      const snapshot = throughJson(snapshotOf(actor, 'idle'));
      const reopened = openActor({ ...input(3), snapshot }, 'later', NOON_ISH);
      const { partition = 0 } = writeRequest(reopened, { status: 'open' }, NOON_ISH).rollup;
      expect([reopened.partition, partition]).to.deep.equal([actor.partition, actor.partition]);
    }
  });

  it('is the first one where the session began before anybody noted it', () => {
    const { version: _version, ...wide } = input(8);
    const snapshot = throughJson(snapshotOf(openActor(wide, 'run-1', NOON_ISH), 'idle'));

    expect(snapshot.version).to.equal(1);
    expect(openActor({ ...input(8), snapshot }, 'run-7', NOON_ISH).partition).to.equal(0);
  });
});

describe('a reopened session that has not proven its state', () => {
  it('writes before it keeps more events than an argument takes, though all of them are known', () => {
    const events = Array.from({ length: 501 }, (_, n) => anEvent({ id: `e${n}` }));
    const first = anActor(events, { checkpointMs: null });
    first.endRequested = true;
    const ended = { status: 'ended', endReason: 'session_end' } as const;
    const rollup = rollupFor(writeRequest(first, ended, NOON_ISH), undefined);
    confirmWrite(first, writeResult(rollup), NOON_ISH);
    const snapshot = throughJson(snapshotOf(first, 'session_end'));
    const batch = aBatch(...events.slice(0, 400));
    const { project, sessionId, settings } = first;
    const shared = { version: 2, project, sessionId, settings, batch, snapshot } as const;
    const late = openActor(shared, 'run-2', NOON_ISH);
    expect(nextStep(late, NOON_ISH).do).to.equal('wait');

    receive(late, aBatch(...events.slice(0, 101)), NOON_ISH);

    expect(nextStep(late, NOON_ISH)).to.deep.include({ do: 'write', status: 'ended' });
  });
});
