/**
 * Access logs of Apache, nginx and others: `common`, `combined` (that and referrer and user agent), and both with a host
 * in front. What comes behind is not read. Cut by hand and not by a pattern, so that the time is that of the length.
 */
import { fault, type Tracked } from '../../trackers/event.ts';
import { timeOf } from '../../trackers/values.ts';
import type { ImportFormat } from './format.ts';
import { lineReader } from './lines.ts';
import { logged, readPageRequest } from './page-request.ts';

export const combined: ImportFormat = {
  name: 'combined',
  about: 'access logs of Apache, nginx, Caddy …: common, combined, with or without a host in front',
  takes: 'lines',
  usesSalt: true,
  usesHost: true,
  open: ({ salt, host }) =>
    lineReader((line) => (line.trim() === '' ? [] : readAccess(line, salt, host))),
};

function readAccess(line: string, salt: string, host: string | undefined): Tracked {
  const opening = line.indexOf('[');
  const closing = line.indexOf(']', opening);
  if (opening < 0 || closing < 0) return fault('the line has no time in brackets');
  const front = line.slice(0, opening).trim().split(' ');
  const quoted = readFields(line, closing + 1);
  const [request, status, , referrer, userAgent] = quoted;
  if (request === undefined || status === undefined) {
    return fault('the line has no request and status behind its time');
  }
  const hasHost = isHostFirst(front);
  const [address, , ...user] = hasHost ? front.slice(1) : front;
  const [method, target] = requestOf(request);
  const userAgentGiven = logged(userAgent);
  return readPageRequest(
    {
      at: timeOfLog(line.slice(opening + 1, closing)),
      method,
      target,
      status: /^\d{3}$/.test(status) ? Number(status) : undefined,
      host: (hasHost ? withoutPort(front[0] ?? '') : undefined) ?? host,
      address: logged(address),
      userAgent: userAgentGiven,
      tellsAgents: userAgent !== undefined,
      referrer: logged(referrer),
      userId: logged(user.join(' ')),
    },
    salt,
  );
}

/** `host address - user`; a user's name may have spaces, a host is told by its form, an address by its. */
function isHostFirst(front: readonly string[]): boolean {
  const [first = '', second = ''] = front;
  return front.length >= 4 && !isAddress(first) && (isAddress(second) || front[2] === '-');
}

function isAddress(text: string): boolean {
  return (
    /^\d{1,3}(?:\.\d{1,3}){3}$/.test(text) ||
    (text.length <= 45 && /^[\da-f]*:[\da-f]*:[\da-f:.]*$/i.test(text))
  );
}

function withoutPort(host: string): string | undefined {
  return logged(host.replace(/:\d{1,5}$/, ''));
}

/** `GET /path HTTP/1.1`; a target with spaces is written as it came by some servers. */
function requestOf(request: string): readonly [string | undefined, string | undefined] {
  const space = request.indexOf(' ');
  if (space <= 0 || !/^[A-Z]{1,20}$/.test(request.slice(0, Math.min(space, 21)))) {
    return [undefined, undefined];
  }
  const last = request.lastIndexOf(' ');
  const hasVersion = last > space && /^HTTP\/\d/.test(request.slice(last + 1, last + 8));
  return [request.slice(0, space), request.slice(space + 1, hasVersion ? last : undefined)];
}

const FIELDS_MAX = 5;

/** What is between spaces, or in quotes with backslashes before quotes. */
function readFields(line: string, start: number): string[] {
  const fields: string[] = [];
  for (let at = start; at < line.length && fields.length < FIELDS_MAX;) {
    const first = line.charCodeAt(at);
    if (first === 0x20) {
      at += 1;
      continue;
    }
    const isQuoted = first === 0x22;
    const end = isQuoted ? closingQuote(line, at + 1) : line.indexOf(' ', at);
    const stop = end < 0 ? line.length : end;
    const text = line.slice(isQuoted ? at + 1 : at, stop);
    fields.push(isQuoted && text.includes('\\') ? unescape_(text) : text);
    at = stop + 1;
  }
  return fields;
}

function closingQuote(line: string, start: number): number {
  for (let at = start; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    if (code === 0x5c) at += 1;
    else if (code === 0x22) return at;
  }
  return -1;
}

/** `\"`, `\\`, and bytes as `\xe4`, as Apache and nginx write what is not plain. */
function unescape_(text: string): string {
  return text.replace(/(?:\\x[\da-f]{2})+|\\(.)/gi, (escaped: string, one: string | undefined) => {
    if (one !== undefined) return one;
    return Buffer.from(escaped.replaceAll('\\x', ''), 'hex').toString();
  });
}

const MONTHS: ReadonlyMap<string, number> = new Map(
  ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'].map(
    (name, index) => [name, index],
  ),
);
const LOG_TIME =
  /^(\d{2})\/([A-Z][a-z]{2})\/(\d{4}):(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,9}))? ([+-])(\d{2})(\d{2})$/;

/** `10/Oct/2000:13:55:36 -0700`, or an ISO time, as nginx and Caddy can be told to write. */
function timeOfLog(text: string): number | undefined {
  const match = LOG_TIME.exec(text);
  if (match === null) {
    return /^\d{4}-/.test(text) ? timeOf(text) : undefined;
  }
  const [, day, name = '', year, hour, minute, second, digits = '', sign, hours, minutes] = match;
  const month = MONTHS.get(name);
  if (month === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) {
    return undefined;
  }
  const midnight = Date.UTC(Number(year), month, Number(day));
  if (new Date(midnight).getUTCDate() !== Number(day)) return undefined;
  const offset = (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1);
  const ms = Number(digits.slice(0, 3).padEnd(3, '0'));
  const minutesOfDay = Number(hour) * 60 + Number(minute) - offset;
  return midnight + (minutesOfDay * 60 + Number(second)) * 1_000 + ms;
}
