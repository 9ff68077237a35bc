/** What a project says of its own, made ready once: settings are few, events are many. */
import { findApp, findHost, findWord, indexOf, KNOWN_SOURCES } from './known-sources.ts';
import type { KnownSource, SourceIndex } from './known-sources.ts';
import { PAYMENT_HOSTS, SIGN_IN_HOSTS } from './not-referrers.ts';
import type { ProjectSources } from './source-tables.ts';
import { readHost, readUrl } from './url-parts.ts';

export interface AttributionProject {
  /** Hosts of the project's own, with whatever lies below them: `shop.example`, or a URL of it. */
  readonly ownHosts?: readonly string[];
  /** Hosts that are no referrers, besides the payment and sign-in pages known here. */
  readonly ignoredReferrers?: readonly string[];
  readonly sources?: ProjectSources;
}

export interface ProjectRules {
  readonly isOwn: (host: string) => boolean;
  readonly isIgnored: (host: string) => boolean;
  readonly word: (word: string) => KnownSource | undefined;
  readonly host: (host: string) => KnownSource | undefined;
  readonly app: (app: string) => KnownSource | undefined;
}

const IGNORED = hostSet([...PAYMENT_HOSTS, ...SIGN_IN_HOSTS].join(' ').split(' '));
const LOCAL = hostSet(['localhost']);

const DEFAULT_RULES = compile({});
const compiled = new WeakMap<AttributionProject, ProjectRules>();

/** The rules of a project; the same object is made ready once. */
export function rulesOf(project: AttributionProject | undefined): ProjectRules {
  if (project === undefined) return DEFAULT_RULES;
  const known = compiled.get(project);
  if (known) return known;
  const rules = compile(project);
  compiled.set(project, rules);
  return rules;
}

function compile({
  ownHosts = [],
  ignoredReferrers = [],
  sources,
}: AttributionProject): ProjectRules {
  const own = hostSet(ownHosts);
  const ignored = hostSet(ignoredReferrers);
  const index = sources === undefined ? undefined : indexOf(sources);
  const find =
    (lookUp: (index: SourceIndex, text: string) => KnownSource | undefined) => (text: string) =>
      (index && lookUp(index, text)) ?? lookUp(KNOWN_SOURCES, text);
  return {
    isOwn: (host) => holds(LOCAL, host) || holds(own, host),
    isIgnored: (host) => holds(IGNORED, host) || holds(ignored, host),
    word: find(findWord),
    host: find(findHost),
    app: find(findApp),
  };
}

function hostSet(texts: readonly string[]): ReadonlySet<string> {
  const hosts = texts.map((text) => readUrl(text.trim()).host ?? readHost(text.trim()));
  return new Set(hosts.filter((host) => host !== undefined));
}

/** Whether the host is one of these, or below one of them. */
function holds(hosts: ReadonlySet<string>, host: string): boolean {
  if (hosts.size === 0) return false;
  let rest = host;
  for (;;) {
    if (hosts.has(rest)) return true;
    const dot = rest.indexOf('.');
    if (dot < 0) return false;
    rest = rest.slice(dot + 1);
  }
}
