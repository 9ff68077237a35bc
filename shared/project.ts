/** What is set for a project: how its events are read, and in whose days its numbers are told. */
import { byteSizeText } from './byte-size.ts';
import { Fault } from './fault.ts';
import { COLLECT_KEYS_MAX, DECLARED_DIMENSIONS_MAX, OWN_HOSTS_MAX } from './limits.ts';
import {
  byName,
  type IsZone,
  readCollectKey,
  readCurrency,
  readDimensionName,
  readHostName,
  readMaxBytes,
  readMaxMessages,
  readPropertyName,
  readRetention,
  readWeek,
  readZone,
  sorted,
  TOO_MANY_DIMENSIONS,
  TOO_MANY_HOSTS,
  TOO_MANY_KEYS,
  type Week,
} from './setting-rules.ts';

export interface ProjectSettings {
  /** IANA name; `UTC` where nobody says. */
  readonly timeZone: string;
  /** First day of the week. */
  readonly week: Week;
  /** What revenue is in where an event does not say. */
  readonly currency?: string;
  /** Hosts that are the project's own: a visitor who comes from there comes from nowhere else. */
  readonly ownHosts: readonly string[];
  /** Declared dimensions: the property that each is read from, by name. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** What its trackers name it by: write keys, website ids, domains. */
  readonly collectKeys: readonly string[];
  /** Whole local days before today that its rows are kept; for ever where nobody says. */
  readonly retentionDays?: number;
  /** Messages, and bytes of them, that are taken a day of UTC; what is more waits in DEADLETTERS. */
  readonly maxMessagesPerDay?: number;
  readonly maxBytesPerDay?: number;
}

/** Those of a project for which nothing is set. */
export const DEFAULT_SETTINGS: ProjectSettings = {
  timeZone: 'UTC',
  week: 'monday',
  ownHosts: [],
  dimensions: {},
  collectKeys: [],
};

/** Settings as they are kept, and what was wrong with them: a sentence each. */
export interface ReadSettings {
  readonly settings: ProjectSettings;
  readonly faults: readonly string[];
}

/**
 * Reads settings as the bucket keeps them. Whatever lies there, there are settings: a value that breaks a rule is as
 * one that is not there, and told; a field that is not known here, for a newer version has written it, is left alone.
 */
export function parseSettings(text: string, isZone: IsZone): ReadSettings {
  const kept = parseObject(text);
  if (kept === undefined) {
    return { settings: DEFAULT_SETTINGS, faults: ['the settings are no JSON object'] };
  }
  const faults: string[] = [];
  /** @returns undefined for what is not given or breaks the rule */
  const checked = (name: string, value: unknown, rule: (text: string) => string | Fault) => {
    if (value === undefined || value === null) return undefined;
    const read = typeof value === 'string' ? rule(value) : new Fault('must be a text');
    if (!(read instanceof Fault)) return read;
    faults.push(`${name} ${read.reason}`);
    return undefined;
  };
  const currency = checked('currency', kept['currency'], readCurrency);
  const week = checked('week', kept['week'], readWeek);
  const checkedNumber = (name: string, value: unknown, rule: (text: string) => number | Fault) => {
    const read = checked(name, value, (text) => {
      const number = rule(text);
      return number instanceof Fault ? number : String(number);
    });
    return read === undefined ? undefined : Number(read);
  };
  const retentionDays = checkedNumber('retention', kept['retention'], readRetention);
  const maxMessagesPerDay = checkedNumber(
    'most messages a day',
    kept['maxMessagesPerDay'],
    readMaxMessages,
  );
  const maxBytesPerDay = checkedNumber('most bytes a day', kept['maxBytesPerDay'], readMaxBytes);
  const hosts = listOf(kept['ownHosts']).flatMap(
    (host) => checked('an own host', host, readHostName) ?? [],
  );
  const dimensions = Object.entries(parseRecord(kept['dimensions'])).flatMap(([name, property]) => {
    const readName = checked('a dimension', name, readDimensionName);
    const readProperty = checked(`dimension ${name}`, property ?? '', readPropertyName);
    return readName === undefined || readProperty === undefined ? [] : [[readName, readProperty]];
  });
  const keys = listOf(kept['collectKeys']).flatMap(
    (key) => checked('a key of trackers', key, readCollectKey) ?? [],
  );
  if (keys.length > COLLECT_KEYS_MAX) faults.push(TOO_MANY_KEYS);
  if (hosts.length > OWN_HOSTS_MAX) faults.push(TOO_MANY_HOSTS);
  if (dimensions.length > DECLARED_DIMENSIONS_MAX) faults.push(TOO_MANY_DIMENSIONS);
  const settings = {
    timeZone:
      checked('the time zone', kept['timeZone'], (name) => readZone(name, isZone)) ??
      DEFAULT_SETTINGS.timeZone,
    week: week === 'sunday' ? week : DEFAULT_SETTINGS.week,
    ...(currency !== undefined && { currency }),
    ownHosts: sorted(hosts).slice(0, OWN_HOSTS_MAX),
    dimensions: byName(dimensions.slice(0, DECLARED_DIMENSIONS_MAX)),
    collectKeys: sorted(keys).slice(0, COLLECT_KEYS_MAX),
    ...(retentionDays !== undefined && { retentionDays }),
    ...(maxMessagesPerDay !== undefined && { maxMessagesPerDay }),
    ...(maxBytesPerDay !== undefined && { maxBytesPerDay }),
  };
  return { settings, faults };
}

/** The settings there are, in the order in which people are told. */
export const SETTINGS = [
  'timeZone',
  'week',
  'currency',
  'ownHosts',
  'dimensions',
  'retention',
  'collectKeys',
  'maxMessagesPerDay',
  'maxBytesPerDay',
] as const;
export type Setting = (typeof SETTINGS)[number];

/**
 * Settings as the bucket keeps them: equal ones are the same text.
 * @param before what the bucket has: what is not named stays as it is there, also what cannot be read here
 * @param named what is written
 */
export function encodeSettings(
  settings: ProjectSettings,
  before = '',
  named: readonly Setting[] = SETTINGS,
): string {
  const kept = parseObject(before);
  const fields: Readonly<Record<Setting, unknown>> = {
    timeZone: settings.timeZone,
    week: settings.week,
    currency: settings.currency ?? null,
    ownHosts: sorted(settings.ownHosts),
    dimensions: byName(Object.entries(settings.dimensions)),
    retention: settings.retentionDays === undefined ? null : `${settings.retentionDays}d`,
    collectKeys: sorted(settings.collectKeys),
    maxMessagesPerDay: textOf(settings.maxMessagesPerDay, String),
    maxBytesPerDay: textOf(settings.maxBytesPerDay, byteSizeText),
  };
  const written = (kept === undefined ? SETTINGS : named).map((name) => [name, fields[name]]);
  return JSON.stringify({ ...kept, ...(Object.fromEntries(written) as object) });
}

function textOf(value: number | undefined, inWords: (value: number) => string): string | null {
  return value === undefined ? null : inWords(value);
}

export function isSameSettings(a: ProjectSettings, b: ProjectSettings): boolean {
  return encodeSettings(a) === encodeSettings(b);
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function parseRecord(value: unknown): Record<string, unknown> {
  return isRecord(value) ? value : {};
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}
