/** The parts of the collector that need no server. */
import { expect } from 'chai';
import { createKeys } from '../../collect/keys.ts';
import { messagesOf, type OutgoingEvent } from '../../collect/messages.ts';
import { checkEvents } from '../../collect/own-events.ts';
import { createTake } from '../../collect/take.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { parseMessage } from '../../workers/ingest/parse-event.ts';

const withKeys = (...collectKeys: string[]) => ({ ...DEFAULT_SETTINGS, collectKeys });

describe('keys of projects', () => {
  it('follow the settings, and name one project each', () => {
    const told: (readonly string[])[] = [];
    let all = new Map([
      ['shop', withKeys('a', 'both')],
      ['blog', withKeys('b', 'both')],
    ]);
    const keys = createKeys(
      () => all,
      (projects) => told.push(projects),
    );

    expect(['a', 'b', 'both', 'c', '', undefined].map((key) => keys.projectOf(key))).to.deep.equal([
      'shop',
      'blog',
      'blog',
      undefined,
      undefined,
      undefined,
    ]);
    expect(told).to.deep.equal([['blog', 'shop']]);
    all = new Map([['shop', withKeys('c')]]);
    expect(keys.projectOf('a')).to.equal(undefined);
    expect(keys.projectOf('c')).to.equal('shop');
  });
});

describe('messages of a request', () => {
  const event = (n: number, bytes = 20) => ({
    json: JSON.stringify({ n, x: 'y'.repeat(bytes) }),
    eventType: 'page.view *',
  });

  it('have one event as it is, under a subject that NATS takes', () => {
    const [message, ...others] = messagesOf('shop', [event(1)]);
    expect(others).to.deep.equal([]);
    expect(message?.subject).to.equal('events.shop.page_view__');
    expect(message?.data.toString()).to.equal(event(1).json);
  });

  it('have several as arrays, of at most 1,000 and less than half a MiB', () => {
    const sizes = (count: number, bytes: number) =>
      messagesOf(
        'shop',
        Array.from({ length: count }, (_, n) => event(n, bytes)),
      ).map(({ subject, data }) => {
        expect(subject).to.equal('events.shop._');
        expect(data.length).to.be.at.most(480 * 1024 + 2_000);
        return (JSON.parse(data.toString()) as unknown[]).length;
      });
    expect(sizes(2_500, 10)).to.deep.equal([1_000, 1_000, 500]);
    expect(sizes(20, 60_000)).to.deep.equal([8, 8, 4]);
    expect(messagesOf('shop', [])).to.deep.equal([]);
  });
});

describe('an event of a tracker that is too large', () => {
  const take = async (chars: number) => {
    const sent: OutgoingEvent[] = [];
    const outlet = {
      isFull: false,
      send: (_project: string, events: readonly OutgoingEvent[]) => {
        sent.push(...events);
        return Promise.resolve();
      },
    };
    const sessions = { sessionsOf: () => Promise.resolve([]) };
    const event = {
      ...{ eventType: 'pageview', sessionId: 's-1', eventId: 'e-1', timestamp: 1_790_000_000_000 },
      properties: { url: '"'.repeat(chars), letters: '語'.repeat(chars) },
    };
    const source = { project: 'shop', tracker: 'segment' as const, receivedAt: event.timestamp };
    await createTake({ outlet, sessions, say: () => undefined })(source, [{ event }]);
    return { event, messages: messagesOf('shop', sent) };
  };
  const lettersOf = (data: Buffer) =>
    parseMessage({ subject: 'events.shop._', data, seq: 1, receivedAt: 1_790_000_000_000 })
      .deadLetters;

  it('is published as it is, where NATS takes it: ingest makes a dead letter of it', async () => {
    const { event, messages } = await take(40_000);
    expect(messages[0]?.data.toString()).to.equal(JSON.stringify(event));
    expect(
      lettersOf(messages[0]?.data ?? Buffer.alloc(0)).map(({ reason }) => reason),
    ).to.deep.equal(['event must be at most 64 KiB']);
  });

  it('is a dead letter that begins like it and has its ids, where NATS would not take it', async () => {
    const { event, messages } = await take(700_000);
    const [message, ...others] = messages;
    if (message === undefined) throw new Error('it is published');
    expect(others).to.deep.equal([]);
    expect(message.data.length).to.be.below(480 * 1024);
    const { properties, ...ids } = event;
    const { tooLarge, ...kept } = JSON.parse(message.data.toString()) as Record<string, unknown>;
    expect(kept).to.deep.equal(ids);
    expect(JSON.stringify({ ...ids, properties }).startsWith(String(tooLarge))).to.equal(true);
    // Beside others of its message, too.
    for (const data of [message.data, Buffer.from(`[${message.data.toString()}]`)]) {
      expect(lettersOf(data).map(({ reason }) => reason)).to.deep.equal([
        'event must be at most 64 KiB',
      ]);
    }
  });
});

describe('own events of a request', () => {
  const NOW = Date.parse('2026-11-29T00:00:00Z');
  const one = (fields: object = {}) =>
    JSON.stringify({ eventType: 'pageview', sessionId: 's', timestamp: NOW, ...fields });
  const check = (body: string) => checkEvents(Buffer.from(body), 'shop', NOW);

  it('are told by what the body is', () => {
    for (const [body, count] of [
      [one(), 1],
      [`  ${one()}\r\n`, 1],
      [`[${one()}]`, 1],
      [`[ ${one()} ,\n${one()} ]`, 2],
      [`${one()}\r\n\r\n${one()}`, 2],
      [JSON.stringify(JSON.parse(one()), null, 1), 1],
    ] as const) {
      expect(check(body).good, body).to.have.length(count);
      expect(check(body).rejected).to.deep.equal([]);
    }
  });

  it('are checked as ingest checks them', () => {
    const { good, rejected } = check([one(), '{', one({ eventType: 1 })].join('\n'));
    expect(good).to.have.length(1);
    expect(rejected).to.deep.equal([
      { index: 1, reason: 'message must be JSON' },
      { index: 2, reason: 'eventType must be a text, but is a number' },
    ]);
  });

  it('count all where a byte order mark is before them, and can stand in an array', () => {
    const mark = '\uFEFF';
    for (const [body, count] of [
      [`${mark}${one()}`, 1],
      [`${mark}[${one()},${one()}]`, 2],
      [`${mark}${one()}\n${one()}\n`, 2],
      [`${one()}\n${mark}${one()}\n`, 2],
      [`${mark}${mark}${one()}\n${mark}${mark}${one()}`, 2],
    ] as const) {
      const { good, rejected } = check(body);
      expect([good.length, rejected], body).to.deep.equal([count, []]);
      const [message] = messagesOf('shop', [...good, ...check(one()).good]);
      if (message === undefined) throw new Error('events make a message');
      expect(JSON.parse(message.data.toString()), body).to.have.length(count + 1);
    }
  });

  it('may be an array a line, as for publish and import, whose elements count each by itself', () => {
    for (const [body, count] of [
      [`${one()}\n[${one()},${one()}]`, 3],
      [`[${one()}]\r\n\r\n [${one()},${one()}]\n${one()}\n`, 4],
      [`\n[${one()}]\n${one()}`, 2],
      [`[${one()}]\n`, 1],
      [`[\n${one()},\n${one()}\n]\n`, 2],
    ] as const) {
      const { good, rejected } = check(body);
      expect([good.length, rejected], body).to.deep.equal([count, []]);
      for (const { json, eventType } of good) {
        expect(JSON.parse(json.toString()), body).to.deep.equal(JSON.parse(one()));
        expect(eventType).to.equal('pageview');
      }
    }
    const { good, rejected } = check(`[${one()},1]\n[]\n[1,\n${one()}\n[${one()},[${one()}]]`);
    expect(good).to.have.length(3);
    expect(rejected).to.deep.equal([
      { index: 1, reason: 'event must be a JSON object, but is a number' },
      { index: 2, reason: 'array must hold at least 1 event' },
      { index: 3, reason: 'message must be JSON' },
      { index: 6, reason: 'event must be a JSON object, but is an array' },
    ]);
  });

  it('are no arrays in an array, as ingest says of the same bytes', () => {
    for (const inner of [`[${one()}]`, `[${one()},${one()}]`, '[]', '[[]]', '[1]']) {
      const { good, rejected } = check(`[${one()},${inner}]`);
      expect(good, inner).to.have.length(1);
      const { deadLetters } = parseMessage({
        ...{ subject: 'events.shop._', seq: 1, receivedAt: NOW },
        data: Buffer.from(`[${inner}]`),
      });
      expect(rejected, inner).to.deep.equal([{ index: 1, reason: deadLetters[0]?.reason }]);
      expect(rejected[0]?.reason).to.equal('event must be a JSON object, but is an array');
    }
  });

  it('are at most 10,000, also in arrays of several lines', () => {
    const line = `[${Array(2_501).fill(0).join()}]`;
    expect(check(Array(3).fill(line).join('\n')).rejected).to.have.length(3 * 2_501);
    expect(() => check(Array(4).fill(line).join('\n'))).to.throw('at most 10000 events');
  });

  it('are none where there is nothing', () => {
    expect(() => check('[]')).to.throw('no event');
    expect(() => check('[1,')).to.throw('JSON');
    expect(() => check(`[\n${one()}\n${one()}\n]`)).to.throw('JSON');
  });
});
