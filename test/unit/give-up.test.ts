import type { StoredMsg } from '@nats-io/jetstream';
import { expect } from 'chai';
import { createGiveUp, stuckReason } from '../../workers/ingest/give-up.ts';
import type { LetterSource } from '../../workers/ingest/dead-letters.ts';
import type { Delivery } from '../../workers/ingest/gather.ts';
import {
  type DeadLetter,
  parseMessage,
  type SettingsOf,
} from '../../workers/ingest/parse-event.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';

const RECEIVED = Date.UTC(2026, 5, 1);
const SUBJECT = 'events.shop.test';

function stored(seq: number, text: string, receivedAt = RECEIVED): StoredMsg {
  const data = Buffer.from(text);
  return { subject: SUBJECT, seq, data, time: new Date(receivedAt) } as unknown as StoredMsg;
}

/** What a session would have been brought of these messages. */
function deliveryOf(
  sessionId: string,
  messages: readonly StoredMsg[],
  settingsOf?: SettingsOf,
): Delivery {
  const parts = messages.flatMap(({ subject, seq, data }) => {
    const message = { seq, receivedAt: RECEIVED, bytes: data.length, open: 1 };
    return parseMessage({ subject, seq, data, receivedAt: RECEIVED }, settingsOf)
      .events.filter((event) => event.sessionId === sessionId)
      .map(({ event }) => ({ event, message }));
  });
  return {
    project: 'shop',
    sessionId,
    events: parts.map(({ event }) => event),
    messages: parts.map(({ message }) => message),
    sizes: parts.map(() => 1),
  };
}

/** @param there what lies in the stream by now */
async function givenUp(
  sessionId: string,
  messages: readonly StoredMsg[],
  there: readonly StoredMsg[] = messages,
  settingsOf?: SettingsOf,
) {
  const letters: (DeadLetter & LetterSource & { text: string })[] = [];
  const giveUp = createGiveUp({
    fetch: (seq) => Promise.resolve(there.find((m) => m.seq === seq) ?? null),
    rawOf: ({ subject, seq, data }) => ({ subject, seq, data, receivedAt: RECEIVED }),
    ...(settingsOf && { settingsOf }),
    keep(project, source, letter) {
      expect(project).to.equal('shop');
      letters.push({ ...letter, ...source, text: Buffer.from(letter.data).toString() });
      return Promise.resolve();
    },
  });
  await giveUp(deliveryOf(sessionId, messages, settingsOf), 'why');
  return letters.sort((a, b) => a.seq - b.seq || (a.index ?? 0) - (b.index ?? 0));
}

const event = (sessionId: string, more = '') =>
  `{"eventType": "pageview",  "sessionId":"${sessionId}","timestamp":"2026-05-31T00:00:00Z"${more}}`;

describe('events that are given up', () => {
  it('become letters byte for byte, those of other sessions do not', async () => {
    const [one, other, two] = [event('s', ',"eventId":"é"'), event('t'), event('s', ',"x":1.0')];
    const array = `[${one}, ${other},{"bad":true} ,\n${two}]`;
    const single = ` ${event('s')}\n`;

    const letters = await givenUp('s', [stored(7, array), stored(8, single)]);

    expect(
      letters.map(({ seq, index, text, eventId }) => [seq, index, text, eventId]),
    ).to.deep.equal([
      [7, 0, one, 'é'],
      [7, 3, two, '7#3'],
      [8, undefined, single, '8'],
    ]);
    expect(letters[0]).to.include({ reason: 'why', subject: SUBJECT });
  });

  it('keep what was read of them where the message is gone, and read the same again', async () => {
    const more =
      ',"userId":"u","visitorId":"v","properties":{"path":"/a","revenue":1.5,"currency":"EUR","medium":"email","bot":true}';
    const [letter] = await givenUp('s', [stored(7, event('s', more))], []);
    const data = Buffer.from(letter?.text ?? '');
    const read = (text: Uint8Array, seq: number) =>
      parseMessage({ subject: SUBJECT, seq, data: text, receivedAt: RECEIVED });

    expect(letter?.subject).to.equal('events.shop.pageview');
    const [again] = read(data, 7).events;
    expect(again).to.deep.equal(read(Buffer.from(event('s', more)), 7).events[0]);
  });

  it('are letters each where their message is gone, the same ones at every try', async () => {
    const array = stored(7, `[${event('s')},${event('s')},${event('s', ',"eventId":"mine"')}]`);
    const tries = [await givenUp('s', [array], []), await givenUp('s', [array], [])];
    const [first, second] = tries.map((letters) => letters.map(({ place }) => place));

    expect(tries[0]?.map(({ eventId }) => eventId)).to.deep.equal(['7#0', '7#1', 'mine']);
    expect(new Set(first).size).to.equal(3);
    expect(second).to.deep.equal(first);
  });

  it('take nothing from another message that has got the sequence', async () => {
    const foreign = {
      ...stored(7, event('s', ',"userId":"x"'), RECEIVED + 1),
      subject: 'events.a.b',
    };
    const mine = stored(7, event('s'));

    const letters = await givenUp('s', [mine], [foreign]);

    expect(letters).to.deep.equal(await givenUp('s', [mine], []));
    expect(letters[0]?.subject).to.equal('events.shop.pageview');
  });

  it('have a subject that NATS takes, whatever their type', async () => {
    const typed = event('s').replace('pageview', 'a b.c>*');
    const [letter] = await givenUp('s', [stored(7, typed)], []);

    expect(letter?.subject).to.equal('events.shop.a_b_c__');
  });

  it('keep what the project has declared, under the property that it is read from', async () => {
    const settingsOf = () => ({ ...DEFAULT_SETTINGS, dimensions: { plan: 'user.plan' } });
    const text = event('s', ',"properties":{"user.plan":"pro"}');

    const [letter] = await givenUp('s', [stored(7, text)], [], settingsOf);

    expect(JSON.parse(letter?.text ?? '')).to.have.deep.property('properties', {
      'user.plan': 'pro',
    });
  });

  it('say why in one line that a header takes', () => {
    const error = new Error('failed', { cause: new Error('14 ÜNAVAILABLE: no\nstack') });

    expect(stuckReason(900_400, error)).to.equal(
      'the session did not take this event for 900 s (14 ?NAVAILABLE: no); replay it when the session is well',
    );
  });
});
