/**
 * Requests of GA4's Measurement Protocol. A session id is unique only within its client, so the two are one together;
 * without one, the client is the visitor whose events are cut into sessions.
 */
import { createHash } from 'node:crypto';
import { countryOf } from './country.ts';
import { type Tracked, type TrackedEvent, type Fault, fault } from './event.ts';
import { asRead, othersOf, visitOf } from './properties.ts';
import {
  amountOf,
  type Fields,
  fieldsOf,
  firstId,
  firstText,
  given,
  idTextOf,
  isFields,
  numberOf,
  sessionIdOf,
  textOf,
} from './values.ts';

export interface Ga4Request {
  /** Epoch milliseconds. */
  readonly receivedAt: number;
}

/** Names that are not what a visitor did. */
const KINDS: ReadonlyMap<string, string | undefined> = new Map([
  ['page_view', 'pageview'],
  ['screen_view', 'pageview'],
  ['user_engagement', 'heartbeat'],
  ['first_visit', undefined],
  ['first_open', undefined],
]);

/** All events of a request. */
export function readGa4(body: unknown, request: Ga4Request): Tracked {
  if (!isFields(body)) return fault('the body must be a JSON object');
  const { events } = body;
  if (!Array.isArray(events)) return fault('events must be an array');
  const client = idAsRead(firstId(body['client_id'], body['app_instance_id']));
  if (client === undefined) return fault('client_id is required');
  const common = { client, receivedAt: request.receivedAt, ...commonOf(body) };
  const seen = new Map<string, number>();
  return (events as readonly unknown[]).flatMap((event, index) =>
    readEvent(event, { ...common, index, seen }),
  );
}

/** What stands once in a request, cut to what is read of it: each of thousands of events has it. */
interface Common {
  readonly micros: unknown;
  readonly userId: string | undefined;
  readonly language: string | undefined;
  readonly properties: Fields;
}

function commonOf(body: Fields): Common {
  const device = fieldsOf(body['device']);
  const place = fieldsOf(body['user_location']);
  return {
    micros: body['timestamp_micros'],
    userId: idAsRead(idTextOf(body['user_id'])),
    language: asRead(textOf(device['language'])),
    properties: {
      userAgent: asRead(textOf(body['user_agent'])),
      deviceType: asRead(textOf(device['category'])),
      browser: asRead(textOf(device['browser'])),
      os: asRead(textOf(device['operating_system'])),
      screen: asRead(textOf(device['screen_resolution'])),
      country: asRead(countryOf(place['country_id'])),
    },
  };
}

const ID_CHARS_MAX = 256;

/** Of one that is too long as much as tells the border so. A character is two places at most. */
function idAsRead(id: string | undefined): string | undefined {
  return id?.slice(0, 2 * ID_CHARS_MAX + 1);
}

interface Around extends Common {
  readonly client: string;
  /** Epoch milliseconds. */
  readonly receivedAt: number;
  readonly index: number;
  /** How many there were of each content so far; each event adds itself. */
  readonly seen: Map<string, number>;
}

function readEvent(event: unknown, around: Around): readonly (TrackedEvent | Fault)[] {
  const { client, userId, index, seen } = around;
  if (!isFields(event)) return fault(`events[${index}] must be a JSON object`);
  const name = textOf(event['name']);
  if (name === undefined) return fault(`events[${index}].name is required`);
  if (KINDS.has(name) && KINDS.get(name) === undefined) return [];
  const eventType = KINDS.get(name) ?? name;
  const params = fieldsOf(event['params']);
  const micros = event['timestamp_micros'] ?? around.micros;
  const at = timeOfMicros(micros, around.receivedAt);
  if (at === undefined) return fault(`events[${index}].timestamp_micros must be microseconds`);
  const session = idTextOf(params['session_id']);
  const tracked = {
    ...given({
      eventType,
      sessionId: session && sessionIdOf(client, session),
      timestamp: at,
      eventId: idOf({ name, params, micros, client }, seen),
      userId,
      visitorId: client,
    }),
    properties: propertiesOf(around, params, eventType),
  };
  return [session === undefined ? { event: tracked, visitor: client } : { event: tracked }];
}

function timeOfMicros(micros: unknown, receivedAt: number): number | undefined {
  if (micros === undefined || micros === null || micros === '') return receivedAt;
  const number = numberOf(micros);
  return number === undefined || number < 1e14 ? undefined : Math.floor(number / 1_000);
}

/**
 * An order is counted once by its number; what names its moment is the same event when it comes again. Equal ones of
 * one request are several, told apart by their order: a retry has the same.
 */
function idOf(
  event: {
    readonly name: string;
    readonly params: Fields;
    readonly micros: unknown;
    readonly client: string;
  },
  seen: Map<string, number>,
): string | undefined {
  const order = event.name === 'purchase' ? idTextOf(event.params['transaction_id']) : undefined;
  if (order !== undefined) return `order:${order}`.slice(0, 128);
  if (textOf(event.micros) === undefined) return undefined;
  const parts = [event.client, event.micros, event.name, event.params];
  const content = JSON.stringify(parts);
  const before = seen.get(content) ?? 0;
  seen.set(content, before + 1);
  // The first has no number: a request that was sent before there were any keeps its ids.
  const text = before === 0 ? content : JSON.stringify([...parts, before]);
  return createHash('sha256').update(text).digest('base64url').slice(0, 22);
}

function propertiesOf(common: Common, params: Fields, eventType: string): Record<string, unknown> {
  const hasRevenue = eventType === 'purchase' || eventType === 'conversion';
  return given({
    ...othersOf(params, (name) => !NOT_OTHERS.has(name)),
    ...visitOf(params['page_location'], {
      source: params['source'],
      medium: params['medium'],
      name: params['campaign'],
      term: params['term'],
      content: params['content'],
    }),
    ...(textOf(params['page_location']) === undefined && {
      path: firstText(params['page_path'], params['screen_name'], params['firebase_screen']),
    }),
    referrer: textOf(params['page_referrer']),
    ...common.properties,
    language: firstText(common.language, params['language']),
    ...(hasRevenue && { revenue: amountOf(params['value']), currency: textOf(params['currency']) }),
  });
}

const NOT_OTHERS: ReadonlySet<string> = new Set([
  ...['session_id', 'engagement_time_msec', 'items'],
  ...['page_location', 'page_referrer', 'page_path', 'source'],
]);
