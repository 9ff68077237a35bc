/** Messages of 1 MiB that are as hard on the border as anybody knows how to make them: dear to us, cheap to `JSON.parse`. */
import { EVENTS_PER_MESSAGE_MAX, MESSAGE_BYTES_MAX } from '../shared/limits.ts';

export interface WorstMessage {
  readonly name: string;
  readonly data: Buffer;
}

const AT = '2026-03-01T10:00:00.123456789Z';
const LONG_ID = 'x'.repeat(128);

/** What is left of a message beside its elements, by element. */
const ROOM = Math.floor(MESSAGE_BYTES_MAX / EVENTS_PER_MESSAGE_MAX) - 1;

export function worstMessages(): WorstMessage[] {
  const all: Record<string, string> = {
    'one text without end': filled('["', 'a', '"]'),
    'escaped quotes': filled('["', '\\"', '"]'),
    'brackets, as deep as it goes': `[${'['.repeat(half(2))}${']'.repeat(half(2))}]`,
    'objects, as deep as it goes': `[${'{"a":'.repeat(half(7))}1${'}'.repeat(half(7))}]`,
    'one deep element among good ones': arrayOf([
      ...Array<string>(249).fill(event({ properties: { revenue: 1.5 } })),
      `${'['.repeat(half(4))}${']'.repeat(half(4))}`,
    ]),
    'a thousand events, each with long ids': thousand({
      eventId: LONG_ID,
      userId: 'ü'.repeat(256),
    }),
    'a thousand events with numbers': thousand({
      timestamp: 1772359200000.5,
      properties: { revenue: 59.969999999999995, path: 1.5, os: 2.5, country: 3.5, browser: 1e300 },
    }),
    'a thousand events without a session': thousand({ sessionId: undefined }),
    'a thousand texts that are no events': arrayOf(repeat(JSON.stringify('a'.repeat(ROOM - 2)))),
    'a thousand texts that are cut': arrayOf(
      repeat(event({ timestamp: AT, properties: { path: '漢'.repeat(300) } })),
    ),
    'texts to cut, of characters in two halves': arrayOf(
      Array<string>(240).fill(event({ properties: { path: '😀'.repeat(1_030) } })),
    ),
    'sixteen session ids without end': arrayOf(
      Array<string>(16).fill(event({ sessionId: '漢'.repeat(21_000) })),
    ),
    'keys without end': `[${JSON.stringify(Object.fromEntries(Array.from({ length: 90_000 }, (_, n) => [`k${n}`, 1])))}]`,
    'a number without end': filled('[', '1', ']'),
    'numbers without end, read': arrayOf(
      Array<string>(16).fill(
        `{"eventType":"purchase","sessionId":"s","timestamp":1772359200000.${'9'.repeat(30_000)},"properties":{"revenue":0.${'0'.repeat(30_000)}5e30001}}`,
      ),
    ),
    'nothing but space': filled('[', ' ', '1]'),
    'half a million elements': `[${'1,'.repeat(half(2) - 2)}1]`,
  };
  return Object.entries(all).map(([name, text]) => ({ name, data: inTheSize(text) }));
}

function half(bytes: number): number {
  return Math.floor((MESSAGE_BYTES_MAX - 4) / bytes);
}

function filled(head: string, unit: string, tail: string): string {
  const room = MESSAGE_BYTES_MAX - head.length - tail.length;
  return head + unit.repeat(Math.floor(room / unit.length)) + tail;
}

function event(fields: object): string {
  return JSON.stringify({ eventType: 'pageview', sessionId: 's', timestamp: AT, ...fields });
}

/** As many events as may be, filled up with a text that nobody reads. */
function thousand(fields: object): string {
  const bare = Buffer.byteLength(event({ ...fields, filling: '' }));
  return arrayOf(repeat(event({ ...fields, filling: 'a'.repeat(Math.max(0, ROOM - bare)) })));
}

function repeat(element: string): string[] {
  return Array<string>(EVENTS_PER_MESSAGE_MAX).fill(element);
}

function arrayOf(elements: readonly string[]): string {
  return `[${elements.join(',')}]`;
}

/** Space does not change what a message says. */
function inTheSize(text: string): Buffer {
  const data = Buffer.from(text);
  if (data.length > MESSAGE_BYTES_MAX) throw new RangeError(`${data.length} bytes are too many`);
  return Buffer.concat([data, Buffer.alloc(MESSAGE_BYTES_MAX - data.length, ' ')]);
}
