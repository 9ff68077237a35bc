import { expect } from 'chai';
import {
  type Actor,
  continuation,
  openActor,
  receive,
  type SessionSettings,
  snapshotOf,
} from '../../shared/actor.ts';
import { nextStep, type Step } from '../../shared/next-step.ts';
import {
  askedOf,
  confirmWrite,
  isOfOthers,
  rebase,
  rollupFor,
  writeRequest,
  writeResult,
} from '../../shared/write.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { ROLLUP_BYTES_MAX, ROLLUP_ROWS_MAX } from '../../shared/limits.ts';
import type { EndReason } from '../../shared/rollup.ts';
import { aBatch, anActor, anEvent, NOON_ISH, SETTINGS, throughJson } from '../support/builders.ts';
import { manyPaths } from '../support/generators.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const WRITE_OPEN: Step = { do: 'write', status: 'open' };
const writeEnded = (endReason: EndReason): Step => ({ do: 'write', status: 'ended', endReason });
const waitUntil = (until: number): Step => ({ do: 'wait', until });

/** Does the write that is due. */
function write(actor: Actor, now: number): void {
  const step = nextStep(actor, now);
  if (step.do !== 'write') throw new Error(`no write is due, but: ${step.do}`);
  const request = writeRequest(actor, step, now);
  const { userId } = askedOf(request);
  const user = userId === undefined ? undefined : { userId, isNew: true };
  confirmWrite(actor, writeResult(rollupFor(request, user)), now);
}

/** An actor that has written its first events at {@link NOON_ISH}. */
function aWrittenActor(settings: Partial<SessionSettings> = {}): Actor {
  const actor = anActor([anEvent()], settings);
  write(actor, NOON_ISH);
  return actor;
}

/** A session that ended an hour before {@link NOON_ISH}, and is reopened then. */
function aReopenedActor(endReason: EndReason | undefined, ...late: readonly VisitorEvent[]): Actor {
  const before = anActor([anEvent({ id: 'first' })]);
  before.endRequested = endReason !== 'idle';
  write(before, endReason === 'idle' ? NOON_ISH + 30 * MINUTE : NOON_ISH);
  const snapshot = throughJson(snapshotOf(before, endReason));
  const input = { project: 'shop', sessionId: 's-1', settings: SETTINGS, snapshot };
  return openActor({ ...input, batch: aBatch(...late) }, 'run-2', NOON_ISH);
}

describe('the next step of an open session', () => {
  it('is to write its first events at once', () => {
    expect(nextStep(anActor([anEvent()]), NOON_ISH)).to.deep.equal(WRITE_OPEN);
  });

  it('is to wait for the idle timeout once everything is written', () => {
    const actor = aWrittenActor();

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(waitUntil(NOON_ISH + 30 * MINUTE));
  });

  it('counts a checkpoint from when the write was made, though it was heard of later', () => {
    const actor = anActor([anEvent()]);
    const rollup = rollupFor(writeRequest(actor, { status: 'open' }, NOON_ISH), undefined);
    confirmWrite(actor, writeResult(rollup), NOON_ISH + 20 * SECOND);
    receive(actor, aBatch(anEvent()), NOON_ISH + 20 * SECOND);

    const waits = nextStep(actor, NOON_ISH + 20 * SECOND);

    expect(waits).to.deep.equal(waitUntil(NOON_ISH + MINUTE));
  });

  it('is to write again one checkpoint after the last write, no sooner', () => {
    const actor = aWrittenActor();
    receive(actor, aBatch(anEvent()), NOON_ISH + SECOND);

    expect(nextStep(actor, NOON_ISH + SECOND)).to.deep.equal(waitUntil(NOON_ISH + MINUTE));
    expect(nextStep(actor, NOON_ISH + MINUTE - 1)).to.deep.equal(waitUntil(NOON_ISH + MINUTE));
    expect(nextStep(actor, NOON_ISH + MINUTE)).to.deep.equal(WRITE_OPEN);
  });

  it('is not to write at a checkpoint when nothing has changed', () => {
    const actor = aWrittenActor();

    expect(nextStep(actor, NOON_ISH + 10 * MINUTE)).to.deep.equal(
      waitUntil(NOON_ISH + 30 * MINUTE),
    );
  });

  it('is to wait for a checkpoint that the last batch has stretched, until one comes that has not', () => {
    const actor = aWrittenActor();
    const later = (id: string, checkpointMs?: number) => ({
      events: [anEvent({ id })],
      ackFloor: 0,
      ...(checkpointMs !== undefined && { checkpointMs }),
    });

    receive(actor, later('2', 5 * MINUTE), NOON_ISH);
    expect(nextStep(actor, NOON_ISH + MINUTE)).to.deep.equal(waitUntil(NOON_ISH + 5 * MINUTE));

    receive(actor, later('3'), NOON_ISH);
    expect(nextStep(actor, NOON_ISH + MINUTE)).to.deep.equal(WRITE_OPEN);
  });

  it('is only to wait where checkpoints are off', () => {
    const actor = anActor([anEvent()], { checkpointMs: null });

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(waitUntil(NOON_ISH + 30 * MINUTE));
  });

  it('is to write without waiting where it owes more rows than should pile up', () => {
    const actor = anActor(manyPaths(4_100), { checkpointMs: null });

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(WRITE_OPEN);
  });

  it('is to end as idle exactly one timeout after the last arrival', () => {
    const actor = aWrittenActor();
    const deadline = NOON_ISH + 30 * MINUTE;

    expect(nextStep(actor, deadline - 1)).to.deep.equal(waitUntil(deadline));
    expect(nextStep(actor, deadline)).to.deep.equal(writeEnded('idle'));
    write(actor, deadline);
    expect(nextStep(actor, deadline)).to.deep.equal({ do: 'end', reason: 'idle' });
  });

  it('counts idleness from what is new: a redelivery keeps nobody awake', () => {
    const view = anEvent();
    const actor = anActor([view]);
    write(actor, NOON_ISH);
    receive(actor, aBatch(view), NOON_ISH + 20 * MINUTE);
    expect(nextStep(actor, NOON_ISH + 20 * MINUTE)).to.deep.equal(
      waitUntil(NOON_ISH + 30 * MINUTE),
    );

    receive(actor, aBatch(anEvent()), NOON_ISH + 20 * MINUTE);
    write(actor, NOON_ISH + 20 * MINUTE);
    expect(nextStep(actor, NOON_ISH + 30 * MINUTE)).to.deep.equal(
      waitUntil(NOON_ISH + 50 * MINUTE),
    );
  });

  it('counts idleness by arrival: a clock of a producer cannot end it, nor keep it', () => {
    for (const at of [0, NOON_ISH + 23 * 60 * MINUTE]) {
      const actor = anActor([anEvent({ at })]);
      write(actor, NOON_ISH);
      expect(nextStep(actor, NOON_ISH)).to.deep.equal(waitUntil(NOON_ISH + 30 * MINUTE));
    }
  });

  it('is to end at once on a session_end, with a single write', () => {
    const actor = anActor([anEvent({ type: 'session_end' }), anEvent()]);

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(writeEnded('session_end'));
    write(actor, NOON_ISH);
    expect(nextStep(actor, NOON_ISH)).to.deep.equal({ do: 'end', reason: 'session_end' });
  });

  it('is to end when an operator says so, everything written or not', () => {
    const actor = aWrittenActor();
    actor.endRequested = true;

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(writeEnded('operator'));
    write(actor, NOON_ISH);
    expect(nextStep(actor, NOON_ISH)).to.deep.equal({ do: 'end', reason: 'operator' });
  });

  it('is to write once more where events came in while it ended', () => {
    const actor = aWrittenActor();
    actor.endRequested = true;
    write(actor, NOON_ISH);
    receive(actor, aBatch(anEvent()), NOON_ISH);

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(writeEnded('operator'));
  });
});

describe('the next step of a reopened session', () => {
  it('that was ended is to write what is late, as ended', () => {
    const actor = aReopenedActor('operator', anEvent());

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(writeEnded('operator'));
  });

  it('that was ended is to settle after the late grace', () => {
    const actor = aReopenedActor('operator', anEvent());
    write(actor, NOON_ISH);
    const settled = NOON_ISH + 10 * SECOND;

    expect(nextStep(actor, settled - 1)).to.deep.equal(waitUntil(settled));
    expect(nextStep(actor, settled)).to.deep.equal({ do: 'end', reason: 'operator' });
  });

  it('tells why it ended in its row as in its result, also where that changes late', () => {
    const actor = aReopenedActor('operator', anEvent({ type: 'session_end' }));
    const settled = NOON_ISH + 10 * SECOND;

    for (let now = NOON_ISH; now < settled && nextStep(actor, now).do === 'write'; now += 1_000) {
      expect(nextStep(actor, now)).to.deep.equal(writeEnded('session_end'));
      write(actor, now);
    }
    expect(nextStep(actor, settled)).to.deep.equal({ do: 'end', reason: 'session_end' });
  });

  it('that had been idle is to live on like an open one', () => {
    const actor = aReopenedActor('idle', anEvent());

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(WRITE_OPEN);
    write(actor, NOON_ISH);
    expect(nextStep(actor, NOON_ISH)).to.deep.equal(waitUntil(NOON_ISH + 30 * MINUTE));
  });

  it('is to end at once when an operator says so', () => {
    const actor = aReopenedActor('session_end', anEvent());
    actor.endRequested = true;

    expect(nextStep(actor, NOON_ISH)).to.include({ do: 'write', status: 'ended' });
  });

  it('is to end without a write where all it got was known', () => {
    const actor = aReopenedActor('operator', anEvent({ id: 'first' }));

    expect(nextStep(actor, NOON_ISH)).to.deep.equal(waitUntil(NOON_ISH + 10 * SECOND));
    expect(nextStep(actor, NOON_ISH + 10 * SECOND)).to.deep.equal({
      do: 'end',
      reason: 'operator',
    });
  });
});

describe('a continued session', () => {
  it('waits for the same deadlines as before', () => {
    const actor = aWrittenActor();
    receive(actor, aBatch(anEvent()), NOON_ISH + 5 * SECOND);
    const later = NOON_ISH + 20 * SECOND;

    const continued = openActor(throughJson(continuation(actor, NOON_ISH)), 'run-1', later);

    expect(nextStep(continued, later)).to.deep.equal(nextStep(actor, later));
    write(actor, NOON_ISH + MINUTE);
    write(continued, NOON_ISH + MINUTE);
    expect(nextStep(continued, NOON_ISH + MINUTE)).to.deep.equal(
      waitUntil(NOON_ISH + 30 * MINUTE + 5 * SECOND),
    );
    expect(continued.writeNo).to.equal(2);
  });

  it('waits for nothing where it had no reason to write before', () => {
    const actor = anActor([anEvent()], { checkpointMs: null });
    const unwritten = openActor(throughJson(continuation(actor, NOON_ISH)), 'run-1', NOON_ISH);
    expect(unwritten.lastWriteAt).to.equal(undefined);

    const input = { ...throughJson(continuation(actor, NOON_ISH)), settings: SETTINGS };
    expect(nextStep(openActor(input, 'run-1', NOON_ISH), NOON_ISH)).to.deep.equal(WRITE_OPEN);
  });

  it('ends where an operator had said so', () => {
    const actor = aWrittenActor();
    actor.endRequested = true;

    const continued = openActor(throughJson(continuation(actor, NOON_ISH)), 'run-1', NOON_ISH);

    expect(nextStep(continued, NOON_ISH)).to.deep.equal(writeEnded('operator'));
    const other = openActor(
      throughJson(continuation(aWrittenActor(), NOON_ISH)),
      'run-1',
      NOON_ISH,
    );
    expect(nextStep(other, NOON_ISH).do).to.equal('wait');
  });
});

describe('the time from which on a session counts as a visit of its user', () => {
  const SINCE = NOON_ISH - 7 * 24 * 60 * MINUTE;
  const input = { project: 'shop', sessionId: 's-1', settings: SETTINGS };
  const first = () =>
    openActor({ ...input, batch: aBatch(anEvent()), visitorsSince: SINCE }, 'run-1', NOON_ISH);
  const asked = (actor: Actor) => writeRequest(actor, { status: 'open' }, NOON_ISH).visitorsSince;

  it('goes along with each write', () => {
    expect(asked(first())).to.equal(SINCE);
    expect(writeRequest(anActor([anEvent()]), { status: 'open' }, NOON_ISH)).not.to.have.property(
      'visitorsSince',
    );
  });

  it('stays what it was, however the session goes on', () => {
    const batch = aBatch(anEvent());
    const continued = openActor(throughJson(continuation(first(), NOON_ISH)), 'run-1', NOON_ISH);
    const snapshot = throughJson(snapshotOf(first(), 'idle'));
    const reopening = { ...input, batch, snapshot, visitorsSince: SINCE + MINUTE };
    const reopened = openActor(reopening, 'run-2', NOON_ISH);

    expect(asked(continued)).to.equal(SINCE);
    expect(asked(reopened)).to.equal(SINCE);
    // One from before there was such a time has none for its whole life.
    const old = throughJson(snapshotOf(anActor([anEvent()]), 'idle'));
    expect(old).not.to.have.property('visitorsSince');
    expect(asked(openActor({ ...reopening, snapshot: old }, 'run-2', NOON_ISH))).to.equal(
      undefined,
    );
  });
});

describe('a continued session that only absorbs late events', () => {
  it('settles when and as what it would have without', () => {
    const actor = aReopenedActor('session_end', anEvent());
    write(actor, NOON_ISH);

    const continued = openActor(throughJson(continuation(actor, NOON_ISH)), 'run-2', NOON_ISH);

    for (const now of [NOON_ISH, NOON_ISH + 10 * SECOND, NOON_ISH + 30 * MINUTE]) {
      expect(nextStep(continued, now)).to.deep.equal(nextStep(actor, now));
    }
    expect(nextStep(continued, NOON_ISH + 10 * SECOND).do).to.equal('end');
  });

  it('has proven its state already', () => {
    const actor = aReopenedActor('idle', anEvent());
    expect(actor.unproven).to.have.length(1);
    write(actor, NOON_ISH);

    const continued = openActor(throughJson(continuation(actor, NOON_ISH)), 'run-2', NOON_ISH);

    expect(continued.unproven).to.equal(undefined);
  });
});

describe('a session that started from a stale state', () => {
  it('writes its own events, though the log shows as many of others', () => {
    const stale = snapshotOf(aReopenedActor('idle'));
    const actor = aReopenedActor('idle', anEvent({ id: 'mine', path: '/mine' }));
    const other = aReopenedActor('idle', anEvent({ id: 'other' }));
    const step: Step = { do: 'write', status: 'open' };
    const foreign = writeResult(rollupFor(writeRequest(other, step, NOON_ISH), undefined));

    rebase(actor, stale, { ...foreign, by: 'run-3' });

    expect([actor.state.events, actor.shown?.events]).to.deep.equal([2, 2]);
    expect(nextStep(actor, NOON_ISH)).to.deep.equal(WRITE_OPEN);
    const rollup = rollupFor(writeRequest(actor, step, NOON_ISH), undefined);
    expect(rollup.writeNo).to.equal(3);
    expect(rollup.rows.some(([key]) => key.endsWith('|path|/mine'))).to.be.true;
  });
});

describe('a record that was there first', () => {
  const step: Step = { do: 'write', status: 'open' };
  const requestOf = (...events: readonly VisitorEvent[]) =>
    throughJson(writeRequest(anActor(events), step, NOON_ISH));
  const recordOf = (...events: readonly VisitorEvent[]) =>
    writeResult(rollupFor(requestOf(...events), undefined));
  const [mine, other] = [anEvent({ path: '/mine' }), anEvent({ path: '/other' })];

  it('is of others where it has as many events, and not these', () => {
    expect(isOfOthers(requestOf(mine), recordOf(other))).to.equal(true);
  });

  it('is not where it is the same, or its number of events tells it apart by itself', () => {
    expect(isOfOthers(requestOf(mine), recordOf(mine))).to.equal(false);
    expect(isOfOthers(requestOf(mine, other), recordOf(mine))).to.equal(false);
  });

  it('is not for what was found out about its user', () => {
    const request = requestOf(anEvent({ userId: 'ann' }));
    const record = writeResult(rollupFor(request, { userId: 'ann', isNew: true }));

    expect(isOfOthers(request, record)).to.equal(false);
  });
});

describe('a session that finds a write of a run that nobody knows any more', () => {
  it('takes that over, and then writes what makes it what it knows itself', () => {
    const lost = aReopenedActor('idle', anEvent({ id: 'lost', path: '/lost' }));
    const actor = aReopenedActor('idle', anEvent({ id: 'mine', path: '/mine' }));
    const step: Step = { do: 'write', status: 'open' };
    const foreign = writeResult(rollupFor(writeRequest(lost, step, NOON_ISH), undefined));

    rebase(actor, null, { ...foreign, by: 'run-3' });

    expect(actor.writeNo).to.equal(2);
    expect([...actor.state.ids.keys()]).to.have.members(['first', 'mine']);
    const { rows } = rollupFor(writeRequest(actor, step, NOON_ISH), undefined);
    const byPath = rows.flatMap(([key, , count]) =>
      key.startsWith('page_views|hour|') && key.includes('|path|')
        ? [`${key.split('|').at(-1) ?? ''} ${count}`]
        : [],
    );
    expect(byPath).to.have.members(['/mine 1', '/lost -1']);
  });
});

describe('a session that starts again from a state as old as its own', () => {
  it('takes over what that state has more, though it was never written', () => {
    const other = aReopenedActor('idle', anEvent({ id: 'written' }));
    write(other, NOON_ISH);
    receive(other, aBatch(anEvent({ id: 'not written' })), NOON_ISH);
    const snapshot = throughJson(snapshotOf(other));
    expect(snapshot.unproven).to.equal(undefined);
    const actor = aReopenedActor('idle', anEvent({ id: 'mine' }));
    actor.writeNo = snapshot.writeNo;
    const step: Step = { do: 'write', status: 'open' };
    const foreign = writeResult(rollupFor(writeRequest(other, step, NOON_ISH), undefined));

    rebase(actor, snapshot, { ...foreign, by: 'run-3' });

    expect([...actor.state.ids.keys()]).to.have.members([
      ...['first', 'written', 'not written', 'mine'],
    ]);
  });
});

describe('what a session leaves behind', () => {
  it('tells whether its user was new, so that nobody has to ask again', () => {
    const actor = anActor([anEvent({ userId: 'ann' })]);
    expect(snapshotOf(actor)).not.to.have.any.keys('user', 'shown', 'unproven', 'endReason');
    write(actor, NOON_ISH);

    expect(snapshotOf(actor).user).to.deep.equal({ userId: 'ann', isNew: true });
  });
});

describe('a record of a session', () => {
  const firstRecord = (events: readonly VisitorEvent[]) =>
    rollupFor(writeRequest(anActor(events), { status: 'open' }, NOON_ISH), undefined);

  it('carries its identity, its number and the session as people see it', () => {
    const rollup = firstRecord([anEvent({ path: '/' })]);

    expect(rollup).to.include({
      project: 'shop',
      sessionId: 's-1',
      identity: 'run-1',
      by: 'run-1',
    });
    expect(rollup.writeNo).to.equal(1);
    expect(rollup.session).to.include({ status: 'open', pageViews: 1, updatedAt: NOON_ISH });
    expect(rollup.session).not.to.have.any.keys('tallies', 'endReason', 'newUser');
    expect(rollup.owesMore).to.equal(false);
  });

  it('has no more rows than its limit, and tells that more are owed', () => {
    const rollup = firstRecord(manyPaths(ROLLUP_ROWS_MAX + 1));

    expect(rollup.rows).to.have.length(ROLLUP_ROWS_MAX);
    expect(rollup.owesMore).to.equal(true);
  });

  it('keeps to its limit of bytes, and fits a message of NATS whatever the paths hold', () => {
    const bytesOf = (char: string) => {
      const path = (n: number) => `${n}${char.repeat(1_020 / char.length)}`;
      const rollup = firstRecord(Array.from({ length: 600 }, (_, n) => anEvent({ path: path(n) })));
      expect(rollup.rows.length).to.be.above(40);
      return Buffer.byteLength(JSON.stringify(rollup));
    };

    for (const char of ['a', 'é', '漢', '😀', '"', '\u0001', '\ud800']) {
      expect(bytesOf(char), JSON.stringify(char)).to.be.below(ROLLUP_BYTES_MAX * 1.1);
    }
  });

  it('asks again who the user is only where the user is another one', () => {
    const actor = anActor([anEvent({ userId: 'ann' })]);
    const request = () => writeRequest(actor, { status: 'open' }, NOON_ISH);
    expect(request().user).to.equal(undefined);

    write(actor, NOON_ISH);
    expect(request().user).to.deep.equal({ userId: 'ann', isNew: true });

    receive(actor, aBatch(anEvent({ userId: 'bob', at: NOON_ISH - 1 })), NOON_ISH);
    expect(request().user).to.equal(undefined);
  });

  it('is refused as a confirmation where another chain wrote it', () => {
    const actor = anActor([anEvent()]);
    const rollup = rollupFor(writeRequest(actor, { status: 'open' }, NOON_ISH), undefined);

    expect(confirmWrite(actor, writeResult({ ...rollup, by: 'run-9' }), NOON_ISH)).to.equal(false);
    expect(actor.writeNo).to.equal(0);
  });

  it('tells of a user only where somebody has looked', () => {
    const anonymous = firstRecord([anEvent()]);
    const unknown = firstRecord([anEvent({ userId: 'ann' })]);

    expect(writeResult(anonymous)).not.to.have.property('user');
    expect(writeResult(unknown)).not.to.have.property('user');
    const known = { ...unknown, session: { ...unknown.session, newUser: false } };
    expect(writeResult(known).user).to.deep.equal({ userId: 'ann', isNew: false });
  });

  it('cannot be made of nothing', () => {
    expect(() => writeRequest(anActor([]), { status: 'open' }, NOON_ISH)).to.throw(
      RangeError,
      'a session without events has nothing to write',
    );
  });
});
