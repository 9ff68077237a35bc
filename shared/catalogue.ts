/**
 * The metric catalogue: which metric exists at which granularity, in whose bucket, by which
 * dimensions. Adding a metric is adding a line (CONTRACT, section 3), with the next version in `since`:
 * a session that is under way goes on by the lines that it began with (docs/decisions/027).
 */
import type { Granularity } from './buckets.ts';
import { ONE, readUnits } from './decimal.ts';
import type { Amount } from './contributions.ts';
import {
  type Attribute,
  type Attributes,
  isConversion,
  isDeclared,
  kindOf,
  nameOfDeclared,
  type VisitorEvent,
} from './event.ts';
import type { SessionFigures } from './session-facts.ts';

/** Column names of the dimensions, and the session attribute each is. */
export const SESSION_DIMENSIONS = {
  traffic_source: 'trafficSource',
  device_type: 'deviceType',
  country: 'country',
  browser: 'browser',
  os: 'os',
  channel: 'channel',
  campaign: 'campaign',
} as const satisfies Record<string, Attribute>;

/** Stands for each dimension that the project has declared. */
export const DECLARED = '*';

export type SessionDimension = keyof typeof SESSION_DIMENSIONS | 'entry_path' | typeof DECLARED;

/** Dimensions that each event brings itself; an event without the value has no such row. */
const EVENT_DIMENSIONS = {
  path: (event) => event.path,
  event_type: (event) => event.type,
  currency: (event) => event.currency,
  conversion_type: (event) => event.conversionType,
} as const satisfies Record<string, (event: VisitorEvent) => string | undefined>;
export type EventDimension = keyof typeof EVENT_DIMENSIONS | typeof DECLARED;

/** Where what is from bots is filed once more. */
const AUDIENCE = 'audience';
export const BOT_PREFIX = 'bot:';

/** Names of dimensions that every project has. None holds a colon, which those of bots do (`bot:country`). */
export const BUILT_IN_DIMENSIONS: ReadonlySet<string> = new Set([
  ...Object.keys(SESSION_DIMENSIONS),
  'entry_path',
  ...Object.keys(EVENT_DIMENSIONS),
  AUDIENCE,
]);

/** A dimension with a value, as rows have them. */
export type Place = readonly [dimension: string, value: string];
const TOTAL: Place = ['', ''];

/**
 * Where an event's amount is filed.
 * @param attributes those of the event, where it does not carry them itself
 */
export function placesOf(
  event: VisitorEvent,
  dimension: '' | EventDimension,
  attributes: Attributes = event,
): readonly Place[] {
  if (dimension === '') return [TOTAL];
  return dimension === DECLARED
    ? declaredPlaces(attributes)
    : place(dimension, EVENT_DIMENSIONS[dimension](event));
}

/** Where a session's amount is filed. */
export function sessionPlacesOf(
  { attributes, entryPath }: Pick<SessionFigures, 'attributes' | 'entryPath'>,
  dimension: '' | SessionDimension,
): readonly Place[] {
  if (dimension === '') return [TOTAL];
  if (dimension === DECLARED) return declaredPlaces(attributes);
  if (dimension === 'entry_path') return place(dimension, entryPath);
  return place(dimension, attributes[SESSION_DIMENSIONS[dimension]]);
}

function place(dimension: string, value: string | undefined): readonly Place[] {
  return value === undefined || value === '' ? [] : [[dimension, value]];
}

function declaredPlaces(given: Attributes): readonly Place[] {
  const places: Place[] = [];
  for (const name in given) {
    if (isDeclared(name)) places.push(...place(nameOfDeclared(name), given[name]));
  }
  return places;
}

/**
 * Where what a bot adds is filed once more: what is from people is all, less this. So people, who are most of the
 * traffic, cost no row more.
 */
export function botPlaceOf([dimension, value]: Place): Place {
  return dimension === '' ? [AUDIENCE, 'bot'] : [`${BOT_PREFIX}${dimension}`, value];
}

/** Any line. */
interface Line {
  /** The version of the catalogue that it came with; 1 where nobody says. */
  readonly since?: number;
  /** The last version of the catalogue that has it. */
  readonly until?: number;
}

/** A metric that each event adds to, in the event's bucket. `''` is the row of no dimension. */
export interface EventMetric extends Line {
  readonly metric: string;
  readonly granularity: Granularity;
  readonly dimensions: readonly ('' | EventDimension)[];
  /** Attributes of the session that the event's amount is also filed under. */
  readonly sessionDimensions?: readonly SessionDimension[];
  readonly measure: (event: VisitorEvent) => Amount | undefined;
}

/** A metric that each session adds to once, in the bucket of its first or last event. */
export interface SessionMetric extends Line {
  readonly metric: string;
  readonly granularity: Granularity;
  readonly bucket: 'firstEventAt' | 'lastEventAt';
  readonly dimensions: readonly ('' | SessionDimension)[];
  readonly measure: (session: SessionFigures) => Amount | undefined;
}

const once: Amount = { value: ONE, count: 1 };
const onceIf = (condition: boolean): Amount | undefined => (condition ? once : undefined);

const pageView = (event: VisitorEvent) => onceIf(kindOf(event) === 'pageview');
const notable = (event: VisitorEvent) => onceIf(isConversion(event) || kindOf(event) === 'custom');
/** Heartbeats were events as any other. */
const notableOnce = (event: VisitorEvent) =>
  onceIf(notable(event) !== undefined || kindOf(event) === 'heartbeat');
const conversion = (event: VisitorEvent) => onceIf(isConversion(event));
const revenue = (event: VisitorEvent): Amount | undefined => {
  const units = isConversion(event) ? readUnits(event.revenue ?? '0') : 0n;
  return units === 0n ? undefined : { value: units, count: 1 };
};
/** Only of events whose day is another one than that of the start of their hour. */
const turned = (measure: EventMetric['measure']) => (event: VisitorEvent) =>
  event.dayTurned === undefined ? undefined : measure(event);
const bounce = (s: SessionFigures): Amount => ({ value: s.bounced ? ONE : 0n, count: 1 });
const inSeconds = (ms: number): bigint => (BigInt(ms) * ONE) / 1_000n;

/** By what a day's sessions, and their revenue, are split since the second version. */
const SPLITS = ['channel', 'campaign', 'entry_path', 'browser', 'os', DECLARED] as const;

/*
 * Totals are kept by quarter of an hour too: the days of zones with half and quarter hours are made of them (011-overviews).
 * They have names of their own, so that a question that forgets the granularity does not count them twice.
 * Paths, what projects declare and types of conversions are only where an hour of UTC is of two days of the project:
 * they are most of all rows (docs/decisions/040).
 */
/* prettier-ignore */
export const EVENT_METRICS: readonly EventMetric[] = [
  { metric: 'page_views', granularity: 'hour', dimensions: ['', 'path'], measure: pageView },
  { metric: 'page_views', granularity: 'day', dimensions: [], sessionDimensions: ['device_type', 'traffic_source', 'browser', 'os', 'country'], measure: pageView },
  { metric: 'page_views', granularity: 'hour', dimensions: [DECLARED], measure: pageView, since: 2 },
  { metric: 'page_views_by_quarter', granularity: 'quarter_hour', dimensions: [''], measure: pageView, since: 2 },
  { metric: 'event_count', granularity: 'hour', dimensions: ['event_type'], measure: notableOnce, until: 1 },
  { metric: 'event_count', granularity: 'hour', dimensions: ['event_type', DECLARED], measure: notable, since: 2 },
  { metric: 'event_count_by_quarter', granularity: 'quarter_hour', dimensions: ['event_type'], measure: notable, since: 2 },
  { metric: 'revenue', granularity: 'hour', dimensions: ['', 'currency'], measure: revenue },
  { metric: 'revenue_by_quarter', granularity: 'quarter_hour', dimensions: ['', 'currency'], measure: revenue, since: 2 },
  { metric: 'revenue', granularity: 'day', dimensions: [], sessionDimensions: SPLITS, measure: revenue, since: 2 },
  { metric: 'conversion_rate', granularity: 'hour', dimensions: ['conversion_type'], measure: conversion },
  { metric: 'page_views_by_quarter', granularity: 'quarter_hour', dimensions: ['path', DECLARED], measure: turned(pageView), since: 3 },
  { metric: 'event_count_by_quarter', granularity: 'quarter_hour', dimensions: [DECLARED], measure: turned(notable), since: 3 },
  { metric: 'conversion_rate_by_quarter', granularity: 'quarter_hour', dimensions: ['', 'conversion_type'], measure: turned(conversion), since: 3 },
];

/* prettier-ignore */
export const SESSION_METRICS: readonly SessionMetric[] = [
  { metric: 'sessions', granularity: 'hour', bucket: 'firstEventAt', dimensions: [''], measure: () => once },
  { metric: 'sessions', granularity: 'day', bucket: 'firstEventAt', dimensions: ['traffic_source', 'device_type', 'country'], measure: () => once },
  { metric: 'sessions', granularity: 'day', bucket: 'firstEventAt', dimensions: SPLITS, measure: () => once, since: 2 },
  { metric: 'new_users', granularity: 'day', bucket: 'firstEventAt', dimensions: [''], measure: (s) => onceIf(s.newUser === true) },
  { metric: 'returning_users', granularity: 'day', bucket: 'firstEventAt', dimensions: [''], measure: (s) => onceIf(s.newUser === false) },
  { metric: 'engaged_sessions', granularity: 'hour', bucket: 'lastEventAt', dimensions: [''], measure: (s) => onceIf(s.engaged) },
  { metric: 'engaged_sessions', granularity: 'day', bucket: 'lastEventAt', dimensions: ['traffic_source'], measure: (s) => onceIf(s.engaged) },
  { metric: 'engaged_sessions', granularity: 'day', bucket: 'lastEventAt', dimensions: SPLITS, measure: (s) => onceIf(s.engaged), since: 2 },
  { metric: 'bounce_rate', granularity: 'hour', bucket: 'lastEventAt', dimensions: [''], measure: bounce },
  { metric: 'bounce_rate', granularity: 'day', bucket: 'lastEventAt', dimensions: SPLITS, measure: bounce, since: 2 },
  { metric: 'avg_session_duration', granularity: 'hour', bucket: 'lastEventAt', dimensions: [''], measure: (s) => ({ value: inSeconds(s.durationMs), count: 1 }) },
  { metric: 'pages_per_session', granularity: 'hour', bucket: 'lastEventAt', dimensions: [''], measure: (s) => ({ value: BigInt(s.pageViews) * ONE, count: 1 }) },
];

/** Of the event itself; what the first version files by them, later ones do at other granularities. */
const UNBOUNDED: ReadonlySet<string> = new Set([...Object.keys(EVENT_DIMENSIONS), '', AUDIENCE]);

/** What the first version of the catalogue splits by a session's attributes: `metric granularity`, by dimension. */
const FIRST_SPLITS = firstSplits();

function firstSplits(): ReadonlyMap<string, ReadonlySet<string>> {
  const splits = new Map<string, Set<string>>();
  const isFirst = ({ since = 1 }: Line) => since === 1;
  const add = (
    { metric, granularity }: EventMetric | SessionMetric,
    dimensions: Iterable<string>,
  ) => {
    for (const dimension of dimensions) {
      const lines = splits.get(dimension) ?? new Set();
      splits.set(dimension, lines.add(`${metric} ${granularity}`));
    }
  };
  for (const line of EVENT_METRICS.filter(isFirst)) add(line, line.sessionDimensions ?? []);
  for (const line of SESSION_METRICS.filter(isFirst)) add(line, line.dimensions);
  return splits;
}

/**
 * The dimension whose values a row counts to, where there is a bound to how many there may be in a day: not for rows
 * that CONTRACT, section 3, has in its table. A row of bots goes by what it is a copy of.
 * @returns undefined where there is no bound
 */
export function boundedDimensionOf(
  metric: string,
  granularity: string,
  dimension: string,
): string | undefined {
  const copied = dimension.startsWith(BOT_PREFIX) ? dimension.slice(BOT_PREFIX.length) : dimension;
  if (UNBOUNDED.has(copied)) return undefined;
  const first = FIRST_SPLITS.get(copied);
  return first?.has(`${metric} ${granularity}`) === true ? undefined : copied;
}

/** The metrics that have rows of such dimensions, each with its granularity. */
export const BOUNDED_METRICS: readonly (readonly [metric: string, granularity: string])[] =
  boundedMetrics();

function boundedMetrics(): (readonly [string, string])[] {
  const found = new Map<string, readonly [string, string]>();
  const add = (
    { metric, granularity }: EventMetric | SessionMetric,
    dimensions: readonly string[],
  ) => {
    const isBounded = (dimension: string) =>
      boundedDimensionOf(metric, granularity, dimension) !== undefined;
    if (dimensions.some(isBounded)) found.set(`${metric} ${granularity}`, [metric, granularity]);
  };
  for (const line of EVENT_METRICS) {
    add(line, [...line.dimensions, ...(line.sessionDimensions ?? [])]);
  }
  for (const line of SESSION_METRICS) add(line, line.dimensions);
  return [...found.values()];
}

/** The lines of one version. */
export interface Catalogue {
  readonly version: number;
  readonly eventMetrics: readonly EventMetric[];
  readonly sessionMetrics: readonly SessionMetric[];
}

/** From this version on heartbeats are no events, and what is from bots is filed once more. */
export const KNOWS_BOTS = 2;

/** The version that sessions begin with. */
export const CATALOGUE_VERSION = Math.max(
  ...[...EVENT_METRICS, ...SESSION_METRICS].map(({ since = 1 }) => since),
);

const catalogues = Array.from({ length: CATALOGUE_VERSION }, (_, index): Catalogue => {
  const isOf = ({ since = 1, until = Infinity }: Line) => since <= index + 1 && index + 1 <= until;
  return {
    version: index + 1,
    eventMetrics: EVENT_METRICS.filter(isOf),
    sessionMetrics: SESSION_METRICS.filter(isOf),
  };
});

/** @throws RangeError on a version that this code does not know: it is that of a newer one */
export function catalogueOf(version: number): Catalogue {
  const catalogue = catalogues[version - 1];
  if (catalogue === undefined) {
    throw new RangeError(`catalogue ${version} is newer than this worker's ${CATALOGUE_VERSION}`);
  }
  return catalogue;
}
