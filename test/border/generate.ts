/** Messages from a seed: mostly nearly right, wrong in any place that the contract has a rule for. */
import { chance, intBetween, pick, type Random } from '../support/random.ts';
import type { NaiveMessage } from './naive-border.ts';
import {
  eventTypeSpelling,
  idSpelling,
  nested,
  numberSpelling,
  propertySpelling,
  quoted,
  revenueSpelling,
  textOf,
  timestampSpelling,
} from './spellings.ts';

const EVENT_BYTES = 64 * 1024;
const MESSAGE_BYTES = 1024 * 1024;
const START = Date.parse('2026-03-01T12:00:00Z');

export function generateMessage(random: Random, seq: number): NaiveMessage {
  const receivedAt = START + intBetween(random, 0, 86_400_000);
  return {
    subject: subjectOf(random),
    data: damaged(random, bytesOf(random, receivedAt)),
    seq,
    receivedAt,
    headers: headersOf(random),
    placesSince: pick(random, [0, 0, receivedAt, receivedAt + 1, Infinity]),
  };
}

const BAD_SUBJECTS = [
  'events.SHOP.x',
  'events.shop',
  'events',
  'events..x',
  'events.sh op.x',
  `events.${'p'.repeat(65)}.x`,
  'other.shop.x',
  'events.*.x',
  'events.>',
  'events.schön.x',
  'events.\ufffd.x',
  `events.${'é'.repeat(500)}.x`,
] as const;

function subjectOf(random: Random): string {
  if (chance(random, 0.02)) return pick(random, BAD_SUBJECTS);
  const project = pick(random, ['shop', 'a', '_', '-', 'p'.repeat(64)]);
  return `events.${project}.${pick(random, ['pageview', '_', 'a.b.c', 'PageView'])}`;
}

const HEADER_IDS = [
  'abc',
  '0d6b7a3e-6f0c-4d6d-9d30-0a9c6a4f3f1e',
  'undefined',
  'NaN',
  '',
  'x'.repeat(128),
  'x'.repeat(131),
  'x'.repeat(132),
  'x'.repeat(133),
  '😀'.repeat(128),
  '😀'.repeat(133),
  'a\ufffdb',
  'a\nb',
  'a\u0085',
  'ü',
] as const;

function headersOf(random: Random): NaiveMessage['headers'] {
  const way = random();
  if (way < 0.6) return {};
  if (way < 0.61) return 'broken';
  return {
    ...(chance(random, 0.8) && { 'Nats-Msg-Id': pick(random, HEADER_IDS) }),
    ...(chance(random, 0.2) && { 'Sojourn-Event-Id': pick(random, HEADER_IDS) }),
  };
}

const NO_EVENTS = [
  '',
  ' ',
  '[]',
  '[ ]',
  'null',
  '7',
  '"pageview"',
  'true',
  '[[]]',
  '[null,1,"x",{}]',
  '{}',
  '[1,]',
  '{"a":1,}',
  '[1 2]',
];

function bytesOf(random: Random, receivedAt: number): Buffer {
  const way = random();
  const space = () => (chance(random, 0.1) ? pick(random, [' ', '\n\t', '\r\n  ']) : '');
  const event = () => eventOf(random, receivedAt);
  const array = (events: readonly string[]) =>
    `[${space()}${events.join(`${space()},${space()}`)}${space()}]`;
  if (way < 0.02) return Buffer.from(pick(random, NO_EVENTS));
  if (way < 0.7) return Buffer.from(space() + event() + space());
  if (way < 0.996) {
    const events = Array.from({ length: intBetween(random, 1, 6) }, () =>
      chance(random, 0.03) ? pick(random, NO_EVENTS.slice(3, 11)) : event(),
    );
    return Buffer.from(space() + array(events) + space());
  }
  if (way < 0.998) {
    const size = EVENT_BYTES + intBetween(random, -1, 1);
    const sized = padded(event(), size);
    return Buffer.from(chance(random, 0.5) ? sized : array([event(), sized, event()]));
  }
  if (way < 0.9982) {
    const many = 1_000 + intBetween(random, -1, 1);
    const few = chance(random, 0.7) ? '1' : event();
    return Buffer.from(array(Array<string>(few.length > 1_000 ? 3 : many).fill(few)));
  }
  if (way < 0.9993)
    return Buffer.from(array([event(), nested(random, intBetween(random, 65, 1_500)), event()]));
  const size = MESSAGE_BYTES + intBetween(random, -1, 1);
  const elements = Array<string>(20).fill(padded(event(), intBetween(random, 40_000, 52_000)));
  const filled = array(elements);
  return Buffer.from(filled + ' '.repeat(Math.max(0, size - Buffer.byteLength(filled))));
}

/** So many bytes long, by a field that nobody reads. */
function padded(event: string, size: number): string {
  if (!event.startsWith('{')) return event;
  const head = `${event.slice(0, -1)}${event.length > 2 ? ',' : ''}"filling":"`;
  return `${head}${'f'.repeat(Math.max(0, size - Buffer.byteLength(head) - 2))}"}`;
}

const TEXT_NAMES = [
  'path',
  'trafficSource',
  'deviceType',
  'country',
  'browser',
  'os',
  'currency',
  'conversionType',
  'channel',
  'medium',
  'campaign',
  'term',
  'content',
  'language',
  'screen',
  'appVersion',
] as const;
/** What others follow from, as it is sent and as it is not. */
const TOLD_FROM: Readonly<Record<string, readonly string[]>> = {
  url: [
    'https://shop.example/a/b?utm_source=News&utm_medium=email&utm_campaign=spring%20sale#top',
    'https://shop.example/?gclid=abc',
    'https://www.shop.example:8443/ü?q=%E4%BC%9A&x',
    '/only/a/path?utm_source=x',
    'not a url',
    'javascript:void(0)',
    'http://[::1]/',
  ],
  referrer: [
    'https://www.google.de/',
    'https://shop.example/before',
    'android-app://com.google.android.gm/',
    'https://t.co/x',
    'http://localhost/',
    '%',
  ],
  userAgent: [
    'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Firefox/140.0',
    'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
    'curl/8.5.0',
    'x',
  ],
  bot: ['true', 'false', '1', '0', 'no', 'Yes', 'maybe'],
};
const OTHER_NAMES = [
  '__proto__',
  'constructor',
  'toString',
  'other',
  'Path',
  'revenue ',
  '',
] as const;

function eventOf(random: Random, receivedAt: number): string {
  // Most fields are right, so that one wrong one is seen.
  const odd = chance(random, 0.5) ? 0.15 : 0;
  const isOdd = () => chance(random, odd);
  const id = (most: number) =>
    isOdd() ? idSpelling(most)(random) : quoted(random, `id-${intBetween(random, 1, 1e6)}`);
  const fields: [string, string][] = [
    ['eventType', isOdd() ? eventTypeSpelling(random) : '"pageview"'],
    ['sessionId', id(128)],
    [
      'timestamp',
      isOdd() || chance(random, 0.2) ? timestampSpelling(receivedAt)(random) : String(receivedAt),
    ],
  ];
  if (chance(random, 0.5)) fields.push(['eventId', id(128)]);
  if (chance(random, 0.4)) fields.push(['userId', id(256)]);
  if (chance(random, 0.3)) fields.push(['visitorId', id(256)]);
  if (chance(random, 0.8)) fields.push(['properties', propertiesOf(random, isOdd)]);
  if (isOdd()) fields.splice(intBetween(random, 0, fields.length - 1), 1);
  if (isOdd()) fields.push([pick(random, OTHER_NAMES), nested(random, intBetween(random, 60, 66))]);
  // The last one counts.
  if (isOdd()) fields.push([...pick(random, fields)]);
  if (isOdd()) fields.push([pick(random, fields)[0], numberSpelling(random)]);
  if (chance(random, 0.2)) fields.reverse();
  return objectOf(random, fields);
}

function propertiesOf(random: Random, isOdd: () => boolean): string {
  if (isOdd()) return pick(random, ['null', '""', '[]', '"path=/"', '7', 'true', '{}', '[{}]']);
  const fields: [string, string][] = [];
  for (const name of TEXT_NAMES) {
    if (!chance(random, 0.25)) continue;
    fields.push([name, isOdd() ? propertySpelling(random) : quoted(random, textOf(random, 8))]);
  }
  for (const [name, values] of Object.entries(TOLD_FROM)) {
    if (!chance(random, 0.2)) continue;
    fields.push([name, isOdd() ? propertySpelling(random) : quoted(random, pick(random, values))]);
  }
  if (chance(random, 0.3))
    fields.push(['revenue', isOdd() ? revenueSpelling(random) : numberAsMoney(random)]);
  if (isOdd()) fields.push([pick(random, OTHER_NAMES), nested(random, intBetween(random, 58, 66))]);
  if (isOdd() && fields.length > 0)
    fields.push([pick(random, fields)[0], propertySpelling(random)]);
  return objectOf(random, fields);
}

function numberAsMoney(random: Random): string {
  const number = (intBetween(random, -10_000, 100_000) / 100).toString();
  return chance(random, 0.5) ? number : `"${number}"`;
}

function objectOf(random: Random, fields: readonly (readonly [string, string])[]): string {
  const isSpaced = chance(random, 0.1);
  const written = fields.map(([name, value]) => {
    const key = chance(random, 0.02) ? quotedKey(name) : JSON.stringify(name);
    return isSpaced ? ` ${key}\t:\n${value} ` : `${key}:${value}`;
  });
  return `{${written.join(',')}}`;
}

/** With its first character escaped: the same key all the same. */
function quotedKey(name: string): string {
  const [first = '', ...rest] = Array.from(name);
  const code = first.charCodeAt(0) || 0x20;
  return name === '' ? '""' : `"\\u${code.toString(16).padStart(4, '0')}${rest.join('')}"`;
}

/** What goes wrong with bytes on their way. */
function damaged(random: Random, bytes: Buffer): Buffer {
  const way = random();
  if (way < 0.9 || bytes.length === 0) return bytes;
  const place = intBetween(random, 0, bytes.length - 1);
  if (way < 0.92) return bytes.subarray(0, place);
  if (way < 0.94) return Buffer.concat([Buffer.of(0xef, 0xbb, 0xbf), bytes]);
  const copy = Buffer.from(bytes);
  if (way < 0.97) copy[place] = intBetween(random, 0, 255);
  else if (way < 0.98) copy.write(pick(random, ['\\', '"', '{', ']', ',', '\0']), place);
  return copy;
}
