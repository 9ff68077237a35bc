/**
 * The metrics of a set of events, worked out a second time and as naively as possible: sort, drop
 * duplicates, group, add. Shares no code with `shared/`, so that both have to be wrong in the same
 * way for a mistake to go unseen. It reads events as producers write them.
 */
export interface ReferenceEvent {
  readonly project: string;
  readonly sessionId: string;
  readonly eventId: string;
  readonly eventType: string;
  /** RFC 3339, or epoch milliseconds. */
  readonly timestamp: string | number;
  readonly userId?: string | null;
  readonly visitorId?: string | null;
  /** Its local day is not that of the start of its hour of UTC. */
  readonly dayTurned?: boolean;
  /** What the project has declared as dimensions, by name. */
  readonly declared?: Readonly<Record<string, string>>;
  readonly properties?: Readonly<Record<string, string | number | boolean | null>>;
}

/** Units of 10^-9, and how many amounts were added up. */
export interface ReferenceAmount {
  readonly value: bigint;
  readonly count: number;
}

/** By `metric|granularity|bucket ISO|dimension|value`. */
export type ReferenceRows = Map<string, ReferenceAmount>;

/** Which session is a user's first depends on who writes first, so both are compared in sum. */
export const USERS = 'new_users+returning_users';

const ATTRIBUTES = [
  ...['trafficSource', 'deviceType', 'country', 'browser', 'os'],
  ...['channel', 'medium', 'campaign', 'term', 'content', 'referrerHost'],
  ...['language', 'screen', 'appVersion', 'bot'],
];
const UNIT = 1_000_000_000n;

/** A session in figures, as the table `sessions` has to show it. */
export interface ReferenceSession {
  readonly firstEventAt: number;
  readonly lastEventAt: number;
  readonly events: number;
  readonly pageViews: number;
  readonly conversions: number;
  readonly revenue: bigint;
  readonly engaged: boolean;
  readonly bounced: boolean;
  readonly entryPath: string | undefined;
  readonly exitPath: string | undefined;
  /** By currency; of more than 32 the rest as `(other)`. */
  readonly purse: Readonly<Record<string, bigint>>;
  /** As the session has them, declared dimensions too (`dim:` and the name); absent where not given. */
  readonly attributes: Readonly<Record<string, string>>;
}

/** The rows of CONTRACT section 3 for the events of one project (or of all, added up). */
export function referenceRows(events: readonly ReferenceEvent[]): ReferenceRows {
  const rows: ReferenceRows = new Map();
  for (const visit of visitsOf(events).values()) addVisit(rows, visit, referenceSession(visit));
  return rows;
}

/** Distinct events by session, in the order of their times. */
export function visitsOf(events: readonly ReferenceEvent[]): Map<string, ReferenceEvent[]> {
  const distinct = new Map(events.map((e) => [`${e.project}/${e.sessionId}/${e.eventId}`, e]));
  const sorted = [...distinct.values()].sort(
    (a, b) => timeOf(a) - timeOf(b) || (a.eventId < b.eventId ? -1 : 1),
  );
  const visits = new Map<string, ReferenceEvent[]>();
  for (const event of sorted) {
    const session = `${event.project}/${event.sessionId}`;
    visits.set(session, [...(visits.get(session) ?? []), event]);
  }
  return visits;
}

/** @param visit distinct events of one session, in order */
export function referenceSession(visit: readonly ReferenceEvent[]): ReferenceSession {
  const times = visit.map(timeOf);
  const firstEventAt = Math.min(...times);
  const lastEventAt = Math.max(...times);
  const views = visit.filter(isPageView);
  const paths = views.map((e) => textOf(e, 'path')).filter((path) => path !== '');
  const conversions = visit.filter(isConversion);
  const given: [string, string][] = [
    ...ATTRIBUTES.map((name): [string, string] => [name, firstOf(visit, (e) => textOf(e, name))]),
    ['userId', firstOf(visit, (e) => e.userId ?? '')],
    ['visitorId', firstOf(visit, (e) => e.visitorId ?? '')],
    ...declaredIn(visit).map((name): [string, string] => [
      `dim:${name}`,
      firstOf(visit, (e) => e.declared?.[name] ?? ''),
    ]),
  ];
  return {
    firstEventAt,
    lastEventAt,
    events: visit.filter((e) => !isHeartbeat(e)).length,
    pageViews: views.length,
    conversions: conversions.length,
    revenue: conversions.reduce((sum, e) => sum + unitsOf(textOf(e, 'revenue')), 0n),
    purse: purseOf(conversions),
    engaged: lastEventAt - firstEventAt >= 10_000 || views.length >= 2 || conversions.length > 0,
    bounced: views.length === 1 && conversions.length === 0,
    entryPath: paths.at(0),
    exitPath: paths.at(-1),
    attributes: Object.fromEntries(given.filter(([, value]) => value !== '')),
  };
}

function addVisit(rows: ReferenceRows, visit: readonly ReferenceEvent[], s: ReferenceSession) {
  let isBot = false;
  const add = (name: string, at: number, dimension: string, dimensionValue: string, n: bigint) => {
    if (dimension !== '' && dimensionValue === '') return;
    const [metric = '', granularity = ''] = name.split(' ');
    const places = [[dimension, dimensionValue]];
    if (isBot) places.push(dimension ? [`bot:${dimension}`, dimensionValue] : ['audience', 'bot']);
    for (const [place = '', value = ''] of places) {
      const key = [metric, granularity, bucketIso(at, granularity), place, value];
      addTo(rows, key.join('|'), { value: n, count: 1 });
    }
  };
  /** By all dimensions that came with the second version of the catalogue. */
  const addByMore = (name: string, at: number, n: bigint) => {
    const { channel = '', campaign = '' } = s.attributes;
    const given = { channel, campaign, entry_path: s.entryPath ?? '', browser, os };
    for (const [dimension, value] of Object.entries(given)) add(name, at, dimension, value, n);
    for (const [name_, value] of Object.entries(s.attributes)) {
      if (name_.startsWith('dim:')) add(name, at, name_.slice(4), value, n);
    }
  };
  const { trafficSource = '', deviceType = '', country = '', browser = '', os = '' } = s.attributes;

  for (const e of visit) {
    const at = timeOf(e);
    const declared = Object.entries(e.declared ?? {});
    // What an event is filed under by itself goes by what it says itself.
    isBot = textOf(e, 'bot') !== '';
    if (isPageView(e)) {
      add('page_views hour', at, '', '', UNIT);
      add('page_views_by_quarter quarter_hour', at, '', '', UNIT);
      add('page_views hour', at, 'path', textOf(e, 'path'), UNIT);
      for (const [name, value] of declared) add('page_views hour', at, name, value, UNIT);
      if (e.dayTurned === true) {
        const moved = [['path', textOf(e, 'path')] as const, ...declared];
        for (const [name, value] of moved) {
          add('page_views_by_quarter quarter_hour', at, name, value, UNIT);
        }
      }
    }
    if (isConversion(e)) {
      const type = textOf(e, 'conversionType');
      add('conversion_rate hour', at, 'conversion_type', type, UNIT);
      if (e.dayTurned === true) {
        add('conversion_rate_by_quarter quarter_hour', at, '', '', UNIT);
        add('conversion_rate_by_quarter quarter_hour', at, 'conversion_type', type, UNIT);
      }
      const revenue = unitsOf(textOf(e, 'revenue'));
      if (revenue !== 0n) {
        add('revenue hour', at, '', '', revenue);
        add('revenue hour', at, 'currency', textOf(e, 'currency'), revenue);
        add('revenue_by_quarter quarter_hour', at, '', '', revenue);
        add('revenue_by_quarter quarter_hour', at, 'currency', textOf(e, 'currency'), revenue);
      }
    }
    if (
      !isPageView(e) &&
      !isHeartbeat(e) &&
      e.eventType !== 'session_start' &&
      e.eventType !== 'session_end'
    ) {
      add('event_count hour', at, 'event_type', e.eventType, UNIT);
      add('event_count_by_quarter quarter_hour', at, 'event_type', e.eventType, UNIT);
      for (const [name, value] of declared) {
        add('event_count hour', at, name, value, UNIT);
        if (e.dayTurned === true) {
          add('event_count_by_quarter quarter_hour', at, name, value, UNIT);
        }
      }
    }
    isBot = s.attributes['bot'] !== undefined;
    if (isPageView(e)) {
      add('page_views day', at, 'device_type', deviceType, UNIT);
      add('page_views day', at, 'traffic_source', trafficSource, UNIT);
      add('page_views day', at, 'browser', browser, UNIT);
      add('page_views day', at, 'os', os, UNIT);
      add('page_views day', at, 'country', country, UNIT);
    }
    const revenue = isConversion(e) ? unitsOf(textOf(e, 'revenue')) : 0n;
    if (revenue !== 0n) addByMore('revenue day', at, revenue);
  }

  const first = s.firstEventAt;
  const last = s.lastEventAt;
  add('sessions hour', first, '', '', UNIT);
  add('sessions day', first, 'traffic_source', trafficSource, UNIT);
  add('sessions day', first, 'device_type', deviceType, UNIT);
  add('sessions day', first, 'country', country, UNIT);
  addByMore('sessions day', first, UNIT);
  if (s.attributes['userId'] !== undefined) add(`${USERS} day`, first, '', '', UNIT);
  if (s.engaged) {
    add('engaged_sessions hour', last, '', '', UNIT);
    add('engaged_sessions day', last, 'traffic_source', trafficSource, UNIT);
    addByMore('engaged_sessions day', last, UNIT);
  }
  add('bounce_rate hour', last, '', '', s.bounced ? UNIT : 0n);
  addByMore('bounce_rate day', last, s.bounced ? UNIT : 0n);
  add('avg_session_duration hour', last, '', '', BigInt(last - first) * 1_000_000n);
  add('pages_per_session hour', last, '', '', BigInt(s.pageViews) * UNIT);
}

function purseOf(conversions: readonly ReferenceEvent[]): Record<string, bigint> {
  const paid = conversions
    .map((e) => ({ currency: textOf(e, 'currency'), units: unitsOf(textOf(e, 'revenue')) }))
    .filter(({ units }) => units !== 0n);
  const own = [...new Set(paid.map(({ currency }) => currency))]
    .filter((currency) => currency.length <= 16 && currency !== '(other)')
    .sort()
    .slice(0, 32);
  const sums: Record<string, bigint> = {};
  for (const { currency, units } of paid) {
    const name = own.includes(currency) ? currency : '(other)';
    sums[name] = (sums[name] ?? 0n) + units;
  }
  return sums;
}

/** Adds to a row; rows that come to nothing are dropped, as ClickHouse drops them. */
export function addTo(rows: ReferenceRows, key: string, { value, count }: ReferenceAmount): void {
  const old = rows.get(key) ?? { value: 0n, count: 0 };
  const sum = { value: old.value + value, count: old.count + count };
  if (sum.value === 0n && sum.count === 0) rows.delete(key);
  else rows.set(key, sum);
}

/** A decimal text of any size, in units of 10^-9; no text is nothing. */
export function unitsOf(text: string): bigint {
  const [whole = '', fraction = ''] = text.replace(/^[+-]/, '').split('.');
  const size = BigInt(whole) * UNIT + BigInt(`${fraction}000000000`.slice(0, 9));
  return text.startsWith('-') ? -size : size;
}

/** Decimal texts by name, in units of 10^-9. */
export function unitsByName(texts: Readonly<Record<string, string>> = {}): Record<string, bigint> {
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, unitsOf(text)]));
}

function bucketIso(at: number, granularity: string): string {
  const iso = new Date(at).toISOString();
  if (granularity === 'quarter_hour') {
    const quarter = ['00', '15', '30', '45'].findLast((minute) => minute <= iso.slice(14, 16));
    return `${iso.slice(0, 13)}:${quarter ?? ''}:00.000Z`;
  }
  return granularity === 'hour'
    ? `${iso.slice(0, 13)}:00:00.000Z`
    : `${iso.slice(0, 10)}T00:00:00.000Z`;
}

const timeOf = (e: ReferenceEvent) => new Date(e.timestamp).getTime();
const textOf = (e: ReferenceEvent, name: string) => String(e.properties?.[name] ?? '');
const firstOf = (visit: readonly ReferenceEvent[], read: (e: ReferenceEvent) => string) =>
  visit.map(read).find((value) => value !== '') ?? '';
const isPageView = (e: ReferenceEvent) =>
  ['pageview', 'pageView', 'page_view'].includes(e.eventType);
const isHeartbeat = (e: ReferenceEvent) => ['heartbeat', 'ping', 'page_ping'].includes(e.eventType);
const declaredIn = (visit: readonly ReferenceEvent[]) => [
  ...new Set(visit.flatMap((e) => Object.keys(e.declared ?? {}))),
];
const isConversion = (e: ReferenceEvent) => ['purchase', 'conversion'].includes(e.eventType);
