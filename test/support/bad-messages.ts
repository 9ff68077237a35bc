/** Messages that break a rule of CONTRACT, section 1, each in one way, with what the reason has to name. */

export interface BadMessage {
  readonly what: string;
  readonly payload: string | Uint8Array;
  /** A part of the reason: the field, or the rule where there is no field. */
  readonly names: string;
  readonly subject?: string;
}

const good = {
  eventType: 'pageview',
  sessionId: 'bad-message-session',
  timestamp: '2026-03-01T10:00:00Z',
};
const with_ = (fields: object) => JSON.stringify({ ...good, ...fields });
const properties = (fields: object) => with_({ properties: fields });

/** Text with a number that JavaScript cannot hold. */
const revenue = (digits: string) =>
  `${JSON.stringify(good).slice(0, -1)},"properties":{"revenue":${digits}}}`;

export const BAD_MESSAGES: readonly BadMessage[] = [
  { what: 'nothing', payload: '', names: 'JSON' },
  { what: 'no JSON', payload: 'hello', names: 'JSON' },
  { what: 'half a JSON object', payload: '{"eventType":"pageview"', names: 'JSON' },
  {
    what: 'bytes that are no UTF-8',
    payload: Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d),
    names: 'UTF-8',
  },
  { what: 'a text', payload: '"pageview"', names: 'event' },
  { what: 'a number', payload: '7', names: 'event' },
  { what: 'null', payload: 'null', names: 'event' },
  { what: 'an empty array', payload: '[]', names: 'array' },
  {
    what: 'too long an array',
    payload: `[${Array(1_001).fill('1').join(',')}]`,
    names: '1000 events',
  },
  { what: 'no eventType', payload: with_({ eventType: undefined }), names: 'eventType' },
  { what: 'eventType null', payload: with_({ eventType: null }), names: 'eventType' },
  { what: 'an empty eventType', payload: with_({ eventType: '' }), names: 'eventType' },
  { what: 'a number as eventType', payload: with_({ eventType: 3 }), names: 'eventType' },
  {
    what: 'too long an eventType',
    payload: with_({ eventType: 'x'.repeat(65) }),
    names: 'eventType',
  },
  { what: 'no sessionId', payload: with_({ sessionId: undefined }), names: 'sessionId' },
  { what: 'an object as sessionId', payload: with_({ sessionId: {} }), names: 'sessionId' },
  {
    what: 'too long a sessionId',
    payload: with_({ sessionId: 'x'.repeat(129) }),
    names: 'sessionId',
  },
  { what: 'a line break in sessionId', payload: with_({ sessionId: 'a\nb' }), names: 'sessionId' },
  {
    what: 'a zero byte in sessionId',
    payload: with_({ sessionId: 'a\u0000' }),
    names: 'sessionId',
  },
  { what: 'no timestamp', payload: with_({ timestamp: undefined }), names: 'timestamp' },
  {
    what: 'a date without a time',
    payload: with_({ timestamp: '2026-03-01' }),
    names: 'timestamp',
  },
  {
    what: 'a time without a zone',
    payload: with_({ timestamp: '2026-03-01T10:00:00' }),
    names: 'timestamp',
  },
  {
    what: 'a day that does not exist',
    payload: with_({ timestamp: '2026-02-30T10:00:00Z' }),
    names: 'timestamp',
  },
  {
    what: 'an hour that does not exist',
    payload: with_({ timestamp: '2026-02-20T24:00:00Z' }),
    names: 'timestamp',
  },
  {
    what: 'epoch milliseconds as a text',
    payload: with_({ timestamp: '1772359200000' }),
    names: 'timestamp',
  },
  { what: 'true as timestamp', payload: with_({ timestamp: true }), names: 'timestamp' },
  {
    what: 'a time before 1970',
    payload: with_({ timestamp: '1969-12-31T23:59:59.999Z' }),
    names: 'timestamp',
  },
  { what: 'negative milliseconds', payload: with_({ timestamp: -1 }), names: 'timestamp' },
  {
    what: 'a time far ahead',
    payload: with_({ timestamp: '2199-01-01T00:00:00Z' }),
    names: 'timestamp',
  },
  {
    what: 'seconds as timestamp',
    payload: with_({ timestamp: 1_772_359_200 }),
    names: 'timestamp',
  },
  {
    what: 'a number just below the least as timestamp',
    payload: `${JSON.stringify(good).slice(0, -1)},"timestamp":99999999999.99999999}`,
    names: 'timestamp',
  },
  ...['undefined', 'null', 'NaN', 'None', '[object Object]'].map((sessionId) => ({
    what: `${sessionId} as sessionId`,
    payload: with_({ sessionId }),
    names: 'sessionId',
  })),
  ...['sessionId', 'eventId', 'userId', 'visitorId', 'eventType'].map((name) => ({
    what: `half a character in ${name}`,
    payload: with_({ [name]: 'a\ud800b' }),
    names: name,
  })),
  { what: 'an empty sessionId', payload: with_({ sessionId: '' }), names: 'sessionId' },
  { what: 'a number as visitorId', payload: with_({ visitorId: 12 }), names: 'visitorId' },
  {
    what: 'too long a visitorId',
    payload: with_({ visitorId: 'x'.repeat(257) }),
    names: 'visitorId',
  },
  {
    what: 'an event nested 65 deep',
    payload: with_({ properties: JSON.parse(`${'{"a":'.repeat(64)}1${'}'.repeat(64)}`) as object }),
    names: '64 deep',
  },
  { what: 'a number as eventId', payload: with_({ eventId: 12 }), names: 'eventId' },
  { what: 'too long an eventId', payload: with_({ eventId: 'x'.repeat(129) }), names: 'eventId' },
  { what: 'an array as userId', payload: with_({ userId: [] }), names: 'userId' },
  { what: 'too long a userId', payload: with_({ userId: 'x'.repeat(257) }), names: 'userId' },
  { what: 'an array as properties', payload: with_({ properties: [] }), names: 'properties' },
  { what: 'a text as properties', payload: with_({ properties: 'path=/' }), names: 'properties' },
  {
    what: 'words as revenue',
    payload: properties({ revenue: 'ten' }),
    names: 'properties.revenue',
  },
  {
    what: 'a comma in revenue',
    payload: properties({ revenue: '1,50' }),
    names: 'properties.revenue',
  },
  { what: 'true as revenue', payload: properties({ revenue: true }), names: 'properties.revenue' },
  {
    what: 'a text with ten digits after the point',
    payload: revenue('"0.1234567891"'),
    names: 'properties.revenue',
  },
  {
    what: 'nineteen digits before the point',
    payload: revenue('1234567890123456789'),
    names: 'properties.revenue',
  },
  {
    what: 'an exponent beyond all bounds',
    payload: revenue('1e999999999'),
    names: 'properties.revenue',
  },
  {
    what: 'too large an event',
    payload: properties({ other: 'x'.repeat(64 * 1_024) }),
    names: '64 KiB',
  },
  {
    what: 'a project in capitals',
    payload: with_({}),
    names: 'subject',
    subject: 'events.SHOP.pageview',
  },
  {
    what: 'a subject without a type',
    payload: with_({}),
    names: 'subject',
    subject: 'events.shop',
  },
];
