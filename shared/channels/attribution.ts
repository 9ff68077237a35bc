/**
 * Where a visit came from, of one event alone: a pure function of what the event says and of the project's settings,
 * so that a session may take the value of its earliest event in whatever order events arrive. What the producer gives
 * wins, each by itself; the rest follows from the tags and click ids of the URL, then from the referrer. Direct is the
 * absence of a source and of a channel. Throws at no text, and takes time in proportion to it.
 *
 * For ingest: it knows the public suffix list, and no workflow may import it.
 */
import { channelOf, type Visit } from './channel-of.ts';
import { CLICK_IDS, META_SOURCES } from './click-ids.ts';
import type { KnownSource } from './known-sources.ts';
import { comparable, isEmail } from './media.ts';
import { isSameSite } from './own-site.ts';
import { type AttributionProject, type ProjectRules, rulesOf } from './project-rules.ts';
import { readQuery, readUrl, type UrlParts } from './url-parts.ts';

export { channelName, CHANNELS, type Channel } from './channel-names.ts';
export type { AttributionProject } from './project-rules.ts';
export type { ProjectSource, ProjectSources, SourceKind } from './source-tables.ts';

/** What attribution reads of an event; an empty text is not given. */
export interface AttributedEvent {
  readonly url?: string;
  readonly referrer?: string;
  readonly path?: string;
  readonly trafficSource?: string;
  readonly medium?: string;
  readonly channel?: string;
  readonly campaign?: string;
  readonly term?: string;
  readonly content?: string;
}

/** What an event says, or what follows from it; what is not known is absent. */
export interface Attribution {
  readonly path?: string;
  readonly trafficSource?: string;
  readonly medium?: string;
  readonly channel?: string;
  readonly campaign?: string;
  readonly term?: string;
  readonly content?: string;
  /** The host of a referrer that is not the project's own; the package of an Android app. */
  readonly referrerHost?: string;
}

export function attributionOf(event: AttributedEvent, project?: AttributionProject): Attribution {
  const rules = rulesOf(project);
  const url = event.url ? readUrl(event.url) : undefined;
  const tags = readTags(url?.query);
  const referrer = event.referrer ? readReferrer(event.referrer, url?.host, rules) : undefined;
  const click = clickOf(tags, rules);
  const source = sourceOf(event.trafficSource, tags, click, referrer, rules);
  const medium = event.medium || tagOf(tags, 'utm_medium');
  const campaign = event.campaign || tagOf(tags, 'utm_campaign');
  const channel =
    event.channel ||
    channelOf({
      ...source.visit,
      paid: source.paid || click?.paid === true,
      medium: givenWord(medium),
      campaign: campaign?.toLowerCase() ?? '',
    });
  return given({
    path: event.path || url?.path,
    trafficSource: source.name,
    medium,
    channel,
    campaign,
    term: event.term || tagOf(tags, 'utm_term'),
    content: event.content || tagOf(tags, 'utm_content'),
    referrerHost: referrer?.host,
  });
}

const WANTED: ReadonlySet<string> = new Set([
  'utm_source',
  'utm_medium',
  'utm_campaign',
  'utm_term',
  'utm_content',
  ...Object.keys(CLICK_IDS),
]);
const NO_TAGS: ReadonlyMap<string, string> = new Map();

function readTags(query: string | undefined): ReadonlyMap<string, string> {
  return query === undefined || query === '' ? NO_TAGS : readQuery(query, WANTED);
}

/** What tools and broken templates write for nothing. */
const NOT_GIVEN = new Set(['', 'null', 'undefined', '(not set)', '(none)', '(direct)']);

function tagOf(tags: ReadonlyMap<string, string>, name: string): string | undefined {
  const value = tags.get(name)?.trim();
  return value === undefined || NOT_GIVEN.has(value.toLowerCase()) ? undefined : value;
}

/** The word of a medium, and none for a medium that says nothing. */
function givenWord(medium: string | undefined): string {
  return medium === undefined || NOT_GIVEN.has(medium.trim().toLowerCase())
    ? ''
    : comparable(medium);
}

/** `direct` in a tag is what others call the absence of a source; it must not hide a referrer. */
function isNoSource(word: string): boolean {
  return word === 'direct' || NOT_GIVEN.has(word) || word === '(not-set)';
}

interface Click {
  readonly known: KnownSource;
  readonly paid: boolean;
}

function clickOf(tags: ReadonlyMap<string, string>, rules: ProjectRules): Click | undefined {
  if (tags.size === 0) return undefined;
  for (const [name, { source, paid }] of Object.entries(CLICK_IDS)) {
    const known = tagOf(tags, name) === undefined ? undefined : rules.word(source);
    if (known) return { known, paid };
  }
  return undefined;
}

interface Referrer {
  readonly host: string;
  /** Absent where it is one that sends people back rather than here. */
  readonly source?: { readonly name: string; readonly kind: KnownSource['kind'] };
}

const WEB = new Set(['http', 'https']);
const FRONT_LABEL = /^www\./;

/** @returns `undefined` for what is no referrer, and for one's own pages */
function readReferrer(
  text: string,
  ownHost: string | undefined,
  rules: ProjectRules,
): Referrer | undefined {
  const { scheme, host }: UrlParts = readUrl(text);
  if (host === undefined) return undefined;
  const app = scheme === 'android-app';
  if (!app && !WEB.has(scheme)) return undefined;
  if (rules.isOwn(host) || (ownHost !== undefined && isSameSite(host, ownHost))) return undefined;
  if (rules.isIgnored(host)) return { host };
  const known = app ? rules.app(host) : rules.host(host);
  const name = known?.name ?? (app ? host : host.replace(FRONT_LABEL, ''));
  return { host, source: { name, kind: known?.kind ?? 'other' } };
}

interface Source {
  readonly name?: string;
  readonly paid: boolean;
  readonly visit: Pick<Visit, 'sourceBy' | 'kind'>;
}

const NO_SOURCE: Source = { paid: false, visit: {} };

function sourceOf(
  givenSource: string | undefined,
  tags: ReadonlyMap<string, string>,
  click: Click | undefined,
  referrer: Referrer | undefined,
  rules: ProjectRules,
): Source {
  if (givenSource) {
    const { paid, visit } = taggedSource(givenSource, rules);
    return { name: givenSource, paid, visit };
  }
  const tag = tagOf(tags, 'utm_source');
  const tagged = tag === undefined ? NO_SOURCE : taggedSource(tag, rules);
  if (tagged.name !== undefined) return tagged;
  const from = referrer?.source;
  if (click && !(click.known.name === 'Meta' && from && META_SOURCES.has(from.name))) {
    const { name, kind } = click.known;
    return { ...(name !== undefined && { name }), paid: false, visit: { sourceBy: 'click', kind } };
  }
  return from
    ? { name: from.name, paid: false, visit: { sourceBy: 'referrer', kind: from.kind } }
    : NO_SOURCE;
}

function taggedSource(tag: string, rules: ProjectRules): Source {
  const word = comparable(tag);
  if (isNoSource(word)) return NO_SOURCE;
  const known = rules.word(word);
  const kind = known?.kind ?? (isEmail(word) ? 'email' : 'other');
  return { name: known?.name ?? tag, paid: known?.paid === true, visit: { sourceBy: 'tag', kind } };
}

/** Without what is not known. */
function given(values: { readonly [Name in keyof Attribution]: Attribution[Name] | undefined }) {
  const result: { -readonly [Name in keyof Attribution]: Attribution[Name] } = {};
  for (const name of NAMES) {
    const value = values[name];
    if (value !== undefined && value !== '') result[name] = value;
  }
  return result;
}
const NAMES = [
  'path',
  'trafficSource',
  'medium',
  'channel',
  'campaign',
  'term',
  'content',
  'referrerHost',
] as const;
