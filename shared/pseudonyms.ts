/**
 * What takes the place of a person in rows that are kept so that numbers stay: who it was is replaced, the same id by the
 * same pseudonym everywhere, so each count of distinct visitors and users is what it was. What could tell somebody who
 * knows more who it was goes, unless `metrics` are filed by it anyway.
 */
import type { PersonKind } from './forgotten.ts';
import { PERSON_ID_CHARS_MAX, SESSION_ID_CHARS_MAX } from './limits.ts';
import { isNoId, isPrintable } from './no-ids.ts';

/** What an id is of; `run` and `linked`: first runs of sessions that go, and of those that stay. */
export type ReplacedKind = PersonKind | 'run' | 'linked';

/** Pseudonyms by kind and id. Made once for all of a command, and kept until it is through. */
export type Pseudonyms = ReadonlyMap<ReplacedKind, ReadonlyMap<string, string>>;

/** A row of the table `sessions`, as ClickHouse writes it. */
export type TableRow = Readonly<Record<string, unknown>>;

/** Columns that a row keeps when its session is forgotten: what `metrics` say as well. Any other is emptied. */
export const KEPT_COLUMNS = [
  ...['project', 'duration_seconds', 'page_views', 'events', 'conversions', 'engaged', 'bounced'],
  ...['converted', 'revenue', 'revenue_by_currency', 'entry_path', 'new_user', 'traffic_source'],
  ...['device_type', 'country', 'browser', 'os', 'channel', 'medium', 'campaign', 'bot'],
  ...['dimensions', 'state', 'end_reason', 'catalogue', 'version'],
] as const;

/** Told to a quarter of an hour: no view and no metric looks closer. */
const ROUNDED_COLUMNS = ['started_at', 'last_event_at', 'updated_at'] as const;

/**
 * A session that is forgotten, with ids that were nobody's before.
 * @throws RangeError where its ids have no pseudonyms
 */
export function forgottenRow(row: TableRow, pseudonyms: Pseudonyms): TableRow {
  const kept = KEPT_COLUMNS.flatMap((name) => (name in row ? [[name, row[name]] as const] : []));
  const rounded = ROUNDED_COLUMNS.map((name) => [name, quarterOf(textIn(row, name))] as const);
  return {
    ...Object.fromEntries([...kept, ...rounded]),
    session_id: replaced(pseudonyms, 'session', textIn(row, 'session_id')),
    first_run_id: replaced(pseudonyms, 'run', textIn(row, 'first_run_id')),
    ...whoOf(row, pseudonyms, replaced),
  };
}

/** A session that stays, of which an id stood in one that is forgotten. */
export function linkedRow(row: TableRow, pseudonyms: Pseudonyms): TableRow {
  return { ...row, ...whoOf(row, pseudonyms, replacedIfKnown) };
}

type Replace = (pseudonyms: Pseudonyms, kind: ReplacedKind, id: string) => string;

function whoOf(row: TableRow, pseudonyms: Pseudonyms, replace: Replace): TableRow {
  const of = (kind: PersonKind, column: string) => {
    const id = textIn(row, column);
    return id === '' ? '' : replace(pseudonyms, kind, id);
  };
  return { user_id: of('user', 'user_id'), visitor_id: of('visitor', 'visitor_id') };
}

function replaced(pseudonyms: Pseudonyms, kind: ReplacedKind, id: string): string {
  const pseudonym = pseudonyms.get(kind)?.get(id);
  if (pseudonym === undefined) throw new RangeError(`an id of a ${kind} has no pseudonym`);
  return pseudonym;
}

function replacedIfKnown(pseudonyms: Pseudonyms, kind: ReplacedKind, id: string): string {
  return pseudonyms.get(kind)?.get(id) ?? id;
}

function textIn(row: TableRow, column: string): string {
  const value = row[column];
  return typeof value === 'string' ? value : '';
}

/** @param text as ClickHouse writes a time: `2026-05-05 10:31:07.123` */
function quarterOf(text: string): string {
  const minute = Math.floor(Number(text.slice(14, 16)) / 15) * 15;
  return `${text.slice(0, 14)}${String(minute).padStart(2, '0')}:00.000`;
}

/**
 * A pseudonym. That of a first run lies where the run does in the table: its first five digits are its time in steps of
 * three days.
 * @param random 22 characters of base64url for an id, 32 hexadecimal digits for a first run; nobody else ever gets them
 */
export function pseudonymOf(kind: ReplacedKind, id: string, random: string): string {
  if (kind !== 'run' && kind !== 'linked') return `forgotten-${random}`;
  const digits = `${id.slice(0, 5)}${random.slice(5, 12)}7${random.slice(13)}`;
  return digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

/** The ids that a person is known by in messages. */
export type PersonIds = Readonly<Record<PersonKind, ReadonlySet<string>>>;

const FIELDS = { user: 'userId', visitor: 'visitorId', session: 'sessionId' } as const;

/**
 * Whether a message names a person: an event, or an array in which one event does. What is no JSON names whose id stands
 * in it between quotes.
 */
export function namesPerson(text: string, ids: PersonIds): boolean {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return Object.values(ids).some((of) => [...of].some((id) => text.includes(JSON.stringify(id))));
  }
  return elementsOf(value).some((element) => isOf(element, ids));
}

/** Ids of the sessions of a message whose events name a person. */
export function sessionsNaming(text: string, ids: PersonIds): string[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  return elementsOf(value).flatMap((element) => {
    const { sessionId } = (element ?? {}) as { readonly sessionId?: unknown };
    return isOf(element, ids) && isId('session', sessionId) ? [sessionId] : [];
  });
}

/** What an event says of whose it is; an id that ingest would not take is none. */
export type SaidIds = Readonly<Partial<Record<PersonKind, string>>>;

/** What each event of a message says. */
export function saidIdsOf(text: string): SaidIds[] {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return [];
  }
  return elementsOf(value).map((element) => {
    const fields = (element ?? {}) as Readonly<Record<string, unknown>>;
    const said = (Object.keys(FIELDS) as PersonKind[]).flatMap((kind) => {
      const id = fields[FIELDS[kind]];
      return isId(kind, id) ? [[kind, id] as const] : [];
    });
    return Object.fromEntries(said);
  });
}

/**
 * Whether ingest would take this for such an id (workers/ingest/parse-fields.ts): a message may be kept for the very reason
 * that it would not. What a broken program writes for nothing would make strangers one person.
 */
function isId(kind: PersonKind, id: unknown): id is string {
  if (typeof id !== 'string' || id === '' || isNoId(id) || !id.isWellFormed()) return false;
  const isSession = kind === 'session';
  const charsMax = isSession ? SESSION_ID_CHARS_MAX : PERSON_ID_CHARS_MAX;
  const isShort = id.length <= charsMax * 2 && Array.from(id).length <= charsMax;
  return isShort && (!isSession || isPrintable(id));
}

function elementsOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [value];
}

function isOf(element: unknown, ids: PersonIds): boolean {
  if (typeof element !== 'object' || element === null) return false;
  return (Object.keys(FIELDS) as PersonKind[]).some((kind) => {
    const id = (element as Readonly<Record<string, unknown>>)[FIELDS[kind]];
    return (typeof id === 'string' || typeof id === 'number') && ids[kind].has(String(id));
  });
}
