/**
 * Rows of GA4's export to BigQuery (`events_YYYYMMDD`), as BigQuery extracts them: NDJSON, where whole numbers are
 * texts, or Parquet, where they are whole numbers of 64 bits. The same row gives the same event out of both.
 */
import { hash } from 'node:crypto';
import { countryOf } from '../../trackers/country.ts';
import { fault, NOTHING, type Tracked } from '../../trackers/event.ts';
import { visitOf } from '../../trackers/properties.ts';
import {
  amountOf,
  type Fields,
  fieldsOf,
  firstText,
  given,
  idTextOf,
  sessionIdOf,
  textOf,
} from '../../trackers/values.ts';
import { visitorName } from '../../trackers/visitor-name.ts';
import type { ImportFormat } from './format.ts';
import { objectReader } from './lines.ts';

export const ga4: ImportFormat = {
  name: 'ga4',
  about: 'rows of the BigQuery export of Google Analytics 4: NDJSON or Parquet',
  takes: 'both',
  columns: [
    'event_name',
    'event_timestamp',
    'event_params',
    'user_pseudo_id',
    'user_id',
    'batch_page_id',
    'batch_ordering_id',
    'batch_event_index',
    'device',
    'geo',
    'app_info',
    'ecommerce',
    'collected_traffic_source',
  ],
  open: () => objectReader((row) => readRow(fieldsOf(row))),
};

/** GA4's own events that mean something else to us; undefined where nothing is to be counted. */
const KINDS: ReadonlyMap<string, string | undefined> = new Map([
  ['page_view', 'pageview'],
  ['screen_view', 'pageview'],
  ['user_engagement', 'heartbeat'],
  ['first_visit', undefined],
  ['first_open', undefined],
  ['app_remove', undefined],
  ['app_update', undefined],
  ['os_update', undefined],
]);

function readRow(row: Fields): Tracked {
  const name = textOf(row['event_name']);
  if (name === undefined) return fault('event_name is required');
  const eventType = KINDS.has(name) ? KINDS.get(name) : name;
  if (eventType === undefined) return NOTHING;
  const micros = microsOf(row['event_timestamp']);
  if (micros === undefined) return fault('event_timestamp must be microseconds since 1970');
  const params = paramsOf(row['event_params']);
  const client = idTextOf(row['user_pseudo_id']);
  const userId = idTextOf(row['user_id']);
  const visitor = client ?? (userId === undefined ? undefined : visitorName('user', userId));
  if (visitor === undefined) {
    return fault('user_pseudo_id is empty: without consent GA4 does not say whose event it is');
  }
  const session = idTextOf(params.get('ga_session_id'));
  const event = {
    ...given({
      eventType,
      sessionId: session && sessionIdOf(visitor, session),
      timestamp: Math.floor(Number(micros) / 1_000),
      eventId: eventIdOf(row, visitor, name, micros),
      userId,
      visitorId: client,
    }),
    properties: propertiesOf(row, params, eventType),
  };
  return [session === undefined ? { event, visitor } : { event }];
}

function microsOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text !== undefined && /^\d{14,17}$/.test(text) ? text : undefined;
}

/** GA4 has none: what it says an event is told apart by. Without it the engine makes an id of the whole row. */
function eventIdOf(row: Fields, visitor: string, name: string, micros: string): string | undefined {
  const batch = ['batch_page_id', 'batch_ordering_id', 'batch_event_index'].map((field) =>
    textOf(row[field]),
  );
  if (batch.every((part) => part === undefined)) return undefined;
  return hash('sha256', JSON.stringify([visitor, name, micros, ...batch]), 'base64url').slice(
    0,
    32,
  );
}

type Params = ReadonlyMap<string, unknown>;

/** Pairs of a key and a value in one of four types; of a key that comes twice, the first. */
function paramsOf(value: unknown): Params {
  const params = new Map<string, unknown>();
  for (const item of itemsOf(value)) {
    const { key, value: typed } = fieldsOf(item);
    if (typeof key !== 'string' || params.has(key)) continue;
    const values = fieldsOf(typed);
    params.set(
      key,
      values['string_value'] ??
        values['int_value'] ??
        values['double_value'] ??
        values['float_value'],
    );
  }
  return params;
}

/** A repeated field: an array, or the list with elements that some writers of Parquet make of it. */
function itemsOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value as readonly unknown[];
  const { list } = fieldsOf(value);
  return Array.isArray(list)
    ? list.map((item: unknown) => fieldsOf(item)['element'] ?? fieldsOf(item)['item'])
    : [];
}

function propertiesOf(row: Fields, params: Params, eventType: string): Record<string, unknown> {
  const device = fieldsOf(row['device']);
  const web = fieldsOf(device['web_info']);
  const url = params.get('page_location');
  return given({
    ...visitOf(url, campaignOf(row, params)),
    ...(textOf(url) === undefined && {
      path: firstText(params.get('firebase_screen'), params.get('firebase_screen_class')),
    }),
    referrer: textOf(params.get('page_referrer')),
    browser: firstText(web['browser'], device['browser']),
    os: systemOf(firstText(device['operating_system'])),
    deviceType: deviceOf(textOf(device['category'])),
    country: countryOf(fieldsOf(row['geo'])['country']),
    language: textOf(device['language']),
    screen: textOf(params.get('screen_resolution')),
    appVersion: textOf(fieldsOf(row['app_info'])['version']),
    ...(eventType === 'purchase' && {
      revenue: amountOf(fieldsOf(row['ecommerce'])['purchase_revenue'] ?? params.get('value')),
      currency: textOf(params.get('currency')),
    }),
  });
}

/** What was collected with this event, not the user's first source, which `traffic_source` holds. */
function campaignOf(row: Fields, params: Params): Fields {
  const collected = fieldsOf(row['collected_traffic_source']);
  return {
    source: told(collected['manual_source'] ?? params.get('source')),
    medium: told(collected['manual_medium'] ?? params.get('medium')),
    name: told(collected['manual_campaign_name'] ?? params.get('campaign')),
    term: told(collected['manual_term'] ?? params.get('term')),
    content: told(collected['manual_content'] ?? params.get('content')),
  };
}

/** GA4 says in brackets that it does not know: `(direct)`, `(none)`, `(not set)`, `(organic)`. */
function told(value: unknown): string | undefined {
  const text = textOf(value);
  return text === undefined || /^\(.*\)$/.test(text) ? undefined : text;
}

function systemOf(text: string | undefined): string | undefined {
  if (text === 'Macintosh') return 'macOS';
  return text === '<Other>' || text === 'Web' ? undefined : text;
}

function deviceOf(text: string | undefined): string | undefined {
  return text === 'smart tv' ? 'tv' : text;
}
