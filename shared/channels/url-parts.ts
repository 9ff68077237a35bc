/**
 * What attribution reads of a URL: host, path and query, never the fragment. Not `URL`, which refuses what people
 * really send (a relative URL, a malformed percent sign), throws, and is slower. Linear in the text, and throws at
 * nothing.
 */

export interface UrlParts {
  /** In lower case and without `:`; empty where the text has none (`//host/path`, `/path`). */
  readonly scheme: string;
  readonly host?: string;
  readonly path?: string;
  /** Without `?`; absent where there is none. */
  readonly query?: string;
}

/** By RFC 1035. It also bounds what is done for each label. */
export const HOST_CHARS_MAX = 253;
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;
const AUTHORITY_END = /[/\\?]/g;
const PORT = /:\d*$/;
const PLAIN_HOST = /^[a-z0-9._-]+$/;
const IPV6 = /^\[[0-9a-f:.]+\]$/;

export function readUrl(text: string): UrlParts {
  const fragment = text.indexOf('#');
  const whole = (fragment < 0 ? text : text.slice(0, fragment)).trim();
  const scheme = SCHEME.exec(whole);
  if (scheme) return readAfterSlashes(whole, scheme[0].length, (scheme[1] ?? '').toLowerCase());
  if (whole.startsWith('//')) return readAfterSlashes(whole, 2, '');
  const { head, query } = splitQuery(whole, 0);
  return {
    scheme: '',
    ...(head.startsWith('/') && { path: head }),
    ...(query !== undefined && { query }),
  };
}

function readAfterSlashes(whole: string, start: number, scheme: string): UrlParts {
  AUTHORITY_END.lastIndex = start;
  const end = AUTHORITY_END.exec(whole)?.index ?? whole.length;
  const host = readHost(whole.slice(start, end));
  const { head, query } = splitQuery(whole, end);
  return {
    scheme,
    ...(host !== undefined && { host }),
    path: head === '' ? '/' : head,
    ...(query !== undefined && { query }),
  };
}

function splitQuery(whole: string, start: number): { head: string; query?: string } {
  const mark = whole.indexOf('?', start);
  return mark < 0
    ? { head: whole.slice(start) }
    : { head: whole.slice(start, mark), query: whole.slice(mark + 1) };
}

/**
 * The host as browsers write it: lower case, without user, port and closing dot; Punycode where it is not ASCII.
 *
 * @returns `undefined` for what is no host
 */
export function readHost(authority: string): string | undefined {
  const withPort = authority.slice(authority.lastIndexOf('@') + 1);
  const port = PORT.exec(withPort.slice(-6));
  const bare = port ? withPort.slice(0, withPort.length - port[0].length) : withPort;
  const host = (bare.endsWith('.') ? bare.slice(0, -1) : bare).toLowerCase();
  if (host === '' || host.length > HOST_CHARS_MAX) return undefined;
  if (PLAIN_HOST.test(host)) return host;
  if (IPV6.test(host)) return host.slice(1, -1);
  return punycode(host);
}

function punycode(host: string): string | undefined {
  const url = `http://${host}/`;
  if (!URL.canParse(url)) return undefined;
  const ascii = new URL(url).hostname;
  return PLAIN_HOST.test(ascii) ? ascii : undefined;
}

/**
 * Goes through a query. Of a name that comes again the first counts, also an empty one.
 *
 * @param wanted names, as they are written: case counts
 */
export function readQuery(query: string, wanted: ReadonlySet<string>): Map<string, string> {
  const found = new Map<string, string>();
  let equals = -1;
  for (let start = 0; start < query.length;) {
    const ampersand = query.indexOf('&', start);
    const end = ampersand < 0 ? query.length : ampersand;
    // Looked for again only once it has been passed: a long text without any is searched once.
    if (equals < start) equals = indexOrEnd(query, '=', start);
    const nameEnd = Math.min(equals, end);
    const name = decode(query.slice(start, nameEnd));
    if (wanted.has(name) && !found.has(name)) {
      found.set(name, decode(query.slice(Math.min(nameEnd + 1, end), end)));
    }
    start = end + 1;
  }
  return found;
}

function indexOrEnd(text: string, sought: string, start: number): number {
  const index = text.indexOf(sought, start);
  return index < 0 ? text.length : index;
}

/**
 * One character as UTF-8 writes it, no other bytes: decoding it cannot fail. Trying and catching instead would cost
 * some 20 µs a failure, which a text can be full of.
 */
const ESCAPED_CHARACTER = new RegExp(
  [
    '%[0-7][0-9a-f]',
    '%(?:c[2-9a-f]|d[0-9a-f])%[89ab][0-9a-f]',
    '%(?:e0%[ab]|ed%[89]|e[1-9a-cef]%[89ab])[0-9a-f]%[89ab][0-9a-f]',
    '%(?:f0%[9ab]|f4%8|f[1-3]%[89ab])[0-9a-f](?:%[89ab][0-9a-f]){2}',
  ].join('|'),
  'gi',
);

/** `+` is a space; a percent sign that means nothing stays as it is. */
function decode(text: string): string {
  const spaced = text.includes('+') ? text.replaceAll('+', ' ') : text;
  return spaced.includes('%')
    ? spaced.replace(ESCAPED_CHARACTER, (escaped) => decodeURIComponent(escaped))
    : spaced;
}
