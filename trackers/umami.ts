/**
 * Umami's requests. A distinct id is a user's; else whoever takes them tells visitors apart. Times are in seconds.
 */
import { countryOf } from './country.ts';
import { type Tracked, fault, NOTHING } from './event.ts';
import type { AnonymousRequest } from './plausible.ts';
import { othersOf } from './properties.ts';
import {
  amountOf,
  type Fields,
  fieldsOf,
  firstText,
  given,
  idTextOf,
  isFields,
  numberOf,
  textOf,
} from './values.ts';
import { visitorName } from './visitor-name.ts';

/** What a request is for: a website, a link or a pixel, by its id. */
export function siteOfUmami(body: unknown): string | undefined {
  const payload = fieldsOf(fieldsOf(body)['payload']);
  return firstText(payload['website'], payload['link'], payload['pixel'])?.toLowerCase();
}

/** One request. */
export function readUmami(body: unknown, request: AnonymousRequest): Tracked {
  if (!isFields(body)) return fault('the body must be a JSON object');
  const { type, payload } = body;
  if (!isFields(payload)) return fault('payload must be a JSON object');
  if (type === 'identify' || type === 'performance') return NOTHING;
  if (type !== 'event') return fault('type must be event, identify or performance');
  const at = timeOfPayload(payload, request.receivedAt);
  if (at === undefined) return fault('payload.timestamp must be epoch seconds');
  const name = textOf(payload['name']);
  const userId = idTextOf(payload['id']);
  const data = fieldsOf(payload['data']);
  const revenue = name === undefined ? undefined : amountOf(data['revenue']);
  const isPurchase = name?.toLowerCase() === 'purchase';
  const eventType =
    name === undefined
      ? 'pageview'
      : isPurchase
        ? 'purchase'
        : revenue === undefined
          ? name
          : 'conversion';
  const userAgent = firstText(payload['userAgent'], request.userAgent);
  const event = {
    ...given({ eventType, timestamp: at, userId }),
    properties: given({
      ...othersOf(data),
      ...pageOfPayload(payload),
      referrer: referrerOf(payload),
      userAgent,
      browser: textOf(payload['browser']),
      os: textOf(payload['os']),
      deviceType: textOf(payload['device']),
      country: countryOf(payload['country']),
      language: textOf(payload['language']),
      screen: textOf(payload['screen']),
      revenue,
      currency: revenue === undefined ? undefined : textOf(data['currency']),
      conversionType: eventType === 'conversion' ? name : undefined,
    }),
  };
  const visitor = userId === undefined ? request.visitor : visitorName('id', userId);
  return [{ event, visitor }];
}

function timeOfPayload(payload: Fields, receivedAt: number): number | undefined {
  const { timestamp } = payload;
  if (timestamp === undefined || timestamp === null) return receivedAt;
  const seconds = numberOf(timestamp);
  // What is larger were milliseconds.
  return seconds === undefined || seconds < 0 || seconds > 1e11
    ? undefined
    : Math.floor(seconds * 1_000);
}

/** An address is often the path alone. */
function pageOfPayload(payload: Fields): Fields {
  const said = textOf(payload['url']);
  if (said === undefined) return {};
  const address = isEscapedTwice(said) ? said.replaceAll('%25', '%') : said;
  const host = textOf(payload['hostname']);
  const base = host === undefined ? undefined : `https://${host}`;
  if (URL.canParse(address)) return { url: address };
  return base !== undefined && URL.canParse(address, base)
    ? { url: new URL(address, base).href }
    : // The border reads one without a host too: its campaign, and the path without it.
      address.startsWith('/')
      ? { url: address }
      : { path: address };
}

/** Scripts of Umami 2.10 escape the address at which they were loaded, which is escaped, once more. */
function isEscapedTwice(address: string): boolean {
  return /%25[\da-f]{2}/i.test(address) && !/%(?!25[\da-f]{2})/i.test(address);
}

/** Also a page of the same site is told, as a path or an address. */
function referrerOf(payload: Fields): string | undefined {
  const referrer = textOf(payload['referrer']);
  return referrer !== undefined && URL.canParse(referrer) ? referrer : undefined;
}
