/** The properties of an event, where they come from the same places in several trackers. */
import { PROPERTY_CHARS_MAX } from '../shared/limits.ts';
import { type Fields, fieldsOf, textOf } from './values.ts';

/** What the border reads by name: a tracker's own property of such a name means something else. */
const OURS: ReadonlySet<string> = new Set([
  'url',
  'referrer',
  'userAgent',
  'bot',
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
  'revenue',
  '__proto__',
]);
const OTHERS_MAX = 100;
const OTHER_CHARS_MAX = 1_024;

/**
 * A tracker's own properties that a project may have declared a dimension of: texts, numbers and yes or no.
 * @param isKept by name, besides those that Sojourn reads as something else
 */
export function othersOf(
  properties: unknown,
  isKept: (name: string) => boolean = () => true,
): Record<string, unknown> {
  const others: Record<string, unknown> = {};
  let count = 0;
  for (const [name, value] of Object.entries(fieldsOf(properties))) {
    if (OURS.has(name) || !isKept(name) || count === OTHERS_MAX) continue;
    if (typeof value === 'string' && value !== '') others[name] = value.slice(0, OTHER_CHARS_MAX);
    else if (typeof value === 'number' || typeof value === 'boolean') others[name] = value;
    else continue;
    count += 1;
  }
  return others;
}

/** Of a text that is cut: a letter behind it, for whoever trims it. */
const CUT = '…';

/**
 * As much of a property's text as the border reads: for texts that stand once in a request and count for each of its
 * thousands of events. A character is two places at most.
 */
export function asRead(text: string): string;
export function asRead(text: string | undefined): string | undefined;
export function asRead(text: string | undefined): string | undefined {
  return text === undefined || text.length <= 2 * PROPERTY_CHARS_MAX
    ? text
    : `${text.slice(0, 2 * PROPERTY_CHARS_MAX)}${CUT}`;
}

const TAGGED = /[?&]utm_[a-z]+=/i;

/** The same of an address for {@link visitOf}: one that has tags of its own still has some. */
export function addressAsRead(address: string): string {
  const head = asRead(address);
  return TAGGED.test(address) && !TAGGED.test(head) ? `${head}&utm_source=` : head;
}

/** What browsers escape in an address; the rest of ASCII they leave as it is. */
const UNESCAPED = /[^!#-;=?-_a-z|~]+/g;

/**
 * The address that a browser has, of one whose escapes were taken out on the way: so that a page has one path, whoever
 * tells of it. An escape that stood for a character with a meaning (`%2F`) cannot be had back.
 */
export function escapedAgain(address: string): string {
  return address
    .replace(/%(?![\da-f]{2})/gi, '%25')
    .replace(UNESCAPED, (text) => encodeURIComponent(text.toWellFormed()));
}

/**
 * A campaign (source, medium, name, term, content) that a tracker names apart from the address. It goes into the address, where that has no tags of its own,
 * so that the border reads its words as it reads those of any address (`fb` is Facebook); without an address the
 * campaign is given as it is.
 */
export function visitOf(url: unknown, campaign: Fields = {}): Record<string, unknown> {
  const address = textOf(url);
  const { source, medium, name, term, content } = campaign;
  if (address === undefined) {
    return {
      trafficSource: textOf(source),
      medium: textOf(medium),
      campaign: textOf(name),
      term: textOf(term),
      content: textOf(content),
    };
  }
  if (TAGGED.test(address)) return { url: address };
  const tags = { source, medium, campaign: name, term, content };
  const query = Object.entries(tags).flatMap(([tag, value]) => {
    const text = textOf(value);
    return text === undefined ? [] : [`utm_${tag}=${encodeURIComponent(text.toWellFormed())}`];
  });
  return { url: query.length === 0 ? address : withQuery(address, query.join('&')) };
}

function withQuery(address: string, query: string): string {
  const hash = address.indexOf('#');
  const page = hash < 0 ? address : address.slice(0, hash);
  const fragment = hash < 0 ? '' : address.slice(hash);
  return `${page}${page.includes('?') ? '&' : '?'}${query}${fragment}`;
}

/** Where something happened, as a tracker says it. */
export interface Page {
  readonly url: unknown;
  /** It wins over that of the address. */
  readonly path?: unknown;
  /** What stands for a path where there is neither. */
  readonly name?: unknown;
  readonly campaign?: Fields | undefined;
}

/** The values of an address and a path that a tracker gives; what it leaves out follows at the border. */
export function pageOf({ url, path, name, campaign }: Page): Record<string, unknown> {
  const visit = visitOf(url, campaign);
  return {
    ...visit,
    path: textOf(path) ?? (visit['url'] === undefined ? textOf(name) : undefined),
  };
}
