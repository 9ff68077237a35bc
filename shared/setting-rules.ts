/** The rules that the settings of a project keep, each for one value. */
import { parseByteSize } from './byte-size.ts';
import { BUILT_IN_DIMENSIONS } from './catalogue.ts';
import { Fault } from './fault.ts';
import {
  COLLECT_KEYS_MAX,
  CURRENCY_CHARS_MAX,
  DECLARED_DIMENSIONS_MAX,
  OWN_HOSTS_MAX,
} from './limits.ts';

export const WEEKS = ['monday', 'sunday'] as const;
export type Week = (typeof WEEKS)[number];

/** Whether a time zone has this name; the zones are data, which the caller has. */
export type IsZone = (name: string) => boolean;

export const TOO_MANY_HOSTS = `a project has at most ${OWN_HOSTS_MAX} own hosts`;
export const TOO_MANY_KEYS = `a project has at most ${COLLECT_KEYS_MAX} keys of trackers`;
export const TOO_MANY_DIMENSIONS = `a project has at most ${DECLARED_DIMENSIONS_MAX} dimensions of its own`;

export function readDimensionName(name: string): string | Fault {
  if (!/^[a-z][a-z0-9_]{0,62}$/.test(name)) {
    return new Fault(
      `must have a name of 1 to 63 characters a-z, 0-9 or _ that begins with a letter, but has ${quoted(name)}`,
    );
  }
  return BUILT_IN_DIMENSIONS.has(name)
    ? new Fault(`must not be called ${name}: every project has a dimension of that name`)
    : name;
}

const PROPERTY_NAME_CHARS_MAX = 128;

export function readPropertyName(name: string): string | Fault {
  const isName = isText(name, PROPERTY_NAME_CHARS_MAX);
  return isName
    ? name
    : new Fault(
        `must be read from a property with a name of 1 to ${PROPERTY_NAME_CHARS_MAX} printable characters`,
      );
}

export function readZone(name: string, isZone: IsZone): string | Fault {
  return isZone(name)
    ? name
    : new Fault(`must be an IANA name, for example Europe/Berlin or UTC, but is ${quoted(name)}`);
}

export function readWeek(text: string): Week | Fault {
  return (
    WEEKS.find((day) => day === text) ??
    new Fault(`must be ${WEEKS.join(' or ')}, but is ${quoted(text)}`)
  );
}

export function readCurrency(text: string): string | Fault {
  return isText(text, CURRENCY_CHARS_MAX)
    ? text
    : new Fault(
        `must be 1 to ${CURRENCY_CHARS_MAX} printable characters, at best the code of ISO 4217, for example EUR`,
      );
}

const KEY_CHARS_MAX = 128;

/** What a tracker names its project by: a write key, an id or a domain. */
export function readCollectKey(text: string): string | Fault {
  return isText(text, KEY_CHARS_MAX) && !/\s/u.test(text)
    ? text
    : new Fault(
        `must be 1 to ${KEY_CHARS_MAX} printable characters without spaces, but is ${quoted(text)}`,
      );
}

/** Above the longest that sessions usually change after they have ended, below what a Date can hold. */
const RETENTION_DAYS = { min: 30, max: 36_500 } as const;

/** @returns days */
export function readRetention(text: string): number | Fault {
  const [, digits] = /^(\d{1,5})d$/.exec(text) ?? [];
  const days = Number(digits);
  return digits !== undefined && days >= RETENTION_DAYS.min && days <= RETENTION_DAYS.max
    ? days
    : new Fault(
        `must be a number of days from ${RETENTION_DAYS.min}d to ${RETENTION_DAYS.max}d, for example 400d, but is ${quoted(text)}`,
      );
}

/** 0 takes nothing. */
export function readMaxMessages(text: string): number | Fault {
  return /^\d{1,12}$/.test(text)
    ? Number(text)
    : new Fault(`must be a number of messages, for example 1000000, but is ${quoted(text)}`);
}

/** 0 takes nothing. */
export function readMaxBytes(text: string): number | Fault {
  return (
    parseByteSize(text) ??
    new Fault(`must be a size, for example 500MB or 2GiB, but is ${quoted(text)}`)
  );
}

const HOST_CHARS_MAX = 253;
const LABEL = '[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?';
const HOST = new RegExp(`^${LABEL}(?:\\.${LABEL})*$`);

/** A host as attribution compares it: in small letters, without a closing dot. */
export function readHostName(text: string): string | Fault {
  const host = text.trim().toLowerCase().replace(/\.$/, '');
  return host.length <= HOST_CHARS_MAX && HOST.test(host)
    ? host
    : new Fault(
        `must be a host without scheme, port and path, for example shop.example (other letters as xn--…), but is ${quoted(text)}`,
      );
}

/** Of printable characters, so that nothing steers a terminal. */
function isText(text: string, charsMax: number): boolean {
  return text.trim() === text && /^\P{C}+$/u.test(text) && Array.from(text).length <= charsMax;
}

/** A value of a person, which may be anything and of any length. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);
}

/** Each once, in the order of their characters. */
export function sorted(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)].sort();
}

export function byName(entries: readonly (readonly string[])[]): Readonly<Record<string, string>> {
  const named = entries.map(([name = '', value = '']) => [name, value] as const);
  return Object.fromEntries(named.sort(([a], [b]) => (a < b ? -1 : 1)));
}
