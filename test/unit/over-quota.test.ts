import { expect } from 'chai';
import { createCheckQuota, OverQuotaError } from '../../collect/check-quota.ts';
import { createTake } from '../../collect/take.ts';
import { usedPart } from '../../operations/observe.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { overQuota } from '../../workers/ingest/over-quota.ts';
import {
  parseMessage,
  type RawMessage,
  type SessionEvent,
} from '../../workers/ingest/parse-event.ts';

const REASON = 'over quota: too much';
const event = (id: string, sessionId: unknown = 's') => ({
  ...{ eventId: id, sessionId, eventType: 'pageview', timestamp: '2026-05-05T10:00:00Z' },
});

function rawOf(content: unknown): RawMessage {
  return {
    ...{ subject: 'events.shop.x', seq: 7, place: 'p-7', receivedAt: Date.UTC(2026, 4, 5, 11) },
    data: Buffer.from(JSON.stringify(content)),
  };
}

function lettersOf(raw: RawMessage, isGone: (event: SessionEvent) => boolean = () => false) {
  const parsed = parseMessage(raw);
  const good = parsed.events.filter((one) => !isGone(one));
  const settingsOf = () => DEFAULT_SETTINGS;
  return overQuota(raw, parsed, { good, reason: REASON, settingsOf }).deadLetters;
}

describe('a message over its quota', () => {
  it('is one dead letter, byte for byte, also an array with a bad event in it', () => {
    for (const content of [event('a'), [event('a'), event('b', 5)]]) {
      const raw = rawOf(content);
      expect(lettersOf(raw)).to.deep.equal([{ reason: REASON, data: raw.data, eventId: 'p-7' }]);
    }
  });

  it('keeps the reason why nobody can read it', () => {
    const [letter, ...more] = lettersOf(rawOf(event('a', 5)));
    expect(more).to.deep.equal([]);
    expect(letter?.reason).to.match(/^sessionId/);
  });

  it('leaves out events of who is forgotten, and keeps the others under their ids', () => {
    const raw = rawOf([
      event('a'),
      event('b', 'gone'),
      { ...event(''), eventId: null },
      event('d', 5),
    ]);
    const letters = lettersOf(raw, ({ sessionId }) => sessionId === 'gone');

    expect(letters.map(({ index, eventId }) => [index, eventId])).to.deep.equal([
      [0, 'a'],
      [2, 'p-7#2'],
      [3, 'p-7#3'],
    ]);
    expect(letters.map(({ data }) => Buffer.from(data).toString()).join()).not.to.contain('gone');
    expect(letters.map(({ reason }) => reason === REASON)).to.deep.equal([true, true, false]);
    expect(lettersOf(rawOf([event('b', 'gone')]), () => true)).to.deep.equal([]);
  });
});

describe('a collector whose project has had its quota', () => {
  it('says when to come again: when the day ends, or within an hour, for it may be raised', () => {
    const check = (until: number | undefined) => {
      try {
        createCheckQuota({ spentUntil: () => until }, () => 1_000_000)('shop');
        return undefined;
      } catch (error) {
        return error instanceof OverQuotaError ? error.retryAfterSeconds : error;
      }
    };
    expect(check(undefined)).to.equal(undefined);
    expect(check(1_090_500)).to.equal(91);
    expect(check(1_000_000)).to.equal(1);
    expect(check(1_000_000 + 20 * 3_600_000)).to.equal(3_600);
  });
});

describe('the part of its quota that a project has used', () => {
  it('is that of the limit that is nearer', () => {
    const use = { project: 'shop', messages: 25, bytes: 90, isUsedUp: false };
    expect(usedPart(use)).to.equal(0);
    expect(usedPart({ ...use, messagesMax: 100 })).to.equal(0.25);
    expect(usedPart({ ...use, messagesMax: 100, bytesMax: 100 })).to.equal(0.9);
    expect(usedPart({ ...use, messagesMax: 10 })).to.equal(1);
    expect(usedPart({ ...use, bytesMax: 1_000, isUsedUp: true })).to.equal(1);
    expect(usedPart({ ...use, messages: 0, messagesMax: 0 })).to.equal(0);
  });
});

describe('events of a tracker over the quota', () => {
  const take = (isOneOfSeveral?: boolean) => {
    const sent: string[] = [];
    const taking = createTake({
      outlet: {
        isFull: false,
        send: (project) => Promise.resolve(void sent.push(project)),
      },
      sessions: { sessionsOf: () => Promise.reject(new Error('nobody is to be asked')) },
      say: () => undefined,
      checkQuota: () => {
        throw new OverQuotaError(60);
      },
    })({ project: 'shop', tracker: 'umami', receivedAt: 0, isOneOfSeveral }, [
      { event: event('a') },
    ]);
    return taking.then(
      () => sent,
      (error: unknown) => error,
    );
  };

  it('are refused before anybody is asked', async () => {
    expect(await take()).to.be.instanceOf(OverQuotaError);
  });

  it('go to ingest where others come with them, whose events would come again and again', async () => {
    expect(await take(true)).to.deep.equal(['shop']);
  });
});
