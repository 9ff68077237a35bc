import { headers, type MsgHdrs } from '@nats-io/transport-node';
import { expect } from 'chai';
import { pino } from 'pino';
import { createDeadLetters } from '../../workers/ingest/dead-letters.ts';
import { rawMessageOf } from '../../workers/ingest/raw-message.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';

interface Published {
  readonly subject: string;
  readonly data: Uint8Array;
  readonly msgID: string;
  readonly headers: MsgHdrs;
}

/** @param refuse whether DEADLETTERS does not take this one */
function createWorld(refuse: (published: Published) => boolean = () => false) {
  const kept: Published[] = [];
  let tries = 0;
  const js = {
    publish(subject: string, data: Uint8Array, options: Omit<Published, 'subject' | 'data'>) {
      const published = { subject, data, ...options };
      tries += 1;
      if (refuse(published)) return Promise.reject(new Error('no'));
      kept.push(published);
      return Promise.resolve({});
    },
  };
  const letters = createDeadLetters({
    js: js as unknown as Parameters<typeof createDeadLetters>[0]['js'],
    log: pino({ level: 'silent' }),
    now: Date.now,
  });
  return { letters, kept, tries: () => tries };
}

const SOURCE = { subject: 'events.a.x', seq: 7, place: 'abc-7' };
const letter = (eventId = 'e', data = new Uint8Array([1])) => ({ reason: 'bad', data, eventId });

describe('dead letters', () => {
  it('are known by the place of their message and their element', async () => {
    const { letters, kept } = createWorld();

    expect(await letters.keep('a', SOURCE, { ...letter(), index: 3 })).to.equal(true);

    expect(kept[0]?.msgID).to.equal('EVENTS-abc-7#3');
    expect(kept[0]?.subject).to.equal('deadletters.a');
    expect(kept[0]?.headers.get('Sojourn-Event-Id')).to.equal('e');
  });

  it('that are not taken are given up after a few tries, and nobody waits for them', async () => {
    const { letters, kept, tries } = createWorld(({ msgID }) => msgID.endsWith('-bad'));

    const bad = letters.keep('a', { ...SOURCE, place: 'bad' }, letter());
    expect(await letters.keep('a', SOURCE, letter())).to.equal(true);
    expect(await bad).to.equal(false);

    expect(kept).to.have.length(1);
    expect(tries()).to.equal(1 + 3);
    expect([letters.waiting, letters.isFull]).to.deep.equal([0, false]);
  });

  it('say so when DEADLETTERS takes none, and forget it with the first that it takes', async () => {
    let isFull = true;
    const { letters } = createWorld(() => isFull);
    const places = ['1', '2', '3'];

    await Promise.all(places.map((place) => letters.keep('a', { ...SOURCE, place }, letter())));
    expect(letters.isFailing).to.equal(true);

    isFull = false;
    await letters.keep('a', SOURCE, letter());
    expect(letters.isFailing).to.equal(false);
  });

  it('want no more than some at a time', async () => {
    const { letters } = createWorld();
    const all = Array.from({ length: 2_000 }, () => letters.keep('a', SOURCE, letter()));
    expect(letters.isFull).to.equal(true);

    await Promise.all(all);

    expect(letters.isFull).to.equal(false);
  });

  it('hold in their headers whatever can stand there', async () => {
    const { letters, kept } = createWorld();

    await letters.keep('a', { ...SOURCE, subject: 'events.a.\r\nx' }, letter('a\nb'));

    expect(kept[0]?.headers.get('Sojourn-Subject')).to.equal('events.a.??x');
    expect(kept[0]?.headers.has('Sojourn-Event-Id')).to.equal(false);
  });
});

describe('a message of JetStream', () => {
  const received = {
    subject: 'events.a.x',
    data: Buffer.from('{"eventType":"x","sessionId":"s","timestamp":1772359200000}'),
    seq: 7,
    receivedAt: 1_772_359_200_000,
  };

  it('whose headers cannot be read is a dead letter that says so', () => {
    const raw = rawMessageOf(
      {
        ...received,
        headers: () => {
          throw new Error("'ä' is not a valid character in a header name");
        },
      },
      0,
    );
    const { events, deadLetters } = parseMessage(raw);

    expect(events).to.deep.equal([]);
    expect(deadLetters[0]?.reason).to.contain('headers cannot be read');
    expect(deadLetters[0]?.data).to.equal(received.data);
  });

  it('without an id is known by its place, and by its bare sequence as long as older versions may run', () => {
    const idOf = (placesSince: number) =>
      parseMessage(rawMessageOf({ ...received, headers: () => undefined }, placesSince)).events[0]
        ?.event.id;

    expect(idOf(0)).to.equal(`${received.receivedAt.toString(36)}-7`);
    expect(idOf(received.receivedAt)).to.equal(`${received.receivedAt.toString(36)}-7`);
    expect(idOf(received.receivedAt + 1)).to.equal('7');
    expect(idOf(Infinity)).to.equal('7');
  });

  it('takes no text for an id that a program wrote for nothing', () => {
    const head = headers();
    head.set('Sojourn-Event-Id', 'undefined');
    head.set('Nats-Msg-Id', 'mine');

    expect(rawMessageOf({ ...received, headers: () => head }, 0).messageId).to.equal('mine');
  });
});
