/** Readings of unknown values that several trackers share: forgiving in form, and throwing at nothing. */
import { hash } from 'node:crypto';
import { isNoId } from '../shared/no-ids.ts';

export type Fields = Readonly<Record<string, unknown>>;

const NO_FIELDS: Fields = {};

export function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** An object, or one without fields where it is none. */
export function fieldsOf(value: unknown): Fields {
  return isFields(value) ? value : NO_FIELDS;
}

/** An object, or the text of one: exports and query strings have JSON inside of text. */
export function fieldsOfText(value: unknown): Fields {
  return typeof value === 'string' ? fieldsOf(parsedJson(value)) : fieldsOf(value);
}

/** @returns undefined for what is no JSON */
export function parsedJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** A text that says something, trimmed of nothing; numbers as their digits, since ids are often sent as such. */
export function textOf(value: unknown): string | undefined {
  switch (typeof value) {
    case 'string':
      return value === '' ? undefined : value;
    case 'number':
      return Number.isFinite(value) ? String(value) : undefined;
    case 'bigint':
      return String(value);
    default:
      return undefined;
  }
}

/** The first that says something. */
export function firstText(...values: readonly unknown[]): string | undefined {
  return firstRead(textOf, values);
}

/** A text that is an id: not what a broken page writes for nothing, which all its visitors would share. */
export function idTextOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text === undefined || isNoId(text) ? undefined : text;
}

/** The first that is an id. */
export function firstId(...values: readonly unknown[]): string | undefined {
  return firstRead(idTextOf, values);
}

function firstRead(
  read: (value: unknown) => string | undefined,
  values: readonly unknown[],
): string | undefined {
  for (const value of values) {
    const found = read(value);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** A finite number, also one sent as text. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === 'string' && /^-?\d{1,20}(?:\.\d{1,20})?$/.test(value)) return Number(value);
  if (typeof value === 'bigint') return Number(value);
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** Money as it came, a number or its text; whole ones of 64 bits as text, since JSON has none. The border reads it. */
export function amountOf(value: unknown): string | number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : textOf(value);
}

const TIME =
  /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:[.,](\d{1,9}))?(?: ?(Z|z|UTC|[+-]\d{2}(?::?\d{2})?))?$/;

/**
 * Epoch milliseconds of what tools write for a time: RFC 3339, the same with a space for the T, with `UTC` or without
 * a zone (then UTC), epoch milliseconds as number or digits. Below 10^11 it would be seconds: no time.
 */
export function timeOf(value: unknown): number | undefined {
  if (value instanceof Date) return numberOf(value.getTime());
  if (typeof value === 'string' && !/^\d+$/.test(value)) return timeOfText(value);
  const ms = numberOf(value);
  return ms === undefined || ms < 1e11 || ms > 8.64e15 ? undefined : Math.floor(ms);
}

function timeOfText(text: string): number | undefined {
  const match = TIME.exec(text);
  if (match === null) return undefined;
  const [, day = '', clock = '', digits = '', zone = 'Z'] = match;
  const fraction = digits.slice(0, 3).padEnd(3, '0');
  const at = Date.parse(`${day}T${clock}.${fraction}${zoneOf(zone)}`);
  return Number.isNaN(at) || !isDay(day) ? undefined : at;
}

/** `Date` takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const at = Date.parse(text);
  return !Number.isNaN(at) && new Date(at).getUTCDate() === Number(text.slice(8));
}

function zoneOf(text: string): string {
  if (!/^[+-]/.test(text)) return 'Z';
  const digits = text.slice(1).replace(':', '').padEnd(4, '0');
  return `${text.slice(0, 1)}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

/** A time by the sender's clock, corrected by how far that clock was off when it sent; as it is where that is not known. */
export function corrected(
  at: number,
  { sentAt, receivedAt }: { sentAt?: number | undefined; receivedAt?: number | undefined },
): number {
  return sentAt === undefined || receivedAt === undefined ? at : at + (receivedAt - sentAt);
}

/** `1920x1080`, of what is known to be a size. */
export function screenOf(width: unknown, height: unknown): string | undefined {
  const [x, y] = [numberOf(width), numberOf(height)];
  return x === undefined || y === undefined || x <= 0 || y <= 0 ? undefined : `${x}x${y}`;
}

const SESSION_ID_CHARS_MAX = 128;

/**
 * A session id out of a visitor's and one that is unique only within the visitor's. Where the two are too long for an
 * id together, a hash of them.
 */
export function sessionIdOf(visitor: string, session: string): string {
  const id = `${visitor}.${session}`;
  return id.length <= SESSION_ID_CHARS_MAX ? id : hash('sha256', id, 'base64url');
}

/** Without what is not known. */
export function given(fields: Fields): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name in fields) {
    const value = fields[name];
    if (value !== undefined && value !== null && value !== '') kept[name] = value;
  }
  return kept;
}
