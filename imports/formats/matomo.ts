/**
 * Matomo's visits, in two forms that hold what a visit needs in one place: the visits of `Live.getLastVisitsDetails`,
 * one a line, and a query over its log tables (docs/import-formats.md has it), as CSV, TSV or NDJSON. A dump of the
 * tables alone cannot be read in one pass: a row of `log_link_visit_action` names its page by a number.
 */
import { countryOf } from '../../trackers/country.ts';
import { fault, NOTHING, type Tracked, type TrackedEvent } from '../../trackers/event.ts';
import { escapedAgain } from '../../trackers/properties.ts';
import {
  amountOf,
  type Fields,
  fieldsOf,
  firstText,
  given,
  numberOf,
  textOf,
  timeOf,
} from '../../trackers/values.ts';
import type { ImportFormat } from './format.ts';
import { type Row, tableReader } from './table.ts';

export const matomo: ImportFormat = {
  name: 'matomo',
  about:
    'visits of Matomo: Live.getLastVisitsDetails as NDJSON, or a query over its log tables as CSV or TSV',
  takes: 'both',
  open: () => tableReader(readRow),
};

function readRow(row: Row): Tracked {
  if (row['actiondetails'] !== undefined) return readVisit(row);
  if (row['idactionurl'] !== undefined && row['url'] === undefined) {
    return fault(
      'url is missing: this table names pages by number; write out the query of docs/import-formats.md',
    );
  }
  if (textOf(row['idvisit']) === undefined) return fault('idvisit is required');
  return readAction(row);
}

/** Of a visit all its events have alike. */
interface Visit {
  readonly sessionId: string;
  readonly userId: string | undefined;
  readonly visitorId: string | undefined;
  readonly properties: Fields;
}

/** `row` has names in lower case. */
function readVisit(row: Row): Tracked {
  const id = textOf(row['idvisit']);
  if (id === undefined) return fault('idVisit is required');
  const actions = row['actiondetails'];
  if (!Array.isArray(actions)) return fault('actionDetails must be an array');
  const visit: Visit = {
    sessionId: `matomo-${id}`,
    userId: textOf(row['userid']),
    visitorId: textOf(row['visitorid']),
    properties: {
      ...campaignOf(
        row['referrertype'] === 'campaign',
        row,
        row['referrername'],
        row['referrerkeyword'],
      ),
      referrer: referrerOf(row),
      browser: known(row['browsername']),
      os: systemOf(known(row['operatingsystemname'])),
      deviceType: deviceOf(row['devicetype']),
      country: countryOf(row['countrycode']),
      language: textOf(row['languagecode']),
      screen: known(row['resolution']),
    },
  };
  const currency = textOf(row['sitecurrency']);
  return actions.flatMap((action: unknown, index: number) =>
    readDetail(fieldsOf(action), index, visit, currency),
  );
}

function readDetail(
  action: Fields,
  index: number,
  visit: Visit,
  currency: string | undefined,
): Tracked {
  const kind = kindOfDetail(action, currency);
  if (kind === undefined) return NOTHING;
  const at = secondsOf(action['timestamp']);
  if (at === undefined) return fault('timestamp of an action must be seconds since 1970');
  const id = firstText(action['pageId'], action['orderId'], action['goalId']) ?? String(index);
  return [eventOf(visit, kind, at, `${textOf(action['type']) ?? ''}-${id}-${at}`, action['url'])];
}

interface Kind {
  readonly eventType: string;
  readonly conversionType?: string | undefined;
  readonly revenue?: unknown;
  readonly currency?: unknown;
}

function kindOfDetail(action: Fields, currency: string | undefined): Kind | undefined {
  switch (action['type']) {
    case 'action':
      return { eventType: 'pageview' };
    case 'event':
      return { eventType: firstText(action['eventAction'], action['eventCategory']) ?? 'event' };
    case 'search':
      return { eventType: 'search' };
    case 'download':
    case 'outlink':
      return { eventType: action['type'] };
    case 'goal':
      return {
        eventType: 'conversion',
        conversionType: firstText(action['goalName'], action['goalId']),
        ...moneyOf(action['revenue'], currency),
      };
    case 'ecommerceOrder':
      return { eventType: 'purchase', ...moneyOf(action['revenue'], currency) };
    // Carts, contents, what plug-ins add.
    default:
      return undefined;
  }
}

function moneyOf(revenue: unknown, currency: unknown): Pick<Kind, 'revenue' | 'currency'> {
  return (numberOf(revenue) ?? 0) === 0
    ? {}
    : { revenue: amountOf(revenue), currency: textOf(currency) };
}

/** A row of the documented query: an action with its visit. */
function readAction(row: Row): Tracked {
  const at = timeOf(row['servertime']);
  if (at === undefined) return fault('server_time must be a time, in UTC');
  const visit: Visit = {
    sessionId: `matomo-${textOf(row['idvisit']) ?? ''}`,
    userId: textOf(row['userid']),
    visitorId: textOf(row['visitorid']) ?? textOf(row['idvisitor']),
    properties: {
      ...campaignOf(
        textOf(row['referertype']) === '6',
        row,
        row['referername'],
        row['refererkeyword'],
      ),
      referrer: textOf(row['refererurl']),
      browser: textOf(row['browser']),
      os: textOf(row['os']),
      deviceType: deviceOf(row['devicetype']),
      country: countryOf(row['country']),
      language: textOf(row['language']),
      screen: known(row['resolution']),
    },
  };
  const kind = kindOfRow(row);
  if (kind === undefined) return NOTHING;
  const id = firstText(row['idlinkva'], row['idorder']);
  return [
    eventOf(
      visit,
      kind,
      at,
      id && `${textOf(row['kind']) ?? 'action'}-${id}`,
      addressOf(row['url']),
    ),
  ];
}

/** `kind` as the query names it. */
function kindOfRow(row: Row): Kind | undefined {
  switch (textOf(row['kind']) ?? 'action') {
    case 'action':
      return { eventType: 'pageview' };
    case 'event':
      return { eventType: textOf(row['eventaction']) ?? 'event' };
    case 'search':
    case 'download':
    case 'outlink':
      return { eventType: textOf(row['kind']) ?? '' };
    case 'goal':
      return {
        eventType: 'conversion',
        conversionType: textOf(row['goal']),
        ...moneyOf(row['revenue'], row['currency']),
      };
    case 'order':
      return { eventType: 'purchase', ...moneyOf(row['revenue'], row['currency']) };
    default:
      return undefined;
  }
}

/** log_action keeps addresses without their scheme. */
function addressOf(value: unknown): string | undefined {
  const text = textOf(value);
  return text === undefined || text.startsWith('/') || /^[a-z][a-z\d+.-]{0,20}:\/\//i.test(text)
    ? text
    : `https://${text}`;
}

function eventOf(
  visit: Visit,
  kind: Kind,
  at: number,
  eventId: string | undefined,
  url: unknown,
): TrackedEvent {
  const isPage = kind.eventType === 'pageview';
  return {
    event: {
      ...given({
        eventType: kind.eventType,
        sessionId: visit.sessionId,
        timestamp: at,
        eventId,
        userId: visit.userId,
        visitorId: visit.visitorId,
      }),
      properties: given({
        ...visit.properties,
        // Of an outlink or download it is where the visitor went, not where they were.
        url: isPage ? escapedAgain(textOf(url) ?? '') : undefined,
        conversionType: kind.conversionType,
        revenue: kind.revenue,
        currency: kind.currency,
      }),
    },
  };
}

/** Matomo takes the tags of campaigns out of addresses, and keeps their name with the visit. */
function campaignOf(isCampaign: boolean, row: Row, name: unknown, keyword: unknown): Fields {
  return {
    campaign: isCampaign ? textOf(name) : undefined,
    term: isCampaign ? textOf(keyword) : undefined,
    // Of its plug-in for campaigns; or the name of a search engine or site whose address was not kept.
    trafficSource: textOf(row['campaignsource']) ?? (isCampaign ? undefined : sourceOf(row, name)),
    medium: textOf(row['campaignmedium']),
  };
}

function sourceOf(row: Row, name: unknown): string | undefined {
  return firstText(row['referrerurl'], row['refererurl']) === undefined ? textOf(name) : undefined;
}

function referrerOf(row: Row): string | undefined {
  return row['referrertype'] === 'direct' ? undefined : textOf(row['referrerurl']);
}

function secondsOf(value: unknown): number | undefined {
  const seconds = numberOf(value);
  return seconds === undefined || seconds < 1e8 || seconds > 1e11
    ? undefined
    : Math.floor(seconds * 1_000);
}

function known(value: unknown): string | undefined {
  const text = textOf(value);
  return text === undefined || /^unknown$/i.test(text) ? undefined : text;
}

function systemOf(text: string | undefined): string | undefined {
  return text === 'Mac' || text === 'GNU/Linux'
    ? { Mac: 'macOS', 'GNU/Linux': 'Linux' }[text]
    : text;
}

/** The API's words in English, or the numbers of `config_device_type`. */
function deviceOf(value: unknown): string | undefined {
  switch (textOf(value)?.toLowerCase()) {
    case 'desktop':
    case '0':
      return 'desktop';
    case 'smartphone':
    case 'feature phone':
    case 'phablet':
    case '1':
    case '3':
    case '10':
      return 'mobile';
    case 'tablet':
    case '2':
      return 'tablet';
    case 'console':
    case '4':
      return 'console';
    case 'tv':
    case '5':
      return 'tv';
    case 'car browser':
    case 'smart display':
    case 'smart speaker':
    case '6':
    case '7':
    case '11':
      return 'embedded';
    case 'wearable':
    case '12':
      return 'wearable';
    default:
      return undefined;
  }
}
