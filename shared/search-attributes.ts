/** What operators can search sessions by in Temporal (CONTRACT, section 6). */
import { jsonBytes } from './balance.ts';
import type { SessionFigures } from './session-facts.ts';

/** Name and type of each search attribute, as Temporal registers it. */
export const SEARCH_ATTRIBUTES = {
  SojournProject: 'KEYWORD',
  SojournUser: 'KEYWORD',
  SojournTrafficSource: 'KEYWORD',
  SojournCountry: 'KEYWORD',
  SojournDevice: 'KEYWORD',
  SojournEngaged: 'BOOL',
} as const;

export type KeywordAttribute = Exclude<keyof typeof SEARCH_ATTRIBUTES, 'SojournEngaged'>;

export interface SessionSearchAttributes extends Partial<Record<KeywordAttribute, string>> {
  readonly SojournProject: string;
  readonly SojournEngaged: boolean;
}

/** A keyword that is longer is refused by stores that index it. */
const KEYWORD_CHARS_MAX = 255;
/** The server refuses a summary of more than 400 bytes, and with it the session. */
const SUMMARY_BYTES_MAX = 390;

/** The search attributes of a session; what it does not have is left out. */
export function searchAttributesOf(
  project: string,
  facts: SessionFigures,
): SessionSearchAttributes {
  const { userId, trafficSource, country, deviceType } = facts.attributes;
  return {
    SojournProject: project,
    SojournEngaged: facts.engaged,
    ...keyword('SojournUser', userId),
    ...keyword('SojournTrafficSource', trafficSource),
    ...keyword('SojournCountry', country),
    ...keyword('SojournDevice', deviceType),
  };
}

function keyword(name: KeywordAttribute, value: string | undefined): object {
  const clean = value === undefined ? undefined : keywordOf(value);
  return clean === undefined ? {} : { [name]: clean };
}

/** A text as a search attribute holds it; undefined where it holds none. */
export function keywordOf(value: string): string | undefined {
  const clean = printable(value);
  return clean === '' ? undefined : firstChars(clean, KEYWORD_CHARS_MAX);
}

/** What a store of text takes. PostgreSQL refuses a NUL, and with it the session in every list. */
function printable(text: string): string {
  return text.toWellFormed().replace(/\p{Cc}/gu, '\uFFFD');
}

/** No character is cut in half. */
function firstChars(text: string, count: number): string {
  return Array.from(text.slice(0, count * 2))
    .slice(0, count)
    .join('')
    .toWellFormed();
}

/**
 * A session in a line, for its page in the Temporal UI, as of its start: `shop: DE · mobile · newsletter · /lamps`. Its id is
 * beside it there.
 */
export function summaryOf(project: string, sessionId: string, facts?: SessionFigures): string {
  const { country, deviceType, trafficSource, channel, userId } = facts?.attributes ?? {};
  const known = [country, deviceType, trafficSource ?? channel, facts?.entryPath, userId].flatMap(
    (text) => (text === undefined || text === '' ? [] : [firstChars(text, SUMMARY_PART_CHARS_MAX)]),
  );
  const what = known.length === 0 ? `session ${sessionId}` : known.join(' · ');
  let summary = printable(`${project}: ${what}`);
  while (jsonBytes(summary) > SUMMARY_BYTES_MAX) summary = summary.slice(0, -1).toWellFormed();
  return summary;
}

/** One long text must not push the others out. */
const SUMMARY_PART_CHARS_MAX = 60;
