/** What operators can search sessions by in Temporal (CONTRACT, section 6). */
import type { SessionFacts } from './session-facts.ts';

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

/** The search attributes of a session; what it does not have is left out. */
export function searchAttributesOf(project: string, facts: SessionFacts): SessionSearchAttributes {
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
  return value === undefined ? {} : { [name]: cleaned(value) };
}

/** A store that cannot hold a character (a NUL, half a surrogate pair) would leave the session out of every list. */
function cleaned(value: string): string {
  return value
    .slice(0, KEYWORD_CHARS_MAX)
    .toWellFormed()
    .replace(/\p{Cc}/gu, '\uFFFD');
}
