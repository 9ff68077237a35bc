/**
 * PostHog's events, as its libraries send them and as its exports keep them. Names that begin with a dollar sign are
 * PostHog's own: pages and screens are page views; that somebody clicked or left says only that the session was still
 * looked at; the rest is no event of a visitor.
 */
import { countryOf } from './country.ts';
import { type Received, type Tracked, fault, NOTHING } from './event.ts';
import { othersOf, pageOf } from './properties.ts';
import {
  amountOf,
  corrected,
  type Fields,
  fieldsOfText,
  firstId,
  firstText,
  given,
  idTextOf,
  isFields,
  numberOf,
  screenOf,
  textOf,
  timeOf,
} from './values.ts';

const KINDS: ReadonlyMap<string, string> = new Map([
  ['$pageview', 'pageview'],
  ['$screen', 'pageview'],
  ['$pageleave', 'heartbeat'],
  ['$autocapture', 'heartbeat'],
  ['$rageclick', 'heartbeat'],
]);

/** What its script writes for the id of somebody who has not agreed to have one: the same for all of them. */
const COOKIELESS = '$posthog_cookieless';

/** Of a request: `sentAt` is the envelope's `sent_at`. */
export interface PosthogRequest extends Received {
  /** Key of the visitor, made of the request: for those whom the event does not tell apart. */
  readonly visitor?: string | undefined;
}

/** Whether an event tells nothing of whose it is, so that the request has to (`cookieless_mode` of the script). */
export function isCookieless(captured: unknown): boolean {
  if (!isFields(captured)) return false;
  const properties = fieldsOfText(captured['properties']);
  return hasNoCookie(properties, distinctIdOf(captured, properties));
}

function hasNoCookie(properties: Fields, distinctId: string | undefined): boolean {
  return properties['$cookieless_mode'] === true || distinctId === COOKIELESS;
}

function distinctIdOf(captured: Fields, properties: Fields): string | undefined {
  return firstId(captured['distinct_id'], properties['distinct_id'], captured['$distinct_id']);
}

/** One event. */
export function readPosthog(captured: unknown, received: PosthogRequest = {}): Tracked {
  if (!isFields(captured)) return fault('an event must be a JSON object');
  const name = textOf(captured['event']);
  if (name === undefined) return fault('event is required: the name of what happened');
  const eventType = name.startsWith('$') ? KINDS.get(name) : name;
  if (eventType === undefined) return NOTHING;
  const properties = fieldsOfText(captured['properties']);
  const at = timeOfEvent(captured, properties, received);
  if (at === undefined) return fault('timestamp must be a time');
  const stated = distinctIdOf(captured, properties);
  const distinctId = stated === COOKIELESS ? undefined : stated;
  // Also who has logged in without a cookie, and is a user now, has the session of before.
  const visitor = hasNoCookie(properties, stated) ? (received.visitor ?? distinctId) : distinctId;
  const sessionId = idTextOf(properties['$session_id']);
  if (visitor === undefined && sessionId === undefined) return fault('distinct_id is required');
  const event = {
    ...given({
      eventType,
      sessionId,
      timestamp: at,
      eventId: idTextOf(captured['uuid']),
      ...whoOf(distinctId, properties),
    }),
    properties: propertiesOf(properties, eventType),
  };
  return [sessionId === undefined ? { event, visitor: visitor ?? '' } : { event }];
}

/** By the client's clock, corrected; or so many milliseconds before it arrived. */
function timeOfEvent(captured: Fields, properties: Fields, received: Received): number | undefined {
  const stated = captured['timestamp'] ?? properties['timestamp'];
  if (stated === undefined || stated === null || stated === '') {
    if (received.receivedAt === undefined) return undefined;
    const offset = Math.floor(numberOf(captured['offset']) ?? 0);
    return received.receivedAt - Math.min(Math.max(0, offset), received.receivedAt);
  }
  const at = timeOf(stated);
  if (at === undefined || properties['$ignore_sent_at'] === true) return at;
  return corrected(at, {
    ...received,
    sentAt: timeOf(captured['sent_at']) ?? received.sentAt,
  });
}

/** A distinct id is a user's once it was identified; before that it is a device's. */
function whoOf(distinctId: string | undefined, properties: Fields): Fields {
  const device = idTextOf(properties['$device_id']);
  const isUser =
    typeof properties['$is_identified'] === 'boolean'
      ? properties['$is_identified']
      : distinctId !== device && properties['$process_person_profile'] !== false;
  return {
    userId: idTextOf(properties['$user_id']) ?? (isUser ? distinctId : undefined),
    visitorId: device ?? (isUser ? undefined : distinctId),
  };
}

function propertiesOf(properties: Fields, eventType: string): Record<string, unknown> {
  const userAgent = firstText(properties['$raw_user_agent'], properties['$user_agent']);
  const isPurchase = eventType === 'purchase' || eventType === 'conversion';
  const referrer = textOf(properties['$referrer']);
  return given({
    ...othersOf(properties, (name) => !name.startsWith('$') && !name.startsWith('utm_')),
    ...pageOf({
      url: properties['$current_url'],
      path: properties['$pathname'],
      name: properties['$screen_name'],
      campaign: {
        source: properties['utm_source'],
        medium: properties['utm_medium'],
        name: properties['utm_campaign'],
        term: properties['utm_term'],
        content: properties['utm_content'],
      },
    }),
    referrer: referrer === '$direct' ? undefined : referrer,
    userAgent,
    // Of a server, `$os` and the like are its own.
    ...(userAgent === undefined && properties['$is_server'] !== true && agentOf(properties)),
    country: countryOf(properties['$geoip_country_code']),
    language: firstText(properties['$browser_language'], properties['$locale']),
    screen: screenOf(properties['$screen_width'], properties['$screen_height']),
    appVersion: textOf(properties['$app_version']),
    ...(isPurchase && {
      revenue: amountOf(properties['revenue'] ?? properties['$revenue']),
      currency: firstText(properties['currency'], properties['$currency']),
    }),
  });
}

/** As Sojourn names systems; PostHog has older names for some. */
const SYSTEMS: Readonly<Record<string, string>> = { 'Mac OS X': 'macOS', 'Mac OS': 'macOS' };

/** What PostHog has read out of the user agent, where it has not kept that. */
function agentOf(properties: Fields): Fields {
  const os = textOf(properties['$os']);
  return {
    browser: textOf(properties['$browser']),
    os: os === undefined ? undefined : (SYSTEMS[os] ?? os),
    deviceType: textOf(properties['$device_type'])?.toLowerCase(),
  };
}
