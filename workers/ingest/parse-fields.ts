/** The fields of one event, each by its rule of CONTRACT, section 1. */
import { hash as digest } from 'node:crypto';
import { formatDecimal, parseDecimal, parseJsonNumber } from '../../shared/decimal.ts';
import { declaredAs, normaliseType } from '../../shared/event.ts';
import { Fault } from '../../shared/fault.ts';
import {
  EVENT_ID_CHARS_MAX,
  EVENT_ID_KEPT_CHARS_MAX,
  EVENT_TYPE_CHARS_MAX,
  FUTURE_MS_MAX,
  PERSON_ID_CHARS_MAX,
  PROPERTY_CHARS_MAX,
  SESSION_ID_CHARS_MAX,
  TIMESTAMP_MIN,
} from '../../shared/limits.ts';
import { isNoId, isPrintable } from '../../shared/no-ids.ts';
import { DEFAULT_SETTINGS, type ProjectSettings } from '../../shared/project.ts';
import type { DayTurned } from '../../shared/zones/index.ts';
import { addDerived, type Sources } from './derive-fields.ts';
import { Digits, type DigitsSource } from './number-digits.ts';
import type { RawMessage, SessionEvent } from './parse-event.ts';
import { parseTimestamp } from './parse-timestamp.ts';

/** Where an event comes from. */
export interface EventSource extends DigitsSource {
  readonly index?: number;
  /** The id that an event without one gets. */
  readonly id: (message: RawMessage, index?: number) => string | Fault;
  readonly settings?: ProjectSettings;
  /** Without it no event is marked. */
  readonly dayTurned?: DayTurned;
}

/** @param value the event as `JSON.parse` has read it */
export function parseFields(value: unknown, source: EventSource): SessionEvent | Fault {
  if (!isObject(value)) return new Fault(`event must be a JSON object, but is ${kindOf(value)}`);
  const { message, index, settings = DEFAULT_SETTINGS, dayTurned } = source;
  const digits = new Digits(source, readOf(settings));
  const eventType = requiredText(value, 'eventType', EVENT_TYPE_CHARS_MAX);
  if (eventType instanceof Fault) return eventType;
  const sessionId = parseSessionId(value);
  if (sessionId instanceof Fault) return sessionId;
  const at = parseTime(value, message.receivedAt, digits);
  if (at instanceof Fault) return at;
  const id = givenId(value, 'eventId', EVENT_ID_CHARS_MAX) ?? source.id(message, index);
  if (id instanceof Fault) return id;
  const userId = givenId(value, 'userId', PERSON_ID_CHARS_MAX);
  if (userId instanceof Fault) return userId;
  const visitorId = givenId(value, 'visitorId', PERSON_ID_CHARS_MAX);
  if (visitorId instanceof Fault) return visitorId;
  const properties = parseProperties(ownValue(value, 'properties'), digits, settings);
  if (properties instanceof Fault) return properties;
  return {
    sessionId,
    event: {
      id,
      ...(id.length > EVENT_ID_KEPT_CHARS_MAX && { key: shortOf(id) }),
      type: normaliseType(eventType),
      at,
      seq: message.seq,
      ...(userId !== undefined && { userId }),
      ...(visitorId !== undefined && { visitorId }),
      ...properties,
      ...(dayTurned?.(settings.timeZone, at) === true && { dayTurned: 'true' }),
    },
  };
}

function parseTime(
  event: Record<string, unknown>,
  receivedAt: number,
  digits: Digits,
): number | Fault {
  const value = ownValue(event, 'timestamp');
  if (!isGiven(value)) return new Fault('timestamp is required');
  const at = parseTimestamp(value, digits);
  if (at === undefined) {
    return new Fault('timestamp must be an RFC 3339 time or epoch milliseconds');
  }
  if (at < 0) return new Fault('timestamp must not be before 1970');
  if (typeof value === 'number' && at < TIMESTAMP_MIN) {
    return new Fault(
      'timestamp must be epoch milliseconds, but a number below 100000000000 looks like seconds',
    );
  }
  if (at > receivedAt + FUTURE_MS_MAX) {
    return new Fault('timestamp must be at most 24 hours in the future');
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
  'channel',
  'medium',
  'campaign',
  'term',
  'content',
  'language',
  'screen',
  'appVersion',
] as const;
const TEXTS: ReadonlySet<string> = new Set(TEXT_PROPERTIES);
/** Read for what follows from them, and not kept. */
const SOURCES: ReadonlySet<string> = new Set(['url', 'referrer', 'userAgent', 'bot']);
const READ_PROPERTIES: ReadonlySet<string> = new Set([...TEXTS, ...SOURCES, 'revenue']);

const readBySettings = new WeakMap<ProjectSettings, ReadonlySet<string>>();

/** The properties that are read for a project. */
function readOf(settings: ProjectSettings): ReadonlySet<string> {
  let read = readBySettings.get(settings);
  if (read === undefined) {
    read = new Set([...READ_PROPERTIES, ...Object.values(settings.dimensions)]);
    readBySettings.set(settings, read);
  }
  return read;
}

/** By name; what is not given is absent. */
type Properties = Partial<Record<string, string>>;

function parseProperties(
  value: unknown,
  digits: Digits,
  settings: ProjectSettings,
): Properties | Fault {
  if (!isGiven(value)) return {};
  if (!isObject(value)) {
    return new Fault(`properties must be a JSON object, but is ${kindOf(value)}`);
  }
  const read: Properties = {};
  let sources: Sources | undefined;
  // Names that it has, not those it could have: most have few.
  for (const name of Object.keys(value)) {
    const isText = TEXTS.has(name);
    if (!isText && !SOURCES.has(name)) continue;
    const text = propertyText(value[name], name, digits);
    if (text === '') continue;
    if (isText) read[name] = text;
    else sources = { ...sources, [name]: text };
  }
  const revenue = parseRevenue(ownValue(value, 'revenue'), digits);
  if (revenue instanceof Fault) return revenue;
  if (revenue !== undefined) {
    read['revenue'] = revenue;
    if (settings.currency !== undefined) read['currency'] ??= settings.currency;
  }
  addDerived(read, sources, settings);
  for (const dimension in settings.dimensions) {
    const property = settings.dimensions[dimension] ?? '';
    const text = propertyText(ownValue(value, property), property, digits);
    if (text !== '') read[declaredAs(dimension)] = text;
  }
  return read;
}

/** @returns an empty text for what is not given */
function propertyText(value: unknown, name: string, digits: Digits): string {
  switch (typeof value) {
    case 'string':
      return cut(value);
    case 'boolean':
      return String(value);
    case 'number':
      return cut(digits.ofProperty(name));
    default:
      return '';
  }
}

function parseRevenue(value: unknown, digits: Digits): string | undefined | Fault {
  if (!isGiven(value) || typeof value === 'object') return undefined;
  const units =
    typeof value === 'number'
      ? parseJsonNumber(digits.ofProperty('revenue'))
      : typeof value === 'string'
        ? parseDecimal(value)
        : undefined;
  if (units === undefined) {
    return new Fault(
      'properties.revenue must be a decimal number with at most 18 digits before and 9 after the point',
    );
  }
  return formatDecimal(units);
}

const SURROGATE = /[\ud800-\udfff]/;

/** Cut after 1,024 characters, and made sound where the producer left half a character. */
function cut(text: string): string {
  if (text.length <= PROPERTY_CHARS_MAX) return text.toWellFormed();
  // Only what is written in two halves makes characters and places differ.
  const head = text.slice(0, PROPERTY_CHARS_MAX);
  if (!SURROGATE.test(head)) return head;
  let end = 0;
  for (let chars = 0; chars < PROPERTY_CHARS_MAX && end < text.length; chars += 1) {
    end += (text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1;
  }
  return text.slice(0, end).toWellFormed();
}

function parseSessionId(event: Record<string, unknown>): string | Fault {
  const sessionId = requiredText(event, 'sessionId', SESSION_ID_CHARS_MAX);
  if (sessionId instanceof Fault) return sessionId;
  if (isNoId(sessionId)) return new Fault(`sessionId must be an id, but is "${sessionId}"`);
  return isPrintable(sessionId)
    ? sessionId
    : new Fault('sessionId must hold printable characters only');
}

/** An optional id. */
function givenId(
  event: Record<string, unknown>,
  name: string,
  charsMax: number,
): string | undefined | Fault {
  const id = optionalText(event, name, charsMax);
  return typeof id === 'string' && isNoId(id) ? undefined : id;
}

/** Whether this text is an id, and none that a broken program writes for nothing. */
export function isIdGiven(id: string | undefined): id is string {
  return id !== undefined && id !== '' && !isNoId(id);
}

function requiredText(
  event: Record<string, unknown>,
  name: string,
  charsMax: number,
): string | Fault {
  return optionalText(event, name, charsMax) ?? new Fault(`${name} is required`);
}

function optionalText(
  event: Record<string, unknown>,
  name: string,
  charsMax: number,
): string | undefined | Fault {
  const text = ownValue(event, name);
  if (!isGiven(text)) return undefined;
  if (typeof text !== 'string') return new Fault(`${name} must be a text, but is ${kindOf(text)}`);
  // Characters are counted only where their number is in doubt: a text may be long.
  if (
    text.length > charsMax * 2 ||
    (text.length > charsMax && Array.from(text).length > charsMax)
  ) {
    return new Fault(`${name} must be 1 to ${charsMax} characters long`);
  }
  return text.isWellFormed()
    ? text
    : new Fault(`${name} must not hold half a character (a lone surrogate)`);
}

/** What the session remembers of a long id. */
function shortOf(id: string): string {
  return digest('sha256', id, 'base64url').slice(0, 22);
}

/** `null` and an empty text are the same as leaving a field out. */
function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null && value !== '';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A field of the event itself, never one that every JavaScript object has. */
function ownValue(value: Record<string, unknown>, name: string): unknown {
  return Object.hasOwn(value, name) ? value[name] : undefined;
}

function kindOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'an array';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}
