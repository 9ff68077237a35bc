/**
 * What a request in an access log is to a visitor: a page view or nothing. A page view is a GET that was answered with
 * 2xx or 304 and asks for a page: not for what a page is made of, and not for what programs ask a site for.
 * Whether a program asked is said by its user agent, and read at the border; one that sends none is a program.
 */
import { hash } from 'node:crypto';
import { fault, NOTHING, type Tracked } from '../../trackers/event.ts';
import { given } from '../../trackers/values.ts';

/** `undefined` for what the log leaves out. */
export interface PageRequest {
  /** Epoch milliseconds. */
  readonly at: number | undefined;
  readonly method: string | undefined;
  /** As the request line has it: path and query, or a whole address. */
  readonly target: string | undefined;
  readonly status: number | undefined;
  readonly host: string | undefined;
  /** For the visitor's hash, and kept nowhere. */
  readonly address: string | undefined;
  readonly userAgent: string | undefined;
  /** Whether this kind of log has user agents at all. */
  readonly tellsAgents: boolean;
  readonly referrer: string | undefined;
  readonly userId: string | undefined;
}

/** Ends of what pages are made of, of feeds, and of files to keep. */
const ASSET =
  /\.(?:css|m?js|map|json|jsonld|xml|rss|atom|txt|wasm|webmanifest|png|jpe?g|jxl|gif|svgz?|webp|avif|ico|bmp|tiff?|cur|woff2?|ttf|otf|eot|mp[34]|m4[av]|web[mp]|og[agv]|wav|flac|mov|avi|mkv|m3u8|ts|vtt|srt|swf|pdf|zip|gz|tgz|bz2|xz|zst|7z|rar|tar|exe|msi|dmg|pkg|apk|deb|rpm|iso|bin|docx?|xlsx?|pptx?|od[tsp]|csv|ics|epub)$/i;
/** Where programs ask, though the name has no end. */
const NO_PAGE =
  /^\/(?:\.well-known|api|graphql|wp-json|wp-cron\.php|xmlrpc\.php|wp-admin\/admin-ajax\.php|cdn-cgi|_next\/(?:data|image|static)|_nuxt|healthz?|server-status)(?:\/|$)/i;

export function readPageRequest(request: PageRequest, salt: string): Tracked {
  const { at, method, target, status, address } = request;
  if (at === undefined) return fault('the time of the request cannot be read');
  if (method === undefined || target === undefined || target === '') {
    // Whoever sends bytes that are no request gets an error, and is no visitor.
    return status !== undefined && status < 400 ? fault('the request cannot be read') : NOTHING;
  }
  if (status === undefined) return fault('the status of the answer cannot be read');
  if (method !== 'GET' || !isAnswered(status) || !isPage(target)) return NOTHING;
  if (address === undefined) return fault("the client's address is needed to tell visitors apart");
  const { userAgent, host } = request;
  const visitor = hash(
    'sha256',
    JSON.stringify([salt, address, userAgent ?? '', host ?? '']),
    'base64url',
  ).slice(0, 22);
  const event = {
    ...given({
      eventType: 'pageview',
      timestamp: at,
      userId: request.userId,
      visitorId: visitor,
    }),
    properties: given({
      url: addressOf(target, host),
      referrer: request.referrer,
      userAgent,
      ...(request.tellsAgents && userAgent === undefined && { bot: true }),
    }),
  };
  return [{ event, visitor }];
}

/** Not Modified too: the page was looked at, out of the browser's cache. */
function isAnswered(status: number): boolean {
  return (status >= 200 && status < 300 && status !== 204 && status !== 206) || status === 304;
}

function isPage(target: string): boolean {
  const path = pathOf(target);
  // A name is no longer than this; what is longer is not searched.
  return !ASSET.test(path.slice(-16)) && !NO_PAGE.test(path);
}

function pathOf(target: string): string {
  const end = target.search(/[?#;]/);
  const page = end < 0 ? target : target.slice(0, end);
  const scheme = /^https?:\/\/[^/]{0,253}/i.exec(page);
  return scheme === null ? page : page.slice(scheme[0].length);
}

/** Of its scheme nothing follows; without a host it stays a path. */
function addressOf(target: string, host: string | undefined): string {
  return host === undefined || !target.startsWith('/') ? target : `https://${host}${target}`;
}

/** `-` and an empty text are what logs write for nothing. */
export function logged(text: string | undefined): string | undefined {
  return text === undefined || text === '-' || text === '' ? undefined : text;
}
