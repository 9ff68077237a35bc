/**
 * The contract, section 1, read a second time: plainly, with no thought of speed and none of the border's code (but for
 * what follows from a URL or a user agent, which have tables of their own to be checked with). What it expects of a
 * message is compared with what the border makes of it.
 */
import { attributionOf } from '../../shared/channels/attribution.ts';
import { agentOf } from '../../workers/ingest/agents.ts';
import { fieldOf, type Node, readJson } from './naive-json.ts';

export interface NaiveMessage {
  readonly subject: string;
  readonly data: Buffer;
  readonly seq: number;
  readonly receivedAt: number;
  /** `broken`: cannot be decoded. */
  readonly headers: Readonly<Record<string, string>> | 'broken';
  readonly placesSince: number;
}

export interface ExpectedEvent {
  readonly sessionId: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

export interface ExpectedLetter {
  readonly data: Buffer;
  readonly index?: number;
  /** The reason holds one of these. */
  readonly names: readonly string[];
}

export interface Expected {
  readonly events: readonly ExpectedEvent[];
  readonly letters: readonly ExpectedLetter[];
}

const KIB = 1024;

export function expectedOf(message: NaiveMessage): Expected {
  const { data } = message;
  const whole = (...names: string[]): Expected => ({ events: [], letters: [{ data, names }] });
  const broken: string[] = [];
  if (!/^events\.[a-z0-9_-]{1,64}\../s.test(message.subject)) broken.push('subject');
  if (message.headers === 'broken') broken.push('headers');
  if (data.length > KIB * KIB) broken.push('1 MiB');
  if (broken.length > 0) return whole(...broken);

  const withMark = data.toString('utf8');
  if (!Buffer.from(withMark, 'utf8').equals(data)) return whole('UTF-8');
  const text = withMark.startsWith('\ufeff') ? withMark.slice(1) : withMark;
  const node = readJson(text);
  if (node === undefined) return data.length > 64 * KIB ? whole('JSON', '64 KiB') : whole('JSON');
  if (node.kind !== 'array') {
    if (data.length > 64 * KIB) return whole('64 KiB');
    const event = readEvent(node, message);
    return Array.isArray(event) ? whole(...event) : { events: [event], letters: [] };
  }
  if (node.items.length < 1 || node.items.length > 1_000) return whole('array');
  const events: ExpectedEvent[] = [];
  const letters: ExpectedLetter[] = [];
  for (const [index, item] of node.items.entries()) {
    const bytes = Buffer.from(text.slice(item.start, item.end), 'utf8');
    const event = bytes.length > 64 * KIB ? ['64 KiB'] : readEvent(item, message, index);
    if (Array.isArray(event)) letters.push({ data: bytes, index, names: event });
    else events.push(event);
  }
  return { events, letters };
}

/** @returns what is wrong: all of it, of which a reason names one */
function readEvent(node: Node, message: NaiveMessage, index?: number): ExpectedEvent | string[] {
  if (node.depth > 64) return ['64 deep'];
  if (node.kind !== 'object') return ['event must be a JSON object'];
  const broken: string[] = [];
  const text = (name: string, most: number): string | undefined => {
    const value = fieldOf(node, name);
    if (!isGiven(value)) return undefined;
    if (value.kind !== 'string' || !isWhole(value.text) || charsOf(value.text).length > most) {
      broken.push(name);
      return undefined;
    }
    return value.text;
  };
  const optionalId = (name: string, most: number) => {
    const id = text(name, most);
    return id === undefined || isWrittenForNothing(id) ? undefined : id;
  };

  const eventType = text('eventType', 64);
  if (eventType === undefined) broken.push('eventType');
  const sessionId = text('sessionId', 128);
  if (sessionId === undefined || isWrittenForNothing(sessionId) || !isPrintable(sessionId)) {
    broken.push('sessionId');
  }
  const at = readTime(fieldOf(node, 'timestamp'), message.receivedAt);
  if (at === undefined) broken.push('timestamp');
  const before = broken.length;
  const eventId = optionalId('eventId', 128);
  const isEventIdBroken = broken.length > before;
  const id = eventId ?? fallbackId(message, index);
  if (!isEventIdBroken && id === undefined) broken.push('Nats-Msg-Id');
  const userId = optionalId('userId', 256);
  const visitorId = optionalId('visitorId', 256);
  const properties = readProperties(fieldOf(node, 'properties'), broken);
  if (broken.length > 0) return broken;
  return {
    sessionId: sessionId ?? '',
    fields: {
      id,
      type: spelledAlike(eventType ?? ''),
      at,
      seq: message.seq,
      ...(userId !== undefined && { userId }),
      ...(visitorId !== undefined && { visitorId }),
      ...properties,
      ...(isNightInIndia(at ?? 0) && { dayTurned: 'true' }),
    },
  };
}

/** The first half hour of its days, 5:30 ahead of UTC: the hour of UTC began on the day before. */
function isNightInIndia(at: number): boolean {
  return /T00:[0-2]/.test(new Date(at + 5.5 * 3_600_000).toISOString());
}

/** @returns undefined for an id that a header cannot give */
export function fallbackId(message: NaiveMessage, index?: number): string | undefined {
  const { headers, seq, receivedAt, placesSince } = message;
  const given = headers === 'broken' ? {} : headers;
  const found = [given['Sojourn-Event-Id'], given['Nats-Msg-Id']].find(
    (id) => id !== undefined && id !== '' && !isWrittenForNothing(id),
  );
  const behind = index === undefined ? '' : `#${index}`;
  if (found === undefined) {
    const place = receivedAt < placesSince ? `${seq}` : `${receivedAt.toString(36)}-${seq}`;
    return place + behind;
  }
  const id = found + behind;
  const chars = charsOf(id);
  if (chars.length > 132) return undefined;
  return chars.some((char) => char < ' ' || (char >= '\x7f' && char < '\xa0') || char === '\ufffd')
    ? undefined
    : id;
}

function spelledAlike(eventType: string): string {
  if (['pageView', 'page_view'].includes(eventType)) return 'pageview';
  return ['ping', 'page_ping'].includes(eventType) ? 'heartbeat' : eventType;
}

const TEXTS = (
  'path trafficSource deviceType country browser os currency conversionType ' +
  'channel medium campaign term content language screen appVersion'
).split(' ');
const TOLD_FROM = ['url', 'referrer', 'userAgent', 'bot'];

/** What is given, and where it is not, what follows from what is. */
function readProperties(node: Node | undefined, broken: string[]): Record<string, string> {
  const given = readTexts(node, broken);
  const { url = '', referrer = '', userAgent = '', bot = '', ...read } = given;
  const { bot: looksLikeBot, ...agent } = agentOf(userAgent);
  const isBot = /^(true|1|yes)$/i.test(bot) || (looksLikeBot && !/^(false|0|no)$/i.test(bot));
  const told: Record<string, string | undefined> = {
    ...agent,
    ...attributionOf({ ...read, url, referrer }),
    ...(isBot && { bot: 'true' }),
    ...read,
  };
  return Object.fromEntries(
    Object.entries(told).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

function readTexts(node: Node | undefined, broken: string[]): Record<string, string> {
  const read: Record<string, string> = {};
  if (!isGiven(node)) return read;
  if (node.kind !== 'object') {
    broken.push('properties');
    return read;
  }
  for (const name of [...TEXTS, ...TOLD_FROM]) {
    const value = fieldOf(node, name);
    if (!isGiven(value) || value.kind === 'array' || value.kind === 'object') continue;
    read[name] = charsOf(value.text)
      .slice(0, 1_024)
      .map((char) => (isWhole(char) ? char : '\ufffd'))
      .join('');
  }
  const revenue = fieldOf(node, 'revenue');
  if (!isGiven(revenue) || revenue.kind === 'array' || revenue.kind === 'object') return read;
  const units = revenue.kind === 'word' ? undefined : readMoney(revenue.kind, revenue.text);
  if (units === undefined) broken.push('properties.revenue');
  else read['revenue'] = moneyText(units);
  return read;
}

/** In units of 10^-9. */
function readMoney(kind: 'string' | 'number', text: string): bigint | undefined {
  if (kind === 'string') {
    const match = /^([-+]?)([0-9]{1,18})(?:\.([0-9]{1,9}))?$/.exec(text);
    if (match === null) return undefined;
    const units = BigInt((match[2] ?? '') + (match[3] ?? '').padEnd(9, '0'));
    return match[1] === '-' ? -units : units;
  }
  const { mantissa, exponent } = numberOf(text);
  if (mantissa === 0n) return 0n;
  const digits = mantissa.toString().replace('-', '').length;
  if (digits + exponent > 20) return undefined;
  if (digits + exponent < -11) return 0n;
  const shift = exponent + 9;
  const units = shift >= 0 ? mantissa * 10n ** BigInt(shift) : halfToEven(mantissa, -shift);
  return units >= 10n ** 27n || units <= -(10n ** 27n) ? undefined : units;
}

function halfToEven(value: bigint, digits: number): bigint {
  const unit = 10n ** BigInt(digits);
  const size = value < 0n ? -value : value;
  const [whole, rest] = [size / unit, size % unit];
  const isUp = rest * 2n > unit || (rest * 2n === unit && whole % 2n === 1n);
  const rounded = whole + (isUp ? 1n : 0n);
  return value < 0n ? -rounded : rounded;
}

function moneyText(units: bigint): string {
  const digits = (units < 0n ? -units : units).toString().padStart(10, '0');
  const text = `${digits.slice(0, -9)}.${digits.slice(-9)}`.replace(/\.?0+$/, '');
  return units < 0n ? `-${text}` : text;
}

/** A JSON number as mantissa × 10^exponent. */
function numberOf(text: string): { mantissa: bigint; exponent: number } {
  const [number = '', power = '0'] = text.toLowerCase().split('e');
  const [whole = '', fraction = ''] = number.split('.');
  return { mantissa: BigInt(whole + fraction), exponent: Number(power) - fraction.length };
}

function readTime(node: Node | undefined, receivedAt: number): number | undefined {
  if (node === undefined) return undefined;
  const at =
    node.kind === 'number'
      ? millisecondsOf(node.text)
      : node.kind === 'string'
        ? instantOf(node.text)
        : undefined;
  return at === undefined || at < 0 || at > receivedAt + 24 * 3_600_000 ? undefined : at;
}

function millisecondsOf(text: string): number | undefined {
  const { mantissa, exponent } = numberOf(text);
  if (mantissa <= 0n) return undefined;
  const digits = mantissa.toString().length;
  if (digits + exponent > 20 || digits + exponent < 11) return undefined;
  const whole =
    exponent >= 0 ? mantissa * 10n ** BigInt(exponent) : mantissa / 10n ** BigInt(-exponent);
  return whole < 10n ** 11n ? undefined : Number(whole);
}

function instantOf(text: string): number | undefined {
  const match =
    /^(\d\d\d\d-\d\d-\d\d)[Tt ]([01]\d|2[0-3]):([0-5]\d):([0-5]\d|60)(\.\d+)?([Zz]|[-+]([01]\d|2[0-3]):[0-5]\d)$/.exec(
      text,
    );
  if (match === null) return undefined;
  const [, day = '', hour = '', minute = '', second = '', fraction = '', zone = ''] = match;
  const midnight = Date.parse(`${day}T00:00:00Z`);
  if (Number.isNaN(midnight) || new Date(midnight).toISOString().slice(0, 10) !== day) {
    return undefined;
  }
  const minutes = Number(hour) * 60 + Number(minute) - zoneMinutes(zone);
  const cut = Number(`${fraction.slice(1, 4)}000`.slice(0, 3));
  return midnight + minutes * 60_000 + Number(second) * 1_000 + cut;
}

function zoneMinutes(zone: string): number {
  if (zone.length === 1) return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return zone.startsWith('-') ? -minutes : minutes;
}

function isGiven(node: Node | undefined): node is Node {
  if (node === undefined) return false;
  return (
    !(node.kind === 'word' && node.text === 'null') && !(node.kind === 'string' && node.text === '')
  );
}

function isWrittenForNothing(text: string): boolean {
  return /^(?:undefined|null|NaN|None|\[object Object\])$/.test(text);
}

function charsOf(text: string): string[] {
  return Array.from(text);
}

/** No half of a character in it. */
function isWhole(text: string): boolean {
  return charsOf(text).every((char) => !/^[\ud800-\udfff]$/.test(char));
}

function isPrintable(text: string): boolean {
  return charsOf(text).every((char) => char === ' ' || !/[\p{C}\p{Z}]/u.test(char));
}
