/**
 * Plausible's events. They bring no session, no visitor, no id and no time: the moment of arrival counts, and whoever
 * takes them tells visitors apart. What carries revenue is what Plausible calls a revenue goal: here a conversion.
 */
import { type Tracked, fault } from './event.ts';
import { othersOf } from './properties.ts';
import {
  amountOf,
  type Fields,
  fieldsOfText,
  firstText,
  given,
  isFields,
  numberOf,
  parsedJson,
  textOf,
} from './values.ts';

/** A request without an id of its own: whose it is, is known by what brought it. */
export interface AnonymousRequest {
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  readonly userAgent?: string | undefined;
  /** Key of the visitor, made of the request. */
  readonly visitor: string;
}

/** The sites that a request is for: a comma stands between several. In lower case, as host names are alike in any. */
export function sitesOfPlausible(body: unknown): readonly string[] {
  if (!isFields(body)) return [];
  const sites = firstText(body['d'], body['domain']) ?? '';
  return sites
    .split(',')
    .map((site) => site.trim().toLowerCase())
    .filter((site) => site !== '');
}

/** One request, the same for each of its sites. Names are long or short, as the script or a server sends them. */
export function readPlausible(body: unknown, request: AnonymousRequest): Tracked {
  if (!isFields(body)) return fault('the body must be a JSON object');
  const name = firstText(body['n'], body['name']);
  if (name === undefined) return fault('name is required');
  const url = firstText(body['u'], body['url']);
  if (url === undefined) return fault('url is required');
  const { amount, currency } = fieldsOfText(body['$'] ?? body['revenue']);
  const event = {
    ...kindOf(name),
    timestamp: request.receivedAt,
    properties: given({
      ...othersOf(propsOf(body)),
      url,
      path: pathOf(url, body['h'] ?? body['hashMode']),
      referrer: firstText(body['r'], body['referrer']),
      userAgent: request.userAgent,
      ...revenueOf(name, amount, currency),
    }),
  };
  const isOther = event.eventType === name && !isPurchase(name);
  const isGoal = isOther && event.properties['revenue'] !== undefined;
  return [
    {
      event: isGoal ? { ...event, eventType: 'conversion' } : event,
      visitor: request.visitor,
    },
  ];
}

/**
 * Of what the border would read otherwise: escaped characters are read, and where a site's pages are told by the
 * fragment of the address, so are they here.
 */
function pathOf(url: string, hashMode: unknown): string | undefined {
  if (!URL.canParse(url)) return undefined;
  const { pathname, hash } = new URL(url);
  const isHashed = hashMode === true || numberOf(hashMode) === 1;
  const path = isHashed ? `${pathname}${hash}` : pathname;
  return isHashed || path.includes('%') ? unescaped(path) : undefined;
}

/** As it is, where its percent signs mean nothing. */
function unescaped(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function kindOf(name: string): { readonly eventType: string } {
  // Sent while a page is left or scrolled: it is still looked at.
  if (name === 'engagement') return { eventType: 'heartbeat' };
  return { eventType: isPurchase(name) ? 'purchase' : name };
}

function isPurchase(name: string): boolean {
  return name.toLowerCase() === 'purchase';
}

function revenueOf(name: string, amount: unknown, currency: unknown): Fields {
  const revenue = amountOf(amount);
  if (revenue === undefined) return {};
  return {
    revenue,
    currency: textOf(currency),
    ...(!isPurchase(name) && { conversionType: name }),
  };
}

/** Its script writes JSON inside of JSON. */
function propsOf(body: Fields): unknown {
  const props = body['p'] ?? body['props'] ?? body['m'] ?? body['meta'];
  return typeof props === 'string' ? parsedJson(props) : props;
}
