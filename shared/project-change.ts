/** Changing the settings of a project, and what a change means for its numbers. */
import { byteSizeText } from './byte-size.ts';
import { Fault } from './fault.ts';
import { COLLECT_KEYS_MAX, DECLARED_DIMENSIONS_MAX, OWN_HOSTS_MAX } from './limits.ts';
import { type ProjectSettings, type Setting, SETTINGS } from './project.ts';
import {
  byName,
  type IsZone,
  quoted,
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
} from './setting-rules.ts';

/** Puts one into a list, or takes it out. */
export type Edit = { readonly add: string } | { readonly remove: string };

/** What somebody wants to be set, in the words of the command line; what is not given stays. */
export interface SettingsChange {
  readonly timeZone?: string | undefined;
  readonly week?: string | undefined;
  /** `false` takes it away. */
  readonly currency?: string | false | undefined;
  /** In their order. */
  readonly ownHosts?: readonly Edit[] | undefined;
  /** In their order; one is added as `NAME=PROPERTY` and removed by its name. */
  readonly dimensions?: readonly Edit[] | undefined;
  /** As `400d`; `false`: for ever. */
  readonly retention?: string | false | undefined;
  /** As `1000000` and `500MB`; `false`: as many as come. */
  readonly maxMessagesPerDay?: string | false | undefined;
  readonly maxBytesPerDay?: string | false | undefined;
  /** In their order. */
  readonly collectKeys?: readonly Edit[] | undefined;
}

/** The settings that somebody wants to be something, whatever they are. */
export function namedIn(change: SettingsChange): readonly Setting[] {
  return SETTINGS.filter((setting) => change[setting] !== undefined);
}

/**
 * Settings after a change. To set what is set, and to take away what is not there, changes nothing: so the same command
 * may be run again.
 * @returns a fault that names the flag where a value breaks a rule
 */
export function changeSettings(
  old: ProjectSettings,
  change: SettingsChange,
  isZone: IsZone,
): ProjectSettings | Fault {
  const timeZone = readZone(change.timeZone ?? old.timeZone, isZone);
  if (timeZone instanceof Fault) return flagFault('--time-zone', timeZone);
  const week = readWeek(change.week ?? old.week);
  if (week instanceof Fault) return flagFault('--week', week);
  const wanted = change.currency === false ? undefined : (change.currency ?? old.currency);
  const currency = wanted === undefined ? undefined : readCurrency(wanted);
  if (currency instanceof Fault) return flagFault('--currency', currency);
  const ownHosts = changeHosts(old.ownHosts, change.ownHosts ?? []);
  if (ownHosts instanceof Fault) return ownHosts;
  const dimensions = changeDimensions(old.dimensions, change.dimensions ?? []);
  if (dimensions instanceof Fault) return dimensions;
  const retentionDays = changeNumber(old.retentionDays, change.retention, readRetention);
  if (retentionDays instanceof Fault) return flagFault('--retention', retentionDays);
  const collectKeys = changeKeys(old.collectKeys, change.collectKeys ?? []);
  if (collectKeys instanceof Fault) return collectKeys;
  const maxMessagesPerDay = changeNumber(
    old.maxMessagesPerDay,
    change.maxMessagesPerDay,
    readMaxMessages,
  );
  if (maxMessagesPerDay instanceof Fault) {
    return flagFault('--max-messages-per-day', maxMessagesPerDay);
  }
  const maxBytesPerDay = changeNumber(old.maxBytesPerDay, change.maxBytesPerDay, readMaxBytes);
  if (maxBytesPerDay instanceof Fault) return flagFault('--max-bytes-per-day', maxBytesPerDay);
  return {
    ...{ timeZone, week, ownHosts, dimensions, collectKeys },
    ...(currency !== undefined && { currency }),
    ...(retentionDays !== undefined && { retentionDays }),
    ...(maxMessagesPerDay !== undefined && { maxMessagesPerDay }),
    ...(maxBytesPerDay !== undefined && { maxBytesPerDay }),
  };
}

function changeNumber(
  old: number | undefined,
  wanted: string | false | undefined,
  read: (text: string) => number | Fault,
): number | undefined | Fault {
  if (wanted === undefined) return old;
  return wanted === false ? undefined : read(wanted);
}

function changeHosts(old: readonly string[], edits: readonly Edit[]): readonly string[] | Fault {
  const hosts = new Set(old);
  for (const edit of edits) {
    const host = readHostName('add' in edit ? edit.add : edit.remove);
    if (host instanceof Fault)
      return flagFault('add' in edit ? '--own-host' : '--no-own-host', host);
    if ('add' in edit) hosts.add(host);
    else hosts.delete(host);
  }
  return hosts.size > OWN_HOSTS_MAX
    ? new Fault(`--own-host: ${TOO_MANY_HOSTS}`)
    : sorted([...hosts]);
}

function changeKeys(old: readonly string[], edits: readonly Edit[]): readonly string[] | Fault {
  const keys = new Set(old);
  for (const edit of edits) {
    const key = readCollectKey('add' in edit ? edit.add : edit.remove);
    if (key instanceof Fault)
      return flagFault('add' in edit ? '--collect-key' : '--no-collect-key', key);
    if ('add' in edit) keys.add(key);
    else keys.delete(key);
  }
  return keys.size > COLLECT_KEYS_MAX
    ? new Fault(`--collect-key: ${TOO_MANY_KEYS}`)
    : sorted([...keys]);
}

function changeDimensions(
  old: ProjectSettings['dimensions'],
  edits: readonly Edit[],
): ProjectSettings['dimensions'] | Fault {
  const dimensions = new Map(Object.entries(old));
  for (const edit of edits) {
    if ('remove' in edit) {
      const name = readDimensionName(edit.remove);
      if (name instanceof Fault) return flagFault('--no-dimension', name);
      dimensions.delete(name);
    } else {
      const declared = readDeclaration(edit.add);
      if (declared instanceof Fault) return flagFault('--dimension', declared);
      dimensions.set(...declared);
    }
  }
  return dimensions.size > DECLARED_DIMENSIONS_MAX
    ? new Fault(`--dimension: ${TOO_MANY_DIMENSIONS}`)
    : byName([...dimensions]);
}

function flagFault(flag: string, { reason }: Fault): Fault {
  return new Fault(`${flag} ${reason}`);
}

/** `NAME=PROPERTY`, where the property may be written as in an event: `properties.PROPERTY`. */
function readDeclaration(text: string): readonly [name: string, property: string] | Fault {
  const [, given = '', source = ''] = /^([^=]*)=(.*)$/su.exec(text) ?? [];
  if (given === '') {
    return new Fault(
      `must be NAME=PROPERTY, for example plan=properties.plan, but is ${quoted(text)}`,
    );
  }
  const name = readDimensionName(given);
  if (name instanceof Fault) return name;
  const property = readPropertyName(source.replace(/^properties\./, ''));
  return property instanceof Fault ? property : [name, property];
}

/** A setting that is another one than before, in words. */
export interface ChangedSetting {
  readonly setting: Setting;
  readonly before: string;
  readonly after: string;
  /** What that means for the numbers, also those of before. */
  readonly meaning: string;
}

/** What is different. */
export function changesBetween(
  before: ProjectSettings,
  after: ProjectSettings,
): readonly ChangedSetting[] {
  const isChanged = (setting: Setting) =>
    setting === 'retention'
      ? before.retentionDays !== after.retentionDays
      : JSON.stringify(before[setting]) !== JSON.stringify(after[setting]);
  return SETTINGS.filter(isChanged).map((setting) => ({
    setting,
    before: inWords(before, setting),
    after: inWords(after, setting),
    meaning: meaningOf(after, setting),
  }));
}

/** A limit that is taken away means something else than one that is set. */
function meaningOf(after: ProjectSettings, setting: Setting): string {
  switch (setting) {
    case 'maxMessagesPerDay':
    case 'maxBytesPerDay':
      return after[setting] === undefined ? NO_QUOTA_MEANING : MEANINGS[setting];
    case 'retention':
      return after.retentionDays === undefined ? NO_RETENTION_MEANING : MEANINGS[setting];
    default:
      return MEANINGS[setting];
  }
}

const QUOTA_MEANING =
  'It counts for messages that come from a second after it was set on, and for all that the day (of UTC) has had. What is over goes to DEADLETTERS; `npx sojourn deadletters replay` brings it once there is room.';
const NO_QUOTA_MEANING =
  'It counts for messages that come from a second after it was set on; `npx sojourn deadletters replay` brings what was over.';
const NO_RETENTION_MEANING = 'Nothing more is deleted. What has been deleted does not come back.';

const MEANINGS: Readonly<Record<Setting, string>> = {
  timeZone:
    'Days, weeks and months are put together when they are read: those of before are told in the new time zone too, at once.',
  week: 'Weeks are put together when they are read: those of before begin on the new day too, at once.',
  currency:
    'It counts for purchases and conversions that are taken in from now on; revenue of before stays filed as it is.',
  ownHosts:
    'It counts for events that are taken in from now on; sources and channels of before stay as they are.',
  dimensions:
    'It counts for events that are taken in from now on; earlier events are not read again, and what is filed stays.',
  collectKeys: '`sojourn collect` goes by it within a second; what was taken in before stays.',
  maxMessagesPerDay: QUOTA_MEANING,
  maxBytesPerDay: QUOTA_MEANING,
  retention:
    'What is older is deleted by the next `sojourn project purge`, which `sojourn up` does every hour. What is deleted does not come back when days are kept longer again.',
};

/** One setting as a person reads it. */
export function inWords(settings: ProjectSettings, setting: Setting): string {
  switch (setting) {
    case 'timeZone':
    case 'week':
      return settings[setting];
    case 'currency':
      return settings.currency ?? 'none';
    case 'retention':
      return settings.retentionDays === undefined ? 'for ever' : `${settings.retentionDays}d`;
    case 'maxMessagesPerDay':
      return settings.maxMessagesPerDay?.toString() ?? 'unlimited';
    case 'maxBytesPerDay':
      return settings.maxBytesPerDay === undefined
        ? 'unlimited'
        : byteSizeText(settings.maxBytesPerDay);
    case 'ownHosts':
      return settings.ownHosts.join(', ') || 'none';
    case 'collectKeys':
      return settings.collectKeys.join(', ') || 'none';
    case 'dimensions':
      return (
        Object.entries(settings.dimensions)
          .map(([name, property]) => `${name}=properties.${property}`)
          .join(', ') || 'none'
      );
  }
}
