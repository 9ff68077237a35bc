/**
 * Snowplow's events, raw as its trackers send them (`payload_data`, all values texts); what they have in common with
 * enriched ones: kinds, self-describing events, contexts, orders.
 */
import { type Received, type Tracked, fault, NOTHING } from './event.ts';
import { othersOf, pageOf } from './properties.ts';
import {
  amountOf,
  corrected,
  type Fields,
  fieldsOf,
  firstId,
  firstText,
  given,
  idTextOf,
  isFields,
  numberOf,
  parsedJson,
  textOf,
  timeOf,
} from './values.ts';

/** An event that says of itself what it is: `iglu:vendor/name/jsonschema/1-0-0`. */
export interface SelfDescribing {
  readonly vendor: string;
  readonly name: string;
  readonly data: Fields;
}

/** What raw and enriched events have alike, whatever they call it. */
export interface SnowplowParts {
  /** As `e` says: `pv`, `pp`, `se`, `ue`, `tr`, `ti`. */
  readonly kind: string | undefined;
  /** Epoch milliseconds, corrected. */
  readonly at: number | undefined;
  readonly eventId: unknown;
  readonly userId: unknown;
  /** Of the first-party cookie, and of the collector's: devices. */
  readonly deviceIds: readonly unknown[];
  readonly sessionId: unknown;
  /** Key of the visitor, made of the request, for events that say nothing of whose they are. */
  readonly visitor?: string | undefined;
  readonly action: unknown;
  readonly selfDescribing: SelfDescribing | undefined;
  readonly contexts: readonly SelfDescribing[];
  readonly url: unknown;
  readonly campaign?: Fields;
  readonly total: unknown;
  readonly currency: unknown;
  /** Properties of other names, as our own events call them. */
  readonly properties: Fields;
}

/** Of a request of the tracker protocol: the header is the user agent where the payload has none. */
export interface SnowplowRequest extends Received {
  readonly userAgent?: string | undefined;
  /** Key of the visitor, made of the request. */
  readonly visitor?: string | undefined;
}

/**
 * Whether a payload says nothing of whose it is, so that the request has to (`anonymousTracking`). Never of a server:
 * its address is not the visitor's.
 */
export function isAnonymous(payload: unknown): boolean {
  const fields = fieldsOf(payload);
  const ids = ['sid', 'duid', 'tnuid', 'nuid', 'uid'].map((name) => fields[name]);
  return firstId(...ids) === undefined && fields['p'] !== 'srv';
}

/**
 * One payload: an element of `data` of a POST, or the query of a GET.
 * @param request `receivedAt` by the collector's clock; the payload's own `stm` is when it was sent
 */
export function readSnowplow(payload: unknown, request: SnowplowRequest = {}): Tracked {
  if (!isFields(payload)) return fault('a payload must be a JSON object');
  return fromSnowplow({
    kind: textOf(payload['e']),
    at: timeOfPayload(payload, request),
    eventId: payload['eid'],
    userId: payload['uid'],
    deviceIds: [payload['duid'], payload['tnuid'], payload['nuid']],
    sessionId: payload['sid'],
    visitor: isAnonymous(payload) ? request.visitor : undefined,
    action: payload['se_ac'],
    selfDescribing: selfDescribingOf(jsonOf(payload['ue_px'], payload['ue_pr'])),
    contexts: contextsOf(jsonOf(payload['cx'], payload['co'])),
    url: payload['url'],
    total: payload['tr_tt'],
    currency: payload['tr_cu'],
    properties: {
      referrer: textOf(payload['refr']),
      userAgent: firstText(payload['ua'], request.userAgent),
      language: textOf(payload['lang']),
      screen: textOf(payload['res']),
    },
  });
}

/** `ttm` is the true time, where somebody has said it; else the device's clock, corrected by when it was sent. */
function timeOfPayload(payload: Fields, request: SnowplowRequest): number | undefined {
  const { ttm, dtm, stm } = payload;
  if (textOf(ttm) !== undefined) return timeOf(ttm);
  if (textOf(dtm) === undefined) return request.receivedAt;
  const at = timeOf(dtm);
  return at === undefined ? undefined : corrected(at, { ...request, sentAt: timeOf(stm) });
}

/** JSON that is base64 with the alphabet of addresses, or plain. */
function jsonOf(encoded: unknown, plain: unknown): unknown {
  const text = textOf(encoded);
  return text === undefined
    ? parsedJson(textOf(plain) ?? 'null')
    : parsedJson(Buffer.from(text, 'base64url').toString());
}

/** The inner one of an `unstruct_event`, or of its text. */
export function selfDescribingOf(value: unknown): SelfDescribing | undefined {
  return entityOf(fieldsOf(value)['data']);
}

/** The entities of an envelope `contexts`. */
export function contextsOf(value: unknown): readonly SelfDescribing[] {
  const { data } = fieldsOf(value);
  if (!Array.isArray(data)) return [];
  return data.flatMap((entity: unknown) => entityOf(entity) ?? []);
}

function entityOf(value: unknown): SelfDescribing | undefined {
  const { schema, data } = fieldsOf(value);
  if (typeof schema !== 'string') return undefined;
  const [, vendor, name] = /^iglu:([^/]{1,128})\/([^/]{1,128})\//.exec(schema) ?? [];
  return vendor === undefined || name === undefined
    ? undefined
    : { vendor, name, data: fieldsOf(data) };
}

/** What an event means, besides its type. */
interface Meaning {
  readonly eventType: string;
  readonly revenue?: unknown;
  readonly currency?: unknown;
  /** Its name. */
  readonly screen?: unknown;
}

/** Raw and enriched alike. */
export function fromSnowplow(parts: SnowplowParts): Tracked {
  const meaning = meaningOf(parts);
  if (meaning === undefined || 'fault' in meaning) return meaning ? [meaning] : NOTHING;
  if (parts.at === undefined) return fault('the time (dtm, derived_tstamp) cannot be read');
  const client = parts.contexts.find(({ name }) => name === 'client_session')?.data ?? {};
  const userId = idTextOf(parts.userId);
  const device = firstId(...parts.deviceIds, client['userId']);
  const sessionId = firstId(parts.sessionId, client['sessionId']);
  const visitor = device ?? userId ?? parts.visitor;
  if (sessionId === undefined && visitor === undefined) {
    return fault('sid is required, or duid, nuid or uid to tell whose event it is');
  }
  const event = {
    ...given({
      eventType: meaning.eventType,
      sessionId,
      timestamp: parts.at,
      eventId: idTextOf(parts.eventId),
      userId,
      visitorId: device,
    }),
    properties: given({
      ...othersOf(parts.selfDescribing?.data),
      ...pageOf({ url: parts.url, name: meaning.screen, campaign: parts.campaign }),
      ...parts.properties,
      ...(isSpider(parts.contexts) && { bot: true }),
      revenue: amountOf(meaning.revenue),
      currency: textOf(meaning.currency),
    }),
  };
  return [sessionId === undefined ? { event, visitor: visitor ?? '' } : { event }];
}

function meaningOf(parts: SnowplowParts): Meaning | { readonly fault: string } | undefined {
  switch (parts.kind) {
    case 'pv':
      return { eventType: 'pageview' };
    case 'pp':
      return { eventType: 'heartbeat' };
    case 'se': {
      const action = textOf(parts.action);
      return action === undefined ? { fault: 'se_ac is required' } : { eventType: action };
    }
    case 'ue':
      return parts.selfDescribing === undefined
        ? { fault: 'ue_px must hold a self-describing event, with its schema' }
        : meaningOfSelfDescribing(parts.selfDescribing, parts.contexts);
    case 'tr':
      return { eventType: 'purchase', revenue: parts.total, currency: parts.currency };
    // A part of an order, which has an event of its own.
    case 'ti':
      return undefined;
    case undefined:
      return { fault: 'e is required: the kind of the event' };
    default:
      return { fault: `e must be pv, pp, se, ue, tr or ti, but is "${parts.kind.slice(0, 40)}"` };
  }
}

/** Measurements of a page or a request, not what a visitor does. */
const NOT_EVENTS: ReadonlySet<string> = new Set(['web_vitals', 'screen_end', 'performance_timing']);

function meaningOfSelfDescribing(
  { name, data }: SelfDescribing,
  contexts: readonly SelfDescribing[],
): Meaning | undefined {
  if (NOT_EVENTS.has(name)) return undefined;
  if (name === 'screen_view') return { eventType: 'pageview', screen: textOf(data['name']) };
  if (name !== 'snowplow_ecommerce_action') return { eventType: name };
  const action = textOf(data['type']) ?? name;
  if (action !== 'transaction') return { eventType: action };
  const order = contexts.find((context) => context.name === 'transaction')?.data ?? {};
  return { eventType: 'purchase', revenue: order['revenue'], currency: order['currency'] };
}

/** As the enrichment with IAB's list says. */
function isSpider(contexts: readonly SelfDescribing[]): boolean {
  const iab = contexts.find(({ name }) => name === 'spiders_and_robots');
  return iab?.data['spiderOrRobot'] === true || numberOf(iab?.data['spiderOrRobot']) === 1;
}
