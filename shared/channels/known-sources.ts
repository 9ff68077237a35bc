/** The tables, made ready for looking up: by word, by host, by app. */
import { ASSISTANTS } from './assistants.ts';
import { EMAIL, OTHER, PUSH, SMS } from './mail.ts';
import { comparable } from './media.ts';
import { PAID_SOURCES } from './paid-sources.ts';
import { SEARCH } from './search.ts';
import { SHOPPING } from './shopping.ts';
import { SOCIAL, SOCIAL_HOSTS, SOCIAL_HOSTS_AND_WORDS, SOCIAL_WORDS } from './social.ts';
import type { ProjectSources, SourceKind, SourceTable } from './source-tables.ts';
import { HOST_CHARS_MAX } from './url-parts.ts';
import { VIDEO } from './video.ts';

/** A source that a table knows. */
export interface KnownSource {
  /** Absent for those that are called by their word or host. */
  readonly name?: string;
  readonly kind: SourceKind;
  readonly paid: boolean;
}

export interface SourceIndex {
  readonly words: ReadonlyMap<string, KnownSource>;
  /** Hosts that stand for themselves alone. */
  readonly exactHosts: ReadonlyMap<string, KnownSource>;
  /** Hosts, with whatever lies below them. */
  readonly hosts: ReadonlyMap<string, KnownSource>;
  /** Beginnings of names of apps. */
  readonly apps: ReadonlyMap<string, KnownSource>;
}

class IndexBuilder implements SourceIndex {
  readonly words = new Map<string, KnownSource>();
  readonly exactHosts = new Map<string, KnownSource>();
  readonly hosts = new Map<string, KnownSource>();
  readonly apps = new Map<string, KnownSource>();

  /** The first mark counts where tables share one; a test sees to it that those here do not. */
  add(mark: string, source: KnownSource): void {
    const [map, key] = this.placeOf(mark);
    if (!map.has(key)) map.set(key, source);
  }

  private placeOf(mark: string): [Map<string, KnownSource>, string] {
    if (mark.startsWith('app:')) return [this.apps, mark.slice(4).toLowerCase()];
    if (mark.startsWith('=')) return [this.exactHosts, mark.slice(1).toLowerCase()];
    if (mark.includes('.')) return [this.hosts, mark.toLowerCase()];
    return [this.words, comparable(mark)];
  }
}

const TABLES: readonly (readonly [SourceTable, SourceKind])[] = [
  [SEARCH, 'search'],
  [SOCIAL, 'social'],
  [VIDEO, 'video'],
  [SHOPPING, 'shopping'],
  [ASSISTANTS, 'assistant'],
  [EMAIL, 'email'],
  [SMS, 'sms'],
  [PUSH, 'push'],
  [OTHER, 'other'],
];

/** All that the tables of this folder know. */
export const KNOWN_SOURCES: SourceIndex = build();

function build(): SourceIndex {
  const index = new IndexBuilder();
  const kinds = new Map<string, SourceKind>();
  for (const [table, kind] of TABLES) {
    for (const [name, marks] of Object.entries(table)) {
      kinds.set(name, kind);
      for (const mark of marks.split(' ')) index.add(mark, { name, kind, paid: false });
    }
  }
  const social: KnownSource = { kind: 'social', paid: false };
  for (const host of SOCIAL_HOSTS_AND_WORDS.join(' ').split(' ')) {
    index.add(host, social);
    index.add(host.slice(0, host.indexOf('.')), social);
  }
  for (const host of SOCIAL_HOSTS.join(' ').split(' ')) index.add(host, social);
  for (const word of SOCIAL_WORDS.join(' ').split(' ')) index.add(word, social);
  for (const [name, words] of Object.entries(PAID_SOURCES)) {
    const kind = kinds.get(name) ?? 'other';
    for (const word of words.split(' ')) index.add(word, { name, kind, paid: true });
  }
  return index;
}

/** A project's own sources, made ready in the same way. */
export function indexOf(sources: ProjectSources): SourceIndex {
  const index = new IndexBuilder();
  for (const [mark, source] of Object.entries(sources)) {
    const {
      kind = 'other',
      name,
      paid = false,
    } = typeof source === 'string' ? { kind: source } : source;
    index.add(mark, { kind, paid, ...(name !== undefined && { name }) });
  }
  return index;
}

/** @param word as `comparable` makes it; a host does as well */
export function findWord(index: SourceIndex, word: string): KnownSource | undefined {
  const found = index.words.get(word);
  return found || !word.includes('.') || word.length > HOST_CHARS_MAX
    ? found
    : findHost(index, word);
}

/** @param host in lower case */
export function findHost(index: SourceIndex, host: string): KnownSource | undefined {
  const found = findSpelling(index, host);
  if (found) return found;
  const anyCountry = withoutCountry(host);
  return anyCountry === undefined ? undefined : findSpelling(index, anyCountry);
}

const FRONT_LABEL = /^(?:www|m)\./;

function findSpelling(index: SourceIndex, host: string): KnownSource | undefined {
  const exact = index.exactHosts.get(host) ?? index.exactHosts.get(host.replace(FRONT_LABEL, ''));
  return exact ?? firstOf(index.hosts, host, (name) => name.slice(name.indexOf('.') + 1));
}

const COUNTRY = /\.(?:(?:com?|org|net)\.[a-z]{2}|[a-z]{2}|com)$/;

/** `www.pinterest.co.uk` is `www.pinterest.*`. */
function withoutCountry(host: string): string | undefined {
  const country = COUNTRY.exec(host);
  return country ? `${host.slice(0, country.index)}.*` : undefined;
}

/** @param app the name of an Android package */
export function findApp(index: SourceIndex, app: string): KnownSource | undefined {
  return firstOf(index.apps, app, (name) => name.slice(0, name.lastIndexOf('.')));
}

/** The entry of the longest name, each shorter than the one before by a whole label. */
function firstOf(
  entries: ReadonlyMap<string, KnownSource>,
  name: string,
  shorten: (name: string) => string,
): KnownSource | undefined {
  if (entries.size === 0) return undefined;
  let rest = name;
  while (rest.includes('.')) {
    const found = entries.get(rest);
    if (found) return found;
    rest = shorten(rest);
  }
  return undefined;
}
