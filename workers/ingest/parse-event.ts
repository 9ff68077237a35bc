/**
 * The border: bytes of a message in, checked events out. What breaks a rule of CONTRACT, section 1,
 * becomes a dead letter with one sentence that names the field; nothing is dropped, nothing repaired.
 */
import { createHash } from 'node:crypto';
import {
  isLosslessNumber,
  parse as parseLossless,
  stringify as stringifyLossless,
} from 'lossless-json';
import { formatDecimal, parseDecimal, parseJsonNumber } from '../../shared/decimal.ts';
import { normaliseType, type VisitorEvent } from '../../shared/event.ts';
import { parseEventSubject } from '../../shared/ids.ts';
import {
  EVENT_BYTES_MAX,
  EVENT_ID_KEPT_CHARS_MAX,
  EVENTS_PER_MESSAGE_MAX,
  FUTURE_MS_MAX,
  MESSAGE_BYTES_MAX,
  PROPERTY_CHARS_MAX,
} from '../../shared/limits.ts';
import { parseTimestamp } from './parse-timestamp.ts';

export interface RawMessage {
  readonly subject: string;
  readonly data: Uint8Array;
  /** Header `Sojourn-Event-Id`, which replayed dead letters have, else `Nats-Msg-Id`. */
  readonly messageId?: string;
  /** Sequence in the stream EVENTS. */
  readonly seq: number;
  /** When the stream took it, epoch milliseconds: the same at every redelivery. */
  readonly receivedAt: number;
}

export interface SessionEvent {
  readonly sessionId: string;
  readonly event: VisitorEvent;
}

/** What is wrong, and the bytes that are. */
export interface DeadLetter {
  readonly reason: string;
  readonly data: Uint8Array;
  /** Index of the element where a message held an array. */
  readonly index?: number;
  /** What its event is identified by where it brings no id itself, now and when it is replayed. */
  readonly eventId: string;
}

export interface ParsedMessage {
  readonly project: string;
  readonly events: readonly SessionEvent[];
  readonly deadLetters: readonly DeadLetter[];
}

/** A rule that an event breaks; its message is the reason people read. */
class RuleBroken extends Error {}

const decoder = new TextDecoder('utf-8', { fatal: true });
const encoder = new TextEncoder();

/** Checks a message. Never throws: what cannot be read is a dead letter. */
export function parseMessage(message: RawMessage): ParsedMessage {
  const subject = parseEventSubject(message.subject);
  const project = subject?.project ?? '_';
  const bad = (reason: string): ParsedMessage => ({
    project,
    events: [],
    deadLetters: [{ reason, data: message.data, eventId: fallbackId(message) }],
  });
  if (subject?.valid !== true) {
    return bad(
      'subject must be events.<project>.<eventType> with a project of 1 to 64 characters a-z, 0-9, _ or -',
    );
  }
  if (message.data.length > MESSAGE_BYTES_MAX) return bad('message must be at most 1 MiB');

  let text: string;
  let value: unknown;
  try {
    text = decoder.decode(message.data);
  } catch {
    return bad('message must be UTF-8');
  }
  try {
    value = JSON.parse(text);
  } catch {
    return bad(
      message.data.length === 0 ? 'message must be JSON, but is empty' : 'message must be JSON',
    );
  }

  if (!Array.isArray(value)) {
    if (message.data.length > EVENT_BYTES_MAX) return bad('event must be at most 64 KiB');
    try {
      return {
        project,
        events: [parseOne(value, () => losslessly(text), message)],
        deadLetters: [],
      };
    } catch (error) {
      return bad(reasonOf(error));
    }
  }
  if (value.length === 0) return bad('array must hold at least 1 event');
  if (value.length > EVENTS_PER_MESSAGE_MAX) {
    return bad(`array must hold at most ${EVENTS_PER_MESSAGE_MAX} events`);
  }
  return { project, ...parseArray(value, text, message) };
}

function parseArray(
  elements: readonly unknown[],
  text: string,
  message: RawMessage,
): Omit<ParsedMessage, 'project'> {
  // Parsed a second time at most once, and only where a number's own digits matter.
  let lossless: readonly unknown[] | undefined;
  const losslessAt = (index: number): unknown => {
    lossless ??= losslessly(text) as readonly unknown[];
    return lossless[index];
  };
  const events: SessionEvent[] = [];
  const deadLetters: DeadLetter[] = [];
  for (const [index, element] of elements.entries()) {
    try {
      if (text.length > EVENT_BYTES_MAX && jsonBytes(element) > EVENT_BYTES_MAX) {
        throw new RuleBroken('event must be at most 64 KiB');
      }
      events.push(parseOne(element, () => losslessAt(index), message, index));
    } catch (error) {
      const data = encoder.encode(elementText(element, () => losslessAt(index)));
      const eventId = fallbackId(message, index);
      deadLetters.push({ reason: reasonOf(error), data, index, eventId });
    }
  }
  return { events, deadLetters };
}

function jsonBytes(value: unknown): number {
  try {
    return Buffer.byteLength(JSON.stringify(value));
  } catch (error) {
    throw new RuleBroken('event is nested too deeply to be read', { cause: error });
  }
}

/**
 * An element as JSON, its numbers with the digits they came with.
 * @returns undefined where it is nested too deeply to be written; the whole message is kept then
 */
function elementText(element: unknown, lossless: () => unknown): string | undefined {
  for (const write of [() => stringifyLossless(lossless()), () => JSON.stringify(element)]) {
    try {
      return write();
    } catch {
      // The stack is too small for it; the next way needs less.
    }
  }
  return undefined;
}

/** JSON whose numbers keep their digits; of a repeated key the last value counts, as in JSON.parse. */
function losslessly(text: string): unknown {
  try {
    return parseLossless(text.charCodeAt(0) === 0xfeff ? text.slice(1) : text, null, {
      onDuplicateKey: ({ newValue }: { newValue: unknown }) => newValue,
    });
  } catch (error) {
    throw new RuleBroken('message is nested too deeply to be read', { cause: error });
  }
}

function reasonOf(error: unknown): string {
  if (error instanceof RuleBroken) return error.message;
  throw error;
}

function parseOne(
  value: unknown,
  lossless: () => unknown,
  message: RawMessage,
  index?: number,
): SessionEvent {
  if (!isObject(value))
    throw new RuleBroken(`event must be a JSON object, but is ${kindOfValue(value)}`);
  const eventType = requiredText(value, 'eventType', 64);
  const sessionId = requiredText(value, 'sessionId', 128);
  if (!isPrintable(sessionId))
    throw new RuleBroken('sessionId must hold printable characters only');
  const at = parseTime(value['timestamp'], message.receivedAt);
  const id = optionalText(value, 'eventId', 128) ?? fallbackId(message, index);
  const userId = optionalText(value, 'userId', 256);
  return {
    sessionId,
    event: {
      id,
      ...(id.length > EVENT_ID_KEPT_CHARS_MAX && { key: hash(id) }),
      type: normaliseType(eventType),
      at,
      seq: message.seq,
      ...(userId !== undefined && { userId }),
      ...parseProperties(value['properties'], () => {
        const whole = lossless();
        return isObject(whole) && isObject(whole['properties']) ? whole['properties'] : {};
      }),
    },
  };
}

function fallbackId({ messageId, seq }: RawMessage, index?: number): string {
  const id = messageId === undefined || messageId === '' ? String(seq) : messageId;
  return index === undefined ? id : `${id}#${index}`;
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function parseTime(value: unknown, receivedAt: number): number {
  if (value === undefined || value === null) throw new RuleBroken('timestamp is required');
  const at = parseTimestamp(value);
  if (at === undefined) {
    throw new RuleBroken('timestamp must be an RFC 3339 time or epoch milliseconds');
  }
  if (at < 0) throw new RuleBroken('timestamp must not be before 1970');
  if (at > receivedAt + FUTURE_MS_MAX) {
    throw new RuleBroken('timestamp must be at most 24 hours in the future');
  }
  return at;
}

const TEXT_PROPERTIES = [
  'path',
  'trafficSource',
  'deviceType',
  'country',
  'browser',
  'os',
  'currency',
  'conversionType',
] as const;

type Properties = Pick<VisitorEvent, (typeof TEXT_PROPERTIES)[number] | 'revenue'>;

function parseProperties(value: unknown, lossless: () => Record<string, unknown>): Properties {
  if (value === undefined || value === null) return {};
  if (!isObject(value)) {
    throw new RuleBroken(`properties must be a JSON object, but is ${kindOfValue(value)}`);
  }
  const properties: Partial<Record<keyof Properties, string>> = {};
  for (const name of TEXT_PROPERTIES) {
    const text = propertyText(value, name, lossless);
    if (text !== undefined && text !== '') properties[name] = text;
  }
  const revenue = parseRevenue(value, lossless);
  return { ...properties, ...(revenue !== undefined && { revenue }) };
}

function propertyText(
  properties: Record<string, unknown>,
  name: keyof Properties,
  lossless: () => Record<string, unknown>,
): string | undefined {
  const value = ownValue(properties, name);
  if (typeof value === 'string') return cut(value);
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'number') return cut(numberText(ownValue(lossless(), name), value));
  return undefined;
}

function parseRevenue(
  properties: Record<string, unknown>,
  lossless: () => Record<string, unknown>,
): string | undefined {
  const value = ownValue(properties, 'revenue');
  if (value === undefined || value === null || typeof value === 'object') return undefined;
  const units =
    typeof value === 'number'
      ? parseJsonNumber(numberText(ownValue(lossless(), 'revenue'), value))
      : typeof value === 'string'
        ? parseDecimal(value)
        : undefined;
  if (units === undefined) {
    throw new RuleBroken(
      'properties.revenue must be a decimal number with at most 18 digits before and 9 after the point',
    );
  }
  return formatDecimal(units);
}

/** The digits a JSON number came with. */
function numberText(lossless: unknown, value: number): string {
  return isLosslessNumber(lossless) ? lossless.value : String(value);
}

/** Cut after 1,024 characters, and made sound where the cut or the producer left half a character. */
function cut(text: string): string {
  const short = text.length <= PROPERTY_CHARS_MAX ? text : firstChars(text, PROPERTY_CHARS_MAX);
  return short.toWellFormed();
}

function firstChars(text: string, count: number): string {
  return Array.from(text.slice(0, count * 2))
    .slice(0, count)
    .join('');
}

function requiredText(value: Record<string, unknown>, name: string, charsMax: number): string {
  const text = optionalText(value, name, charsMax);
  if (text === undefined) throw new RuleBroken(`${name} is required`);
  return text;
}

function optionalText(
  value: Record<string, unknown>,
  name: string,
  charsMax: number,
): string | undefined {
  const text = ownValue(value, name);
  if (text === undefined || text === null) return undefined;
  if (typeof text !== 'string') {
    throw new RuleBroken(`${name} must be a text, but is ${kindOfValue(text)}`);
  }
  const chars = text.length <= charsMax ? text.length : Array.from(text).length;
  if (chars < 1 || chars > charsMax) {
    throw new RuleBroken(`${name} must be 1 to ${charsMax} characters long, but has ${chars}`);
  }
  return text.toWellFormed();
}

/** As Python's str.isprintable: no control, format or unassigned characters, no separators but the space. */
function isPrintable(text: string): boolean {
  return !/[\p{C}\p{Zl}\p{Zp}]|(?! )\p{Zs}/u.test(text);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of the event itself, never one that every JavaScript object has. */
function ownValue(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function kindOfValue(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}
