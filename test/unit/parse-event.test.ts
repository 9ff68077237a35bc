import { loadZones } from '../../platform/zones.ts';
import { DEFAULT_SETTINGS } from '../../shared/project.ts';
import { createDayTurned } from '../../shared/zones/index.ts';
import { expect } from 'chai';
import {
  type ParsedMessage,
  parseMessage,
  type RawMessage,
} from '../../workers/ingest/parse-event.ts';
import { BAD_MESSAGES } from '../support/bad-messages.ts';

const NOW = Date.parse('2026-03-01T12:00:00Z');

function parse(
  payload: string | Uint8Array | object,
  fields: Partial<RawMessage> = {},
): ParsedMessage {
  const data =
    payload instanceof Uint8Array
      ? payload
      : new TextEncoder().encode(typeof payload === 'string' ? payload : JSON.stringify(payload));
  return parseMessage({
    subject: 'events.shop.pageview',
    data,
    seq: 17,
    receivedAt: NOW,
    ...fields,
  });
}

function eventOf(payload: string | object, fields: Partial<RawMessage> = {}) {
  const { events, deadLetters } = parse(payload, fields);
  expect(deadLetters.map(({ reason }) => reason)).to.deep.equal([]);
  expect(events).to.have.length(1);
  return (events[0] as (typeof events)[number]).event;
}

const good = { eventType: 'pageview', sessionId: 's', timestamp: '2026-03-01T10:00:00Z' };

describe('the border', () => {
  for (const { what, payload, names, subject } of BAD_MESSAGES) {
    it(`dead-letters ${what}, byte for byte, and names what was wrong`, () => {
      const { events, deadLetters } = parse(payload, subject === undefined ? {} : { subject });

      expect(events).to.deep.equal([]);
      expect(deadLetters).to.have.length(1);
      expect(deadLetters[0]?.reason).to.contain(names).and.not.contain('\n');
      const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
      expect(deadLetters[0]?.data).to.deep.equal(bytes);
    });
  }

  it('dead-letters a bad element of an array alone, with the digits it came with', () => {
    const bad =
      '{"eventType":"purchase","sessionId":"s","timestamp":1772359200000,"properties":{"revenue":"1.50000000000"}}';

    const { events, deadLetters } = parse(
      `[${JSON.stringify(good)}, ${bad}, ${JSON.stringify(good)}]`,
    );

    expect(events.map(({ event }) => event.id)).to.deep.equal(['17#0', '17#2']);
    expect(
      deadLetters.map(({ index, data }) => [index, new TextDecoder().decode(data)]),
    ).to.deep.equal([[1, bad]]);
  });

  it('dead-letters an element over 64 KiB of an array that is within 1 MiB', () => {
    const large = { ...good, properties: { other: 'x'.repeat(65_536) } };

    const { events, deadLetters } = parse([good, large]);

    expect(events).to.have.length(1);
    expect(deadLetters[0]?.reason).to.contain('64 KiB');
  });

  it('survives nesting that no parser can follow', () => {
    const deep = `${'['.repeat(100_000)}1${']'.repeat(100_000)}`;

    expect(parse(deep).events).to.deep.equal([]);
    expect(parse(`{"a":${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}}`).deadLetters).to.have.length(
      1,
    );
  });

  it('dead-letters a deep element alone: its bytes as they came, its siblings counted, money and all', () => {
    const paid = (n: number) =>
      `{"eventType":"purchase","sessionId":"s","timestamp":1772359200000,"properties":{"revenue":${n}.50}}`;
    const deep = `{ "a":${'['.repeat(5_000)}"]\\\\\\""${']'.repeat(5_000)} }`;

    const { events, deadLetters } = parse(`[${paid(1)} , ${deep}\n,${paid(2)}]`);

    expect(events.map(({ event }) => event.revenue)).to.deep.equal(['1.5', '2.5']);
    expect(deadLetters.map(({ index, reason }) => [index, reason])).to.deep.equal([
      [1, 'event must be nested at most 64 deep'],
    ]);
    expect(Buffer.from(deadLetters[0]?.data ?? []).toString()).to.equal(deep);
  });

  it('takes an event that is nested 64 deep, alone or in an array', () => {
    const event = `{"eventType":"x","sessionId":"s","timestamp":1772359200000,"other":${'['.repeat(63)}${']'.repeat(63)}}`;

    expect(parse(event).events).to.have.length(1);
    expect(parse(`[${event}]`).events).to.have.length(1);
  });

  it('keeps sessions apart that end in different halves of a character', () => {
    for (const half of ['\\ud800', '\\udfff']) {
      const { events, deadLetters } = parse(
        `{"eventType":"x","sessionId":"s${half}","timestamp":1772359200000}`,
      );

      expect(events).to.deep.equal([]);
      expect(deadLetters[0]?.reason).to.contain('sessionId');
    }
  });

  it('takes what a broken program writes for nothing as no id', () => {
    for (const nothing of ['undefined', 'null', 'NaN', 'None', '[object Object]', '']) {
      const event = eventOf({ ...good, eventId: nothing, userId: nothing, visitorId: nothing });

      expect(event.id).to.equal('17');
      expect(event).not.to.have.property('userId');
    }
    expect(eventOf({ ...good, properties: '' })).to.have.property('type', 'pageview');
    expect(eventOf({ ...good, properties: { revenue: '' } })).not.to.have.property('revenue');
  });

  it('cuts the digits of a number below the millisecond, as they were written', () => {
    const at = (digits: string) =>
      eventOf(`{"eventType":"x","sessionId":"s","timestamp":${digits}}`).at;

    expect(at('1772359200000.9999999999')).to.equal(1_772_359_200_000);
    expect(at('1.7723592e12')).to.equal(1_772_359_200_000);
    expect(at(`1772359200000${'0'.repeat(500)}e-500`)).to.equal(1_772_359_200_000);
    expect(at('100000000000')).to.equal(100_000_000_000);
  });

  it('rounds the tail of a float', () => {
    const text =
      '{"eventType":"purchase","sessionId":"s","timestamp":1772359200000,"properties":{"revenue":59.969999999999995}}';

    expect(eventOf(text).revenue).to.equal('59.97');
  });

  it('refuses a message whose header id cannot be told from others, and takes an event with an id of its own', () => {
    for (const messageId of ['a\ufffd', 'x'.repeat(133), 'a\nb']) {
      expect(parse(good, { messageId }).deadLetters[0]).to.deep.include({ eventId: '17' });
      expect(parse(good, { messageId }).deadLetters[0]?.reason).to.contain('Nats-Msg-Id');
      expect(eventOf({ ...good, eventId: 'mine' }, { messageId }).id).to.equal('mine');
    }
  });

  it('keeps a message it cannot file under a project', () => {
    expect(parse(good, { subject: 'events.*.x' }).project).to.equal('_');
    expect(parse(good, { subject: 'events.SHOP.x' }).project).to.equal('SHOP');
    expect(parse(good, { subject: 'events.shop.a.b.c' }).events).to.have.length(1);
  });

  it('takes the event id, else the header, else the stream sequence', () => {
    expect(eventOf({ ...good, eventId: 'mine' }, { messageId: 'header' }).id).to.equal('mine');
    expect(eventOf(good, { messageId: 'header' }).id).to.equal('header');
    expect(eventOf(good).id).to.equal('17');
    expect(eventOf([good]).id).to.equal('17#0');
    expect(eventOf([good], { messageId: 'header' }).id).to.equal('header#0');
    expect(eventOf({ ...good, eventId: null }).id).to.equal('17');
  });

  it('remembers a long id by a short key, and leaves a short one alone', () => {
    expect(eventOf({ ...good, eventId: 'x'.repeat(40) }).key).to.equal(undefined);
    expect(eventOf({ ...good, eventId: 'x'.repeat(41) }).key).to.have.length(22);
  });

  it('reads all spellings of a page view as one type', () => {
    for (const eventType of ['pageview', 'pageView', 'page_view']) {
      expect(eventOf({ ...good, eventType }).type).to.equal('pageview');
    }
    expect(eventOf({ ...good, eventType: 'PageView' }).type).to.equal('PageView');
  });

  it('reads every form of RFC 3339, and cuts what is below the millisecond', () => {
    const at = (timestamp: unknown) => eventOf({ ...good, timestamp }).at;
    const want = Date.parse('2026-02-28T23:59:59.999Z');

    expect(at('2026-02-28T23:59:59.999999999Z')).to.equal(want);
    expect(at('2026-03-01t01:29:59.9999+01:30')).to.equal(want);
    expect(at('2026-02-28 20:59:59.999-03:00')).to.equal(want);
    expect(at(want + 0.75)).to.equal(want);
    expect(at('2024-02-29T00:00:00-00:00')).to.equal(Date.UTC(2024, 1, 29));
    expect(at('1970-01-01T00:00:00Z')).to.equal(0);
    expect(at('2026-03-02T12:00:00Z')).to.equal(NOW + 86_400_000);
    expect(parse({ ...good, timestamp: '2026-03-02T12:00:00.001Z' }).events).to.deep.equal([]);
  });

  it('reads money by its digits, however many there are', () => {
    const money = (digits: string) =>
      eventOf(
        `{"eventType":"purchase","sessionId":"s","timestamp":1772359200000,"properties":{"revenue":${digits}}}`,
      ).revenue;

    expect(money('123456789012345678.123456789')).to.equal('123456789012345678.123456789');
    expect(money('"123456789012345678.123456789"')).to.equal('123456789012345678.123456789');
    expect(money('-0.000000001')).to.equal('-0.000000001');
    expect(money('1.5e3')).to.equal('1500');
    expect(money('25E-1')).to.equal('2.5');
    expect(money('1.10')).to.equal('1.1');
    expect(money('null')).to.equal(undefined);
    expect(money('{}')).to.equal(undefined);
    expect(money('[1]')).to.equal(undefined);
  });

  it('reads numbers and booleans as their text, and what is no value as not given', () => {
    const text = `{"eventType":"x","sessionId":"s","timestamp":1772359200000,"properties":{"path":1.0,"country":true,"os":null,"browser":{},"deviceType":[],"trafficSource":"","other":1}}`;

    const event = eventOf(text);

    expect(event).to.include({ path: '1.0', country: 'true' });
    expect(event).not.to.have.any.keys('os', 'browser', 'deviceType', 'trafficSource', 'other');
  });

  it('cuts a text after 1,024 characters, never through one', () => {
    expect(eventOf({ ...good, properties: { path: 'x'.repeat(2_000) } }).path).to.equal(
      'x'.repeat(1_024),
    );
    const path = `${'x'.repeat(1_023)}😀😀`;
    expect(eventOf({ ...good, properties: { path } }).path).to.equal(`${'x'.repeat(1_023)}😀`);
  });

  it('counts characters, not bytes', () => {
    expect(eventOf({ ...good, eventId: '😀'.repeat(128) }).id).to.have.length(256);
    expect(parse({ ...good, sessionId: 'é'.repeat(128) }).events).to.have.length(1);
  });

  it('is not fooled by names that every object has', () => {
    expect(
      parse('{"__proto__":{"eventType":"pageview"},"sessionId":"s","timestamp":1772359200000}')
        .deadLetters[0]?.reason,
    ).to.contain('eventType');
    expect(
      eventOf({ ...good, properties: { constructor: 'x', toString: 'y' } }),
    ).not.to.have.property('path');
  });

  it('takes the last of a repeated key, as everybody does', () => {
    const text =
      '{"eventType":"a","eventType":"purchase","sessionId":"s","timestamp":1772359200000,"properties":{"revenue":1,"revenue":2}}';

    expect(eventOf(text)).to.include({ type: 'purchase', revenue: '2' });
  });

  it('reads a number of a declared dimension by its digits, whatever the property is called', () => {
    const long = 'a property with a name of its own, and a long one';
    const settings = {
      ...DEFAULT_SETTINGS,
      dimensions: { size: 'größe', long, plain: 'plan' },
    };
    const event = {
      eventType: 'pageview',
      sessionId: 's',
      timestamp: '2026-03-01T10:00:00Z',
      properties: { größe: 41.5, [long]: 1, plan: 'pro' },
    };
    const data = Buffer.from(JSON.stringify(event).replace(':1,', ':1e400,'));
    const receivedAt = Date.parse('2026-03-01T10:00:00Z');

    const { events } = parseMessage(
      { subject: 'events.shop.pageview', data, seq: 1, receivedAt },
      () => settings,
    );

    expect(events[0]?.event).to.include({
      'dim:size': '41.5',
      'dim:long': '1e400',
      'dim:plain': 'pro',
    });
  });

  describe('in an hour of UTC that is of two days of the project', () => {
    const dayTurned = createDayTurned(loadZones());
    const marked = (timeZone: string, timestamp: string) => {
      const event = { eventType: 'pageview', sessionId: 's', timestamp, properties: { path: '/' } };
      const { events } = parseMessage(
        {
          subject: 'events.shop.pageview',
          data: Buffer.from(JSON.stringify([event])),
          seq: 1,
          receivedAt: Date.parse('2026-06-01T00:00:00Z'),
        },
        () => ({ ...DEFAULT_SETTINGS, timeZone }),
        dayTurned,
      );
      return events[0]?.event.dayTurned;
    };

    it('marks what is of the later one', () => {
      for (const [zone, before, first, last, after] of [
        ['Asia/Kolkata', '18:29:59.999', '18:30', '18:59:59.999', '19:00'],
        ['Asia/Kathmandu', '18:14:59.999', '18:15', '18:59:59.999', '19:00'],
        ['America/St_Johns', '02:29:59.999', '02:30', '02:59:59.999', '03:00'],
        ['Australia/Lord_Howe', '13:29:59.999', '13:30', '13:59:59.999', '14:00'],
      ] as const) {
        const at = (time: string) => marked(zone, `2026-05-12T${time.padEnd(8, ':00')}Z`);

        expect([before, first, last, after].map(at), zone).to.deep.equal([
          undefined,
          'true',
          'true',
          undefined,
        ]);
      }
    });

    it('follows the clock: none while Lord Howe is eleven hours ahead, none where hours are whole', () => {
      expect(marked('Australia/Lord_Howe', '2026-01-12T13:30:00Z')).to.equal(undefined);
      expect(marked('Australia/Lord_Howe', '2026-01-12T13:00:00Z')).to.equal(undefined);
      for (const minute of ['00', '15', '30', '45']) {
        expect(marked('Europe/Berlin', `2026-05-12T22:${minute}:00Z`)).to.equal(undefined);
        expect(marked('UTC', `2026-05-12T00:${minute}:00Z`)).to.equal(undefined);
      }
    });
  });
});
