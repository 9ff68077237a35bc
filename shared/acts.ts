/**
 * What operators have asked of a session, who and why: kept along with it, so that it is still said where a run has been
 * replaced by the next. Nobody's session has any of it unless somebody asks. It decides nothing.
 */
import { ACT_REASON_CHARS_MAX, ACT_WHO_CHARS_MAX, ACTS_KEPT_MAX } from './limits.ts';

/** The argument of `exclude`, `include` and `end`; each of both may be missing, and so may all of it. */
export interface ActNote {
  /** Who asks, as they say themselves. */
  readonly by?: string;
  readonly reason?: string;
}

export type ActName = 'exclude' | 'include' | 'end';

export interface Act extends ActNote {
  readonly act: ActName;
  /** When it was asked, epoch milliseconds. */
  readonly at: number;
  /** It was not done, since it could not be done exactly. */
  readonly refused?: true;
}

/** Of whatever came as the argument: anybody may signal a session by hand. */
export function noteOf(given: unknown): ActNote {
  if (typeof given !== 'object' || given === null) return {};
  const { by, reason } = given as { readonly by?: unknown; readonly reason?: unknown };
  const [who, why] = [cleaned(by, ACT_WHO_CHARS_MAX), cleaned(reason, ACT_REASON_CHARS_MAX)];
  return { ...(who !== undefined && { by: who }), ...(why !== undefined && { reason: why }) };
}

/** The latest, in the order of their times; the same one, known from two runs, once. Of one moment, `others` come last. */
export function mergedActs(some: readonly Act[], others: readonly Act[]): readonly Act[] {
  const all = new Map([...some, ...others].map((act) => [keyOf(act), act]));
  return [...all.values()].sort((a, b) => a.at - b.at).slice(-ACTS_KEPT_MAX);
}

/** The latest wish to count, or not to, was not fulfilled. */
export function lastRefused(acts: readonly Act[]): readonly Act[] {
  const last = acts.findLastIndex(({ act }) => act !== 'end');
  return acts.map((act, i) => (i === last ? { ...act, refused: true } : act));
}

function keyOf({ act, at, by, reason }: Act): string {
  return JSON.stringify([act, at, by, reason]);
}

/** Control characters, ends of lines, what turns the direction of text, and halves of characters. */
const UNPRINTABLE =
  /[\p{Cc}\p{Zl}\p{Zp}\p{Surrogate}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

/**
 * Format characters, and such as may become some, that nobody sees: zero-width spaces, soft hyphens, tags. They stand within
 * words, so nothing takes their place. Joiners stay, and what joins in Mongolian: without them words of Persian or Hindi
 * and signs of several parts come out as others. So do number signs of Arabic, which are seen. A flag that is told by tags,
 * as England's, becomes a black one: with tags any text could be hidden behind it.
 */
const HIDDEN = /(?=\p{Default_Ignorable_Code_Point})(?![\u180e\u200c\u200d])[\p{Cf}\p{Cn}]/gu;

/** Also what is no format character and blank all the same: fillers of Hangul, a Braille cell without dots. */
const SEEN = /[^\s\p{Default_Ignorable_Code_Point}\u2800]/u;

/** What joins nothing there. */
const ENDS = /^[\s\u200c\u200d]+|[\s\u200c\u200d]+$/g;

/** In one line of printable text; undefined where nothing is left that is seen. */
function cleaned(given: unknown, charsMax: number): string | undefined {
  if (typeof given !== 'string') return undefined;
  // Nobody's name is longer before it is cut than a few times what is kept.
  const text = given
    .slice(0, 4 * charsMax)
    .replace(UNPRINTABLE, ' ')
    .replace(HIDDEN, '')
    .replace(/\s+/g, ' ')
    .replace(ENDS, '');
  const kept = Array.from(text).slice(0, charsMax).join('').replace(ENDS, '');
  return SEEN.test(kept) ? kept : undefined;
}
