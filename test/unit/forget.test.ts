/** Who is forgotten, and what takes the place of a person in rows. */
import { expect } from 'chai';
import fc from 'fast-check';
import { createTake } from '../../collect/take.ts';
import { forgetKeys } from '../../operations/forget-keys.ts';
import { hashOf } from '../../platform/forgotten-bucket.ts';
import {
  createForgotten,
  keyOfPerson,
  PERSON_KINDS,
  type PersonKind,
  personOfKey,
} from '../../shared/forgotten.ts';
import {
  forgottenRow,
  linkedRow,
  namesPerson,
  pseudonymOf,
  type ReplacedKind,
  saidIdsOf,
  sessionsNaming,
} from '../../shared/pseudonyms.ts';
import type { Tracked } from '../../trackers/event.ts';
import { readGa4 } from '../../trackers/ga4.ts';
import { readMatomo } from '../../trackers/matomo.ts';
import { readPlausible } from '../../trackers/plausible.ts';
import { readPosthog } from '../../trackers/posthog.ts';
import { readSegment } from '../../trackers/segment.ts';
import { readSnowplow } from '../../trackers/snowplow.ts';
import { readUmami } from '../../trackers/umami.ts';
import { type TrackerName, TRACKERS } from '../../trackers/visitor-name.ts';

const KEY = 'a secret';
const project = fc.stringMatching(/^[a-z0-9_-]{1,12}$/);
const kind = fc.constantFrom(...PERSON_KINDS);
const id = fc.string({ minLength: 1, maxLength: 20 });

describe('the list of the forgotten', () => {
  const forgotten = createForgotten(
    [{ project: 'shop', kind: 'user', hash: hashOf(KEY)('user', 'shop', 'ulla'), until: 1_000 }],
    hashOf(KEY),
  );
  const isForgotten = (at: number, userId?: string, of = 'shop') =>
    forgotten.isForgotten(of, {
      sessionId: 'ulla',
      event: { at, visitorId: 'ulla', ...(userId !== undefined && { userId }) },
    });

  it('is up to a time, of one project, and of one kind of id', () => {
    expect(isForgotten(1_000, 'ulla')).to.equal(true);
    expect(isForgotten(1_001, 'ulla')).to.equal(false);
    expect(isForgotten(1_000, 'otto')).to.equal(false);
    expect(isForgotten(1_000)).to.equal(false);
    expect(isForgotten(1_000, 'ulla', 'other')).to.equal(false);
  });

  it('knows exactly those that were added, up to their greatest time', () => {
    const person = fc.record({ project, kind, id, until: fc.nat(100) });
    const asked = fc.record({ project, kind, id, at: fc.nat(100) });
    fc.assert(
      fc.property(fc.array(person), fc.array(asked), (people, questions) => {
        const list = createForgotten(
          people.map((one) => ({ ...one, hash: hashOf(KEY)(one.kind, one.project, one.id) })),
          hashOf(KEY),
        );
        for (const question of [
          ...questions,
          ...people.map((one) => ({ ...one, at: one.until })),
        ]) {
          const expected = people.some(
            (one) =>
              one.project === question.project &&
              one.kind === question.kind &&
              one.id === question.id &&
              question.at <= one.until,
          );
          expect(asks(list, question)).to.equal(expected);
        }
      }),
    );
  });

  function asks(
    list: ReturnType<typeof createForgotten>,
    question: { project: string; kind: PersonKind; id: string; at: number },
  ): boolean {
    const of = (one: PersonKind) => (question.kind === one ? question.id : undefined);
    const [user, visitor] = [of('user'), of('visitor')];
    return list.isForgotten(question.project, {
      sessionId: of('session') ?? '',
      event: {
        at: question.at,
        ...(user !== undefined && { userId: user }),
        ...(visitor !== undefined && { visitorId: visitor }),
      },
    });
  }

  it('has keys that say project, kind and hash, and nothing of the id', () => {
    fc.assert(
      fc.property(project, kind, id, (of, as, text) => {
        const person = { project: of, kind: as, hash: hashOf(KEY)(as, of, text) };
        expect(personOfKey(keyOfPerson(person))).to.deep.equal(person);
        expect(person.hash).to.match(/^[\w-]{22}$/);
        expect(person.hash).not.to.equal(hashOf('another secret')(as, of, text));
      }),
    );
    expect(personOfKey('hash-key')).to.equal(undefined);
    expect(personOfKey('shop.robot.abc')).to.equal(undefined);
  });
});

describe('a row of somebody who is forgotten', () => {
  const row = {
    ...{ project: 'shop', session_id: 's-1', first_run_id: '0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b' },
    ...{ user_id: 'ulla', visitor_id: '', started_at: '2026-05-05 10:31:07.123' },
    ...{ last_event_at: '2026-05-05 10:59:59.999', updated_at: '2026-05-05 11:00:00.001' },
    ...{ page_views: '3', entry_path: '/', exit_path: '/bye', language: 'de', screen: '1x1' },
    ...{ version: '4', added_later: 'ulla' },
  };
  const pseudonyms = new Map<ReplacedKind, ReadonlyMap<string, string>>([
    ['session', new Map([['s-1', 'forgotten-s']])],
    ['run', new Map([[row.first_run_id, '0190a-run']])],
    ['user', new Map([['ulla', 'forgotten-u']])],
  ]);

  it('keeps what metrics say, and nothing that says who it was', () => {
    expect(forgottenRow(row, pseudonyms)).to.deep.equal({
      ...{ project: 'shop', session_id: 'forgotten-s', first_run_id: '0190a-run' },
      ...{ user_id: 'forgotten-u', visitor_id: '', started_at: '2026-05-05 10:30:00.000' },
      ...{ last_event_at: '2026-05-05 10:45:00.000', updated_at: '2026-05-05 11:00:00.000' },
      ...{ page_views: '3', entry_path: '/', version: '4' },
    });
  });

  it('is made for nobody who has no pseudonym', () => {
    expect(() => forgottenRow({ ...row, user_id: 'otto' }, pseudonyms)).to.throw(RangeError);
    expect(() => forgottenRow({ ...row, session_id: 's-2' }, pseudonyms)).to.throw(RangeError);
  });

  it('of another, which stays, has only the shared id replaced', () => {
    expect(linkedRow({ ...row, visitor_id: 'phone' }, pseudonyms)).to.deep.equal({
      ...row,
      ...{ visitor_id: 'phone', user_id: 'forgotten-u' },
    });
  });

  it('lies where it lay, by the first digits of its first run', () => {
    const made = pseudonymOf('run', row.first_run_id, 'f'.repeat(32));
    expect(made).to.equal('0190afff-ffff-7fff-ffff-ffffffffffff');
    expect(pseudonymOf('user', 'ulla', 'abc')).to.equal('forgotten-abc');
  });
});

describe('a message', () => {
  const ids = {
    user: new Set(['ulla']),
    visitor: new Set<string>(),
    session: new Set(['s-1', '7']),
  };
  const names = (value: unknown) => namesPerson(JSON.stringify(value), ids);

  it('names a person by a field of its own, not by any text', () => {
    expect(names({ userId: 'ulla', sessionId: 'x' })).to.equal(true);
    expect(names({ sessionId: 's-1' })).to.equal(true);
    expect(names({ sessionId: 7 })).to.equal(true);
    expect(names([{ sessionId: 'x' }, { sessionId: 's-1' }])).to.equal(true);
    expect(names({ sessionId: 'ulla', visitorId: 'ulla', properties: { a: 'ulla' } })).to.equal(
      false,
    );
    expect(names(null)).to.equal(false);
    expect(names('ulla')).to.equal(false);
  });

  it('that is no JSON names whose id stands in it between quotes', () => {
    expect(namesPerson('{"userId":"ulla",', ids)).to.equal(true);
    expect(namesPerson('ulla', ids)).to.equal(false);
  });

  it('tells the sessions of its events that name the person', () => {
    const text = JSON.stringify([
      { userId: 'ulla', sessionId: 'a' },
      { sessionId: 'b' },
      { userId: 'ulla' },
    ]);
    expect(sessionsNaming(text, ids)).to.deep.equal(['a']);
    expect(sessionsNaming('{', ids)).to.deep.equal([]);
  });

  it('goes by no id that ingest would not take', () => {
    const wrong = ['undefined', 'null', '[object Object]', 'x'.repeat(257), 'a\ud800', ''];
    for (const id of wrong) {
      const text = JSON.stringify({ userId: 'ulla', sessionId: id, visitorId: id });
      expect(namesPerson(text, ids), id).to.equal(true);
      expect(sessionsNaming(text, ids), id).to.deep.equal([]);
      expect(saidIdsOf(text), id).to.deep.equal([{ user: 'ulla' }]);
      expect(saidIdsOf(JSON.stringify({ userId: id })), id).to.deep.equal([{}]);
    }
    for (const sessionId of ['x'.repeat(129), 'a\nb']) {
      expect(sessionsNaming(JSON.stringify({ userId: 'ulla', sessionId }), ids)).to.deep.equal([]);
      expect(saidIdsOf(JSON.stringify({ sessionId }))).to.deep.equal([{}]);
    }
    expect(saidIdsOf(JSON.stringify({ visitorId: '\u{1f600}'.repeat(256) }))[0]).to.have.key(
      'visitor',
    );
  });

  it('says whose each of its events is, as far as it does in texts', () => {
    const all = { userId: 'ulla', visitorId: 'v', sessionId: 'a', eventId: 'e' };
    expect(
      saidIdsOf(JSON.stringify([all, { sessionId: 7, userId: '' }, null, 'ulla'])),
    ).to.deep.equal([{ user: 'ulla', visitor: 'v', session: 'a' }, ...[{}, {}, {}]]);
    expect(saidIdsOf(JSON.stringify(all))).to.have.length(1);
    expect(saidIdsOf('{')).to.deep.equal([]);
  });
});

describe('sessions that Redis has of trackers’ visitors', () => {
  const ID = 'ulla';
  const anonymous = { receivedAt: 1_000, visitor: ID };
  const segment = (who: object) => readSegment({ type: 'page', ...who }, { receivedAt: 1_000 });
  const matomo = (who: Record<string, string>) =>
    readMatomo({ rec: '1', ...who }, { ...anonymous, visitor: 'of the day', isTrusted: false });
  const umami = (who: object) =>
    readUmami({ type: 'event', payload: { url: '/', ...who } }, anonymous);
  /** Each way in which a tracker says that it is her, in an event without a session. */
  const HERS: Readonly<Record<TrackerName, readonly Tracked[]>> = {
    segment: [segment({ userId: ID }), segment({ anonymousId: ID })],
    snowplow: [{ duid: ID }, { uid: ID }].map((who) =>
      readSnowplow({ e: 'pv', ...who }, anonymous),
    ),
    plausible: [readPlausible({ n: 'pageview', u: 'https://shop.example/' }, anonymous)],
    umami: [umami({ id: ID }), umami({})],
    matomo: [matomo({ uid: ID }), matomo({ cid: ID }), matomo({ _id: ID, uid: 'otto' })],
    posthog: [readPosthog({ event: '$pageview', distinct_id: ID }, anonymous)],
    ga4: [readGa4({ client_id: ID, events: [{ name: 'page_view' }] }, anonymous)],
  };

  /** The keys that the collector gives a visitor, by the way that all trackers' events go. */
  async function keysOf(
    project: string,
    tracker: TrackerName,
    tracked: Tracked,
  ): Promise<string[]> {
    const keys: string[] = [];
    const take = createTake({
      outlet: { isFull: false, send: () => Promise.resolve() },
      sessions: {
        sessionsOf({ visitor, events }) {
          keys.push(`collect:visitor:${visitor}`);
          return Promise.resolve(events.map(() => undefined));
        },
      },
      say: () => undefined,
    });
    await take({ project, tracker, receivedAt: 1_000 }, tracked);
    return keys;
  }

  const redisWith = (keys: Iterable<string>) => {
    const left = new Set(keys);
    const redis = {
      exists: (asked: readonly string[]) =>
        Promise.resolve(asked.filter((key) => left.has(key)).length),
      del: (asked: readonly string[]) => {
        for (const key of asked) left.delete(key);
        return Promise.resolve(0);
      },
    } as unknown as Parameters<typeof forgetKeys>[0];
    return { left, redis };
  };

  it('go under whatever name a tracker has given a person, and no other’s do', async () => {
    const hers = new Set<string>();
    const others = new Set<string>();
    const addOthers = async (...of: Parameters<typeof keysOf>) => {
      for (const key of await keysOf(...of)) others.add(key);
    };
    for (const tracker of TRACKERS) {
      for (const tracked of HERS[tracker]) {
        const found = await keysOf('shop', tracker, tracked);
        expect(found, tracker).to.have.length(1);
        for (const key of found) hers.add(key);
        await addOthers('blog', tracker, tracked);
      }
    }
    await addOthers('shop', 'segment', segment({ anonymousId: 'otto' }));
    const nobody = new Set<string>();

    for (const kind of ['user', 'visitor'] as const) {
      const person = { user: nobody, visitor: nobody, session: nobody, [kind]: new Set([ID]) };
      const { left, redis } = redisWith([...hers, ...others]);
      expect(await forgetKeys(redis, 'shop', { person, users: [] }, true)).to.equal(hers.size);
      expect(left.size).to.equal(hers.size + others.size);

      expect(await forgetKeys(redis, 'shop', { person, users: [] }, false)).to.equal(hers.size);
      expect([...left]).to.have.members([...others]);
    }
  });
});
