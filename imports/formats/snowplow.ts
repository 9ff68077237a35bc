/** Snowplow's enriched events: lines of 131 values between tabs, in fixed order, without a head. */
import { fault, type Tracked } from '../../trackers/event.ts';
import { contextsOf, fromSnowplow, selfDescribingOf } from '../../trackers/snowplow.ts';
import { parsedJson, screenOf, timeOf } from '../../trackers/values.ts';
import type { ImportFormat } from './format.ts';
import { lineReader } from './lines.ts';

export const snowplow: ImportFormat = {
  name: 'snowplow',
  about: 'enriched events of Snowplow: TSV of 131 columns',
  takes: 'lines',
  open: () => lineReader((line) => (line === '' ? [] : readEnriched(line))),
};

const COLUMNS_COUNT = 131;
/** Of those that are read: their places, from 0, in the order of the canonical event. */
const PLACES = {
  collector_tstamp: 3,
  dvce_created_tstamp: 4,
  event: 5,
  event_id: 6,
  user_id: 12,
  domain_userid: 15,
  network_userid: 17,
  geo_country: 18,
  page_url: 29,
  page_referrer: 31,
  mkt_medium: 47,
  mkt_source: 48,
  mkt_term: 49,
  mkt_content: 50,
  mkt_campaign: 51,
  contexts: 52,
  se_action: 54,
  unstruct_event: 58,
  tr_total: 61,
  useragent: 77,
  br_lang: 83,
  dvce_screenwidth: 103,
  dvce_screenheight: 104,
  tr_currency: 108,
  derived_contexts: 122,
  domain_sessionid: 123,
  derived_tstamp: 124,
  true_tstamp: 130,
} as const;

const KINDS: Readonly<Record<string, string>> = {
  page_view: 'pv',
  page_ping: 'pp',
  struct: 'se',
  unstruct: 'ue',
  transaction: 'tr',
  transaction_item: 'ti',
};

function readEnriched(line: string): Tracked {
  const values = line.split('\t', COLUMNS_COUNT + 1);
  if (values.length !== COLUMNS_COUNT) {
    return fault(
      `an enriched event has ${COLUMNS_COUNT} columns, but this line has ${countOf(values)}`,
    );
  }
  const value = (name: keyof typeof PLACES): string | undefined =>
    values[PLACES[name]] || undefined;
  const kind = value('event');
  return fromSnowplow({
    kind: kind === undefined ? undefined : Object.hasOwn(KINDS, kind) ? KINDS[kind] : kind,
    at: timeOf(
      value('true_tstamp') ??
        value('derived_tstamp') ??
        value('dvce_created_tstamp') ??
        value('collector_tstamp'),
    ),
    eventId: value('event_id'),
    userId: value('user_id'),
    deviceIds: [value('domain_userid'), value('network_userid')],
    sessionId: value('domain_sessionid'),
    action: value('se_action'),
    selfDescribing: selfDescribingOf(parsedJson(value('unstruct_event') ?? 'null')),
    contexts: [
      ...contextsOf(parsedJson(value('contexts') ?? 'null')),
      ...contextsOf(parsedJson(value('derived_contexts') ?? 'null')),
    ],
    url: value('page_url'),
    campaign: {
      source: value('mkt_source'),
      medium: value('mkt_medium'),
      name: value('mkt_campaign'),
      term: value('mkt_term'),
      content: value('mkt_content'),
    },
    total: value('tr_total'),
    currency: value('tr_currency'),
    properties: {
      referrer: value('page_referrer'),
      userAgent: value('useragent'),
      country: value('geo_country'),
      language: value('br_lang'),
      screen: screenOf(value('dvce_screenwidth'), value('dvce_screenheight')),
    },
  });
}

function countOf(values: readonly string[]): string {
  return values.length > COLUMNS_COUNT ? 'more' : String(values.length);
}
