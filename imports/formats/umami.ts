/**
 * Umami's table of events, `website_event`, as PostgreSQL, MySQL and ClickHouse write it out (CSV, TSV, NDJSON or
 * Parquet), of versions 2 and 3. Its sessions are visitors, and its visits are our sessions.
 */
import { countryOf } from '../../trackers/country.ts';
import { fault, type Tracked } from '../../trackers/event.ts';
import { escapedAgain, visitOf } from '../../trackers/properties.ts';
import { firstText, given, idTextOf, numberOf, textOf, timeOf } from '../../trackers/values.ts';
import type { ImportFormat } from './format.ts';
import { type Row, tableReader } from './table.ts';

export const umami: ImportFormat = {
  name: 'umami',
  about:
    'the table website_event of Umami 2 or 3, as CSV, TSV, NDJSON or Parquet with its names of columns',
  takes: 'both',
  usesHost: true,
  open: ({ host }) => tableReader((row) => readRow(row, host)),
};

function readRow(row: Row, host: string | undefined): Tracked {
  if (row['x'] !== undefined && row['y'] !== undefined) {
    return fault(
      "these are the sums of Umami's own export, which are no visits: write out its table website_event",
    );
  }
  const visitor = textOf(row['sessionid']);
  if (visitor === undefined) return fault('session_id is required');
  const at = timeOf(row['createdat']);
  if (at === undefined) return fault('created_at must be a time');
  const eventType = typeOf(row);
  if (eventType === undefined) return [];
  const sessionId = textOf(row['visitid']);
  const event = {
    ...given({
      eventType,
      sessionId,
      timestamp: at,
      eventId: firstText(row['eventid'], row['id']),
      userId: idTextOf(row['distinctid']),
      visitorId: visitor,
    }),
    properties: given({
      ...visitOf(urlOf(row, host), {
        source: row['utmsource'],
        medium: row['utmmedium'],
        name: row['utmcampaign'],
        term: row['utmterm'],
        content: row['utmcontent'],
      }),
      referrer: referrerOf(row),
      browser: named(BROWSERS, row['browser']),
      os: named(SYSTEMS, row['os']),
      deviceType: named(DEVICES, row['device']),
      country: countryOf(row['country']),
      language: textOf(row['language']),
      screen: textOf(row['screen']),
      tag: textOf(row['tag']),
    }),
  };
  return [sessionId === undefined ? { event, visitor } : { event }];
}

/** 1 is a page view, 2 an event; links, pixels and measurements of version 3 are no visits to pages. */
function typeOf(row: Row): string | undefined {
  const name = textOf(row['eventname']);
  const kind = numberOf(row['eventtype']);
  if (kind === undefined) return name ?? 'pageview';
  if (kind === 1) return 'pageview';
  return kind === 2 ? name : undefined;
}

function urlOf(row: Row, host: string | undefined): string | undefined {
  const path = textOf(row['urlpath']);
  if (path === undefined) return undefined;
  const query = textOf(row['urlquery'])?.replace(/^\?/, '');
  const page = query === undefined ? path : `${path}?${query}`;
  const site = textOf(row['hostname']) ?? host;
  if (!page.startsWith('/')) return page;
  // Umami keeps paths without their escapes.
  return `${site === undefined ? '' : `https://${site}`}${escapedAgain(page)}`;
}

function referrerOf(row: Row): string | undefined {
  const domain = textOf(row['referrerdomain']);
  return domain === undefined
    ? undefined
    : `https://${domain}${textOf(row['referrerpath']) ?? '/'}`;
}

/** Umami's words, and ours for the same. */
function named(names: Readonly<Record<string, string>>, value: unknown): string | undefined {
  const text = textOf(value);
  return text === undefined ? undefined : Object.hasOwn(names, text) ? names[text] : text;
}

const BROWSERS: Readonly<Record<string, string>> = {
  chrome: 'Chrome',
  crios: 'Chrome',
  'chromium-webview': 'Chrome',
  firefox: 'Firefox',
  fxios: 'Firefox',
  safari: 'Safari',
  ios: 'Safari',
  'ios-webview': 'Safari',
  edge: 'Edge',
  'edge-chromium': 'Edge',
  'edge-ios': 'Edge',
  opera: 'Opera',
  'opera-mini': 'Opera Mini',
  samsung: 'Samsung Internet',
  facebook: 'Facebook',
  instagram: 'Instagram',
  android: 'Android Browser',
  yandexbrowser: 'Yandex',
  silk: 'Silk',
  ie: 'IE',
};
const SYSTEMS: Readonly<Record<string, string>> = {
  'Mac OS': 'macOS',
  'Android OS': 'Android',
  'Windows 10': 'Windows',
  'Windows 11': 'Windows',
  'Windows 7': 'Windows',
  'Windows 8': 'Windows',
  'Windows 8.1': 'Windows',
  'Windows Vista': 'Windows',
  'Windows XP': 'Windows',
  'Windows Server 2003': 'Windows',
};
const DEVICES: Readonly<Record<string, string>> = { laptop: 'desktop', smarttv: 'tv' };
