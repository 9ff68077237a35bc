/** Writes that go along with the workflow task that decides on them. */
import { expect } from 'chai';
import { NO_WATCH } from '../../platform/watch.ts';
import { openActor, receive, snapshotOf, takeQuestion } from '../../shared/actor.ts';
import { CATALOGUE_VERSION, catalogueOf } from '../../shared/catalogue.ts';
import { decodeRollup, entryOf, type LogEntry, type Rollup } from '../../shared/rollup.ts';
import { isSameWrite, takeRide, takeUser, unsureSnapshot } from '../../shared/write.ts';
import { sessionSinks } from '../../workers/host/session-host.ts';
import { aBatch, anEvent, aRollup, NOON_ISH, SETTINGS, throughJson } from '../support/builders.ts';

const OPEN = { status: 'open' } as const;

function aRider(...events: readonly ReturnType<typeof anEvent>[]) {
  const input = {
    version: 2,
    rides: { catalogue: CATALOGUE_VERSION },
    project: 'shop',
    sessionId: 's-1',
    settings: SETTINGS,
    batch: aBatch(...events),
  } as const;
  return openActor(input, 'run-1', NOON_ISH);
}

describe('a write that goes along with a workflow task', () => {
  it('is taken as done, under the next number, and not made again', () => {
    const actor = aRider(anEvent());

    const record = takeRide(actor, OPEN, NOON_ISH, 1);

    expect(record).to.include({ writeNo: 1, by: 'run-1' });
    expect(actor).to.include({ writeNo: 1, lastWriteAt: NOON_ISH });
    expect(takeRide(actor, OPEN, NOON_ISH, 2)?.rows).to.deep.equal([]);
  });

  it('needs an activity where the log is in question under its number, and only then', () => {
    const actor = aRider(anEvent());
    for (const oops of [undefined, null, 1, {}, { writeNo: '1' }]) takeQuestion(actor, oops);
    expect(actor.inQuestion.size).to.equal(0);

    takeQuestion(actor, { writeNo: 1 });
    expect(takeRide(actor, OPEN, NOON_ISH, 1)).to.equal(undefined);

    // However many others anybody asks.
    for (let n = 2; n < 1_000; n += 1) takeQuestion(actor, { writeNo: n });
    expect(actor.inQuestion.size).to.be.below(100);
    takeQuestion(actor, { writeNo: 1 });
    expect(takeRide(actor, OPEN, NOON_ISH, 1)).to.equal(undefined);
  });

  it('needs an activity while nobody knows whether the user is new', () => {
    const actor = aRider(anEvent({ userId: 'ada' }));
    expect(takeRide(actor, OPEN, NOON_ISH, 1)).to.equal(undefined);

    takeUser(actor, { userId: 'ada', isNew: true });

    expect(takeRide(actor, OPEN, NOON_ISH, 1)?.session.newUser).to.equal(true);
  });

  it('does not count for the snapshot while its task may not have ended', () => {
    const actor = aRider(anEvent());
    takeRide(actor, OPEN, NOON_ISH, 1);
    const before = throughJson(unsureSnapshot(actor, 2));
    receive(actor, aBatch(anEvent({ id: 'e-2' })), NOON_ISH + 1);
    takeRide(actor, OPEN, NOON_ISH + 1, 3);
    takeRide(actor, { status: 'ended', endReason: 'idle' }, NOON_ISH + 1, 3);

    const { writeNo, balance, shown } = throughJson(unsureSnapshot(actor, 3));
    expect([writeNo, shown]).to.deep.equal([1, before.shown]);
    // What the second event adds by itself is owed again, beside what the log is known to hold.
    expect(balance).to.not.deep.equal(before.balance);

    expect(throughJson(unsureSnapshot(actor, 4))).to.deep.equal(throughJson(snapshotOf(actor)));
    expect(snapshotOf(actor).writeNo).to.equal(3);
  });

  it('says the same whenever it is made, unless something else is written', () => {
    const record = aRollup();
    const later = { ...record, session: { ...record.session, updatedAt: NOON_ISH + 99 } };
    const another = { ...record, session: { ...record.session, events: 99 } };

    expect(isSameWrite(record, later)).to.equal(true);
    expect(isSameWrite(record, another)).to.equal(false);
  });
});

describe('the catalogue that a session goes by', () => {
  it('is that of its run, and no newer worker takes another for it', () => {
    expect(catalogueOf(CATALOGUE_VERSION).version).to.equal(CATALOGUE_VERSION);
    expect(() => catalogueOf(CATALOGUE_VERSION + 1)).to.throw(/newer than this worker/);
  });
});

describe('what takes over the records of sessions', () => {
  const INFO = { runId: 'run-1', firstExecutionRunId: 'run-1' };
  const nobodyWasReset = {
    superseding: () => Promise.resolve(undefined),
    withOwnEvents: () => Promise.reject(new Error('not asked')),
  };

  function aHost(standing: Record<string, Rollup> = {}, failure?: Error, refusesAll = false) {
    const log = new Map(Object.values(standing).map((r) => [entryOf(r).subject, entryOf(r).data]));
    const questions: number[] = [];
    const { rollupLog } = sessionSinks(
      {
        log: {
          append(subject, data) {
            if (failure !== undefined) return Promise.reject(failure);
            if (refusesAll || log.has(subject)) return Promise.resolve(false);
            log.set(subject, data);
            return Promise.resolve(true);
          },
          read: (subject) => Promise.resolve(log.get(subject)),
        },
        resets: nobodyWasReset,
        standstill: { mark: () => 0, assertNoneSince: () => undefined },
        watch: NO_WATCH,
      },
      (_session, writeNo) => {
        questions.push(writeNo);
        return Promise.resolve();
      },
    );
    const take = (record: Rollup, isFirst = false) => {
      const entry: LogEntry = {
        ...entryOf(record),
        ...(!isFirst && { mayDiffer: record.writeNo }),
      };
      return Promise.resolve(rollupLog.append.fn(INFO as never, entry)).then(
        () => 'taken',
        (error: unknown) => (error as Error).message,
      );
    };
    return { log, questions, take };
  }

  it('puts them into the log', async () => {
    const { log, take, questions } = aHost();

    expect(await take(aRollup())).to.equal('taken');

    expect([...log.values()].map(decodeRollup)).to.deep.equal([aRollup()]);
    expect(questions).to.deep.equal([]);
  });

  it('is content where the log says the same already', async () => {
    const record = aRollup();
    const session = { ...record.session, updatedAt: record.session.updatedAt + 5 };
    const { take, questions } = aHost({ earlier: { ...record, session } });

    expect(await take(record)).to.equal('taken');
    expect(questions).to.deep.equal([]);
  });

  it('has the session ask, and the task done again, where the log says something else', async () => {
    const record = aRollup();
    const session = { ...record.session, events: record.session.events + 1 };
    const { take, questions } = aHost({ earlier: { ...record, session } });

    expect(await take(record)).to.match(/holds another record under write \d+/);
    expect(questions).to.deep.equal([record.writeNo]);
  });

  it('has the task done again where the log refuses a first write, and holds none', async () => {
    const { take, questions } = aHost({}, undefined, true);

    expect(await take(aRollup(), true)).to.match(/refused, but nothing stands there/);
    expect(questions).to.deep.equal([]);
  });

  it('has the session ask where the log does not answer', async () => {
    const { take, questions } = aHost({}, new Error('away'));

    expect(await take(aRollup())).to.equal('away');
    expect(questions).to.deep.equal([aRollup().writeNo]);
  });
});
