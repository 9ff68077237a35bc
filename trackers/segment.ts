/**
 * Objects of Segment's spec, which RudderStack shares: calls as libraries send them, and as exports keep them.
 *
 * Segment has no session: sessions are cut from the visitor's events. RudderStack numbers them by the moment they began,
 * so a number is a session only together with its visitor.
 */
import { countryOf } from './country.ts';
import { type Received, type Tracked, fault, NOTHING } from './event.ts';
import { addressAsRead, asRead, othersOf, pageOf } from './properties.ts';
import {
  amountOf,
  corrected,
  type Fields,
  fieldsOf,
  firstId,
  firstText,
  given,
  isFields,
  screenOf,
  sessionIdOf,
  textOf,
  timeOf,
} from './values.ts';
import { visitorName } from './visitor-name.ts';

/** Names that the spec, and its first version, has for an order. */
const ORDERS: ReadonlySet<string> = new Set([
  'order completed',
  'completed order',
  'order_completed',
  'purchase',
]);

/**
 * One call: page, screen and track become an event; identify, group and alias are nothing to count.
 * @param received of the request that brought it; a call that names its own `sentAt` and `receivedAt` goes by these
 */
export function readSegment(call: unknown, received: Received = {}): Tracked {
  if (!isFields(call)) return fault('a call must be a JSON object');
  const type = textOf(call['type'])?.toLowerCase();
  switch (type) {
    case undefined:
      return fault('type is required');
    case 'page':
    case 'screen':
      return readCall(call, { eventType: 'pageview' }, received);
    case 'track': {
      const name = textOf(call['event']);
      if (name === undefined) return fault('event is required: the name of what is tracked');
      return readCall(call, trackedAs(name, fieldsOf(call['properties'])), received);
    }
    case 'identify':
    case 'group':
    case 'alias':
    case 'merge':
    case 'delete':
      return NOTHING;
    default:
      return fault(
        `type must be page, screen, track, identify, group or alias, but is "${type.slice(0, 40)}"`,
      );
  }
}

interface Kind {
  readonly eventType: string;
  readonly revenue?: unknown;
  readonly currency?: unknown;
}

function trackedAs(name: string, properties: Fields): Kind {
  if (!ORDERS.has(name.toLowerCase())) return { eventType: name };
  const { revenue, total, value, currency } = properties;
  return { eventType: 'purchase', revenue: revenue ?? total ?? value, currency };
}

function readCall(call: Fields, kind: Kind, received: Received): Tracked {
  const at = timeOfCall(call, received);
  if (at === undefined) return fault('timestamp must be a time');
  const anonymousId = firstId(call['anonymousId'], call['anonymous_id']);
  const userId = firstId(call['userId'], call['user_id']);
  if (anonymousId === undefined && userId === undefined) {
    return fault('anonymousId or userId is required');
  }
  const visitor =
    anonymousId === undefined
      ? visitorName('user', userId ?? '')
      : visitorName('anonymous', anonymousId);
  const context = fieldsOf(call['context']);
  const session = firstId(context['sessionId'], context['session_id']);
  const event = {
    ...given({
      eventType: kind.eventType,
      sessionId: session && sessionIdOf(anonymousId ?? userId ?? '', session),
      timestamp: at,
      eventId: firstId(call['messageId'], call['message_id']),
      userId,
      visitorId: anonymousId,
    }),
    properties: propertiesOf(call, context, kind),
  };
  return [session === undefined ? { event, visitor } : { event }];
}

/**
 * A context that thousands of calls have in common: what is read of it, and of its texts as much as the border reads.
 * Session ids are whole, since of long ones a hash is read.
 */
export function contextAsRead(context: Fields): Fields {
  const { sessionId, session_id, library } = context;
  const inner = (name: string, ...names: readonly string[]) =>
    picked(fieldsOf(context[name]), names);
  const { url } = fieldsOf(context['page']);
  return {
    ...{ sessionId, session_id, library },
    ...picked(context, ['userAgent', 'user_agent', 'locale']),
    page: {
      ...inner('page', 'path', 'referrer'),
      url: typeof url === 'string' ? addressAsRead(url) : url,
    },
    campaign: inner('campaign', 'source', 'medium', 'name', 'term', 'content'),
    screen: inner('screen', 'width', 'height'),
    os: inner('os', 'name'),
    app: inner('app', 'name', 'version'),
    location: { country: asRead(countryOf(fieldsOf(context['location'])['country'])) },
  };
}

function picked(fields: Fields, names: readonly string[]): Fields {
  return Object.fromEntries(
    names.map((name) => {
      const value = fields[name];
      return [name, typeof value === 'string' ? asRead(value) : value];
    }),
  );
}

/**
 * `timestamp` is what the server has corrected where `originalTimestamp` is there beside it; in a call as it was sent
 * it is the sender's clock, or what the caller wants it to be.
 */
function timeOfCall(call: Fields, received: Received): number | undefined {
  const original = timeOf(call['originalTimestamp'] ?? call['original_timestamp']);
  const stored = timeOf(call['timestamp']);
  const receivedAt = timeOf(call['receivedAt'] ?? call['received_at']);
  if (stored !== undefined && (original !== undefined || receivedAt !== undefined)) return stored;
  const at = original ?? stored;
  if (at === undefined) return call['timestamp'] === undefined ? received.receivedAt : undefined;
  return corrected(at, {
    sentAt: timeOf(call['sentAt'] ?? call['sent_at']) ?? received.sentAt,
    receivedAt: receivedAt ?? received.receivedAt,
  });
}

/** RudderStack's page script says that it is the app itself, with its own version, unless a site says better. */
function appVersionOf(context: Fields): string | undefined {
  const [app, library] = [fieldsOf(context['app']), fieldsOf(context['library'])];
  const version = textOf(app['version']);
  const isSame = (name: string) => textOf(app[name]) === textOf(library[name]);
  const isLibrary = textOf(app['name']) !== undefined && isSame('name') && isSame('version');
  return isLibrary ? undefined : version;
}

function propertiesOf(call: Fields, context: Fields, kind: Kind): Record<string, unknown> {
  const properties = fieldsOf(call['properties']);
  const page = fieldsOf(context['page']);
  const screen = fieldsOf(context['screen']);
  const os = fieldsOf(context['os']);
  const userAgent = textOf(context['userAgent'] ?? context['user_agent']);
  const isScreen = call['type'] === 'screen';
  return given({
    ...othersOf(properties),
    ...pageOf({
      url: firstText(properties['url'], page['url']),
      path: firstText(properties['path'], page['path']),
      name: isScreen ? (call['name'] ?? properties['name']) : undefined,
      campaign: fieldsOf(context['campaign']),
    }),
    referrer: firstText(properties['referrer'], page['referrer']),
    userAgent,
    // What an app runs on, where no user agent says it.
    os: userAgent === undefined ? textOf(os['name']) : undefined,
    country: countryOf(fieldsOf(context['location'])['country']),
    language: textOf(context['locale']),
    screen: screenOf(screen['width'], screen['height']),
    appVersion: appVersionOf(context),
    revenue: amountOf(kind.revenue),
    currency: textOf(kind.currency),
  });
}
