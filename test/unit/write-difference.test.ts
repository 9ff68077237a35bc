import { expect } from 'chai';
import {
  recognizeVisitor,
  visitorKey,
  type VisitorStore,
} from '../../activities/recognize-visitor.ts';
import { recordRollup } from '../../activities/record-rollup.ts';
import { createVisitors } from '../../activities/visitors.ts';
import { writeDifference } from '../../activities/write-difference.ts';
import { writeRequest } from '../../shared/write.ts';
import { aRollup, anActor, anEvent, NOON_ISH } from '../support/builders.ts';
import { visitorStoreOn } from '../support/visitor-store.ts';

function aVisitorStore() {
  const keys = new Map<string, string>();
  return { keys, ...visitorStoreOn(keys) };
}

const visitorsOf = (store: VisitorStore) =>
  createVisitors(store, { now: () => NOON_ISH, onAway: () => undefined });

function refusing(why: string): VisitorStore {
  const refuse = () => Promise.reject(new Error(why));
  return { claim: refuse, ownerOf: refuse, replace: refuse };
}

function aRollupLog() {
  const messages = new Map<string, string>();
  return {
    messages,
    append(subject: string, data: string) {
      if (messages.has(subject)) return Promise.resolve(false);
      messages.set(subject, data);
      return Promise.resolve(true);
    },
    read: (subject: string) => Promise.resolve(messages.get(subject)),
  };
}

describe('recognising a visitor', () => {
  const visit = { project: 'shop', sessionId: 's-1', userId: 'ann', at: NOON_ISH };
  const another = { ...visit, sessionId: 's-2' };

  it('gives the first session that asks a new user, however often it asks, and whoever asks for it', async () => {
    const store = aVisitorStore();

    for (const asks of [{}, { at: NOON_ISH + 5 }, { identity: 'run-1' }, { since: NOON_ISH }]) {
      const user = await recognizeVisitor(store, { ...visit, ...asks });
      expect(user).to.deep.equal({ userId: 'ann', isNew: true });
    }
  });

  describe('for a session that is about to be started', () => {
    it('leaves no trace where there is such a session, and that has another user', async () => {
      const store = aVisitorStore();
      const visitors = visitorsOf(store);
      expect(await visitors.claimNow(visit)).to.deep.equal({ userId: 'ann', isNew: true });

      await visitors.unclaim(visit);

      expect(store.keys.size).to.equal(0);
      expect(await visitors.recognize(another)).to.include({ isNew: true });
    });

    it('takes nothing from a session that had the user before, or was started from another try', async () => {
      const store = aVisitorStore();
      const visitors = visitorsOf(store);
      await visitors.claimNow(visit);
      const later = { ...visit, at: NOON_ISH + 7 };
      expect(await visitors.claimNow(later)).to.include({ isNew: true });

      await visitors.unclaim(later);
      await visitors.unclaim({ ...another, at: NOON_ISH });

      expect(await visitors.recognize(another)).to.include({ isNew: false });
    });

    it('takes nothing from a session that was started from another try, at whatever moment', async () => {
      for (const ms of [0, 7]) {
        const store = aVisitorStore();
        const [one, other] = [visitorsOf(store), visitorsOf(store)];
        await one.claimNow(visit);
        const later = { ...visit, at: visit.at + ms };
        expect(await other.claimNow(later)).to.include({ isNew: true });

        await one.unclaim(visit);

        expect(await one.recognize(another)).to.include({ isNew: false });
        expect(await one.recognize(later)).to.include({ isNew: true });
        expect(await one.recognize({ ...later, since: later.at + 1 })).to.include({ isNew: false });
      }
    });

    describe('and that was tried before, nobody knows how it went', () => {
      const later = { ...visit, at: NOON_ISH + 5_000 };

      it('leaves no trace where there was such a session before the first try', async () => {
        const store = aVisitorStore();
        const visitors = visitorsOf(store);
        await visitors.claimNow(visit);
        expect(await visitors.claimNow(later)).to.include({ isNew: true });

        await visitors.unclaimEarlier(later, visit.at - 1);

        expect(store.keys.size).to.equal(0);
      });

      it('takes nothing from a session that the first try may have begun', async () => {
        const visitors = visitorsOf(aVisitorStore());
        await visitors.claimNow(visit);
        await visitors.claimNow(later);

        await visitors.unclaimEarlier(later, visit.at);

        expect(await visitors.recognize(another)).to.include({ isNew: false });
      });

      it('takes nothing from a session, or from another process, that has gone by the claim', async () => {
        for (const goesBy of ['recognize', 'claimNow'] as const) {
          const store = aVisitorStore();
          const [one, other] = [visitorsOf(store), visitorsOf(store)];
          await one.claimNow(visit);
          await other[goesBy]({ ...visit, at: NOON_ISH + 1_000 });
          await one.claimNow(later);

          await one.unclaimEarlier(later, 0);

          expect(await one.recognize(another)).to.include({ isNew: false });
        }
      });

      it('takes nothing from another session, and leaves nothing where there is nothing', async () => {
        const store = aVisitorStore();
        const visitors = visitorsOf(store);
        await visitors.unclaimEarlier(later, 0);
        expect(store.keys.size).to.equal(0);

        await visitors.claimNow(another);
        await visitors.unclaimEarlier(later, 0);

        expect(store.keys.size).to.equal(1);
      });

      it('claims nothing to look at it, not even for a moment', async () => {
        const store = aVisitorStore();
        let claims = 0;
        const claim: VisitorStore['claim'] = (...given) => {
          claims += 1;
          return store.claim(...given);
        };

        await visitorsOf({ ...store, claim }).unclaimEarlier(later, 0);

        expect(claims).to.equal(0);
      });
    });

    it('claims anew what is given back while it is asked', async () => {
      const store = aVisitorStore();
      const [one, other] = [visitorsOf(store), visitorsOf(store)];
      await one.claimNow(visit);
      const slow: VisitorStore = {
        ...store,
        replace: async (...change) => {
          await one.unclaim(visit);
          return store.replace(...change);
        },
      };
      const itself = { ...visit, at: NOON_ISH + 3_000 };

      expect(await recognizeVisitor(slow, itself)).to.include({ isNew: true });

      expect(await other.recognize(another)).to.include({ isNew: false });
    });

    it('takes nothing from a session that has gone by the answer meanwhile', async () => {
      const visitors = visitorsOf(aVisitorStore());
      await visitors.claimNow(visit);
      const itself = { ...visit, at: NOON_ISH - 3_000 };
      expect(await visitors.recognize(itself)).to.include({ isNew: true });

      await visitors.unclaim(visit);

      expect(await visitors.recognize(itself)).to.include({ isNew: true });
      expect(await visitors.recognize(another)).to.include({ isNew: false });
    });
  });

  it('gives every other session a returning user', async () => {
    const store = aVisitorStore();
    await recognizeVisitor(store, visit);

    expect(await recognizeVisitor(store, another)).to.include({ isNew: false });
    expect(await recognizeVisitor(store, visit)).to.include({ isNew: true });
  });

  it('gives a session whose id has come again a returning user', async () => {
    const store = aVisitorStore();
    await recognizeVisitor(store, visit);
    const again = { ...visit, at: NOON_ISH + 1_000 };

    expect(await recognizeVisitor(store, { ...again, since: NOON_ISH })).to.include({
      isNew: true,
    });
    expect(await recognizeVisitor(store, { ...again, since: NOON_ISH + 1 })).to.include({
      isNew: false,
    });
  });

  it('still knows the claim of a session from before claims had times', async () => {
    const store = aVisitorStore();
    store.keys.set(visitorKey('shop', 'ann'), 'run-1');

    expect(await recognizeVisitor(store, { ...visit, identity: 'run-1' })).to.include({
      isNew: true,
    });
    expect(await recognizeVisitor(store, visit)).to.include({ isNew: false });
  });

  it('knows each user in each project apart', async () => {
    const store = aVisitorStore();
    await recognizeVisitor(store, visit);

    for (const other of [{ project: 'blog' }, { userId: 'bob' }]) {
      const user = await recognizeVisitor(store, { ...another, ...other });
      expect(user.isNew).to.equal(true);
    }
  });

  it('does not keep names', () => {
    expect(visitorKey('shop', 'ann@example.com')).to.match(/^visitor:shop:[\w-]{22}$/);
  });
});

describe('recording a rollup', () => {
  it('gives back what an earlier attempt left under the same number', async () => {
    const log = aRollupLog();
    const first = aRollup({ rows: [['sessions', 'hour', 3_600, '', '', '1', 1]] });

    expect(await recordRollup(log, first)).to.equal(first);
    expect(await recordRollup(log, aRollup())).to.deep.equal(first);
    expect([...log.messages.keys()]).to.deep.equal(['rollups.0.run-1.1']);
  });

  it('fails, to be tried again, where the log refuses and shows nothing', async () => {
    const log = { append: () => Promise.resolve(false), read: () => Promise.resolve(undefined) };
    const failure = await recordRollup(log, aRollup()).catch((error: unknown) => error);

    expect(failure).to.be.instanceOf(Error);
  });
});

describe('writing a difference', () => {
  it('says what stands in the log, also after a lost reply', async () => {
    const [visitors, log] = [visitorsOf(aVisitorStore()), aRollupLog()];
    const actor = anActor([anEvent({ userId: 'ann' })]);
    const request = writeRequest(actor, { status: 'open' }, NOON_ISH);

    const first = await writeDifference(visitors, log, request);
    const again = await writeDifference(visitors, log, request);

    expect(first).to.include({ by: 'run-1', status: 'open', events: 1 });
    expect(first.user).to.deep.equal({ userId: 'ann', isNew: true });
    expect(again.rows).to.deep.equal(first.rows);
    expect(log.messages.size).to.equal(1);
  });

  it('asks nobody about a session without a user, nor about a user it knows', async () => {
    const visitors = visitorsOf(refusing('asked'));
    const anonymous = writeRequest(anActor([anEvent()]), { status: 'open' }, NOON_ISH);
    const known = {
      ...writeRequest(anActor([anEvent({ userId: 'ann' })]), { status: 'open' }, NOON_ISH),
      user: { userId: 'ann', isNew: false },
    };

    expect(await writeDifference(visitors, aRollupLog(), anonymous)).not.to.have.property('user');
    expect((await writeDifference(visitors, aRollupLog(), known)).user).to.include({
      isNew: false,
    });
  });

  it('writes all else where the visitor store is away, and says that the user waits', async () => {
    const visitors = visitorsOf(refusing('away'));
    const request = writeRequest(
      anActor([anEvent({ userId: 'ann' })]),
      { status: 'open' },
      NOON_ISH,
    );

    const result = await writeDifference(visitors, aRollupLog(), request);

    expect(result).to.include({ userWaits: true, events: 1 }).and.not.have.property('user');
    expect(result.rows.length).to.be.above(0);
  });
});
