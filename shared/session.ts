/**
 * What a session is: a fold of its events that is commutative and idempotent, so that order,
 * duplication and batching of what arrives never change a number.
 */
import { type Contributions, addAmount, type Amount, rowKeyText } from './contributions.ts';
import { bucketOf, type Granularity } from './buckets.ts';
import { formatDecimal, readUnits } from './decimal.ts';
import {
  type Attribute,
  ATTRIBUTES,
  type Attributes,
  isConversion,
  isEarlier,
  kindOf,
  type VisitorEvent,
} from './event.ts';
import {
  EVENT_DIMENSIONS,
  EVENT_METRICS,
  SESSION_DIMENSIONS,
  SESSION_METRICS,
} from './catalogue.ts';
import { EVENT_IDS_MAX } from './limits.ts';
import type { SessionFacts, TalliesWire } from './session-facts.ts';

/** A session of at least this length is engaged (CONTRACT, section 2). */
const ENGAGED_MS = 10_000;
/** A session of at least this many page views is engaged. */
const ENGAGED_PAGE_VIEWS = 2;

/** A value together with the event it came from. */
export interface Sighting {
  readonly value: string;
  readonly at: number;
  readonly id: string;
}

/**
 * Everything the fold remembers. Changed only by {@link applyEvents}, in place: copying 10,000 ids
 * for each batch would make long sessions quadratic.
 */
export interface SessionState {
  /** Ids (or keys) of the events folded in, with the stream sequence each came with. */
  readonly ids: Map<string, number>;
  firstEventAt: number | undefined;
  lastEventAt: number | undefined;
  events: number;
  pageViews: number;
  conversions: number;
  /** Sum over purchases and conversions, units of 10^-9. */
  revenue: bigint;
  /** A `session_end` has been seen. */
  endSeen: boolean;
  readonly attributes: Map<Attribute, Sighting>;
  entry: Sighting | undefined;
  exit: Sighting | undefined;
  /** Amounts of events that are also filed under attributes of the session, by metric and bucket. */
  readonly tallies: Map<string, Amount>;
}

/** The state as JSON, for a continued or reopened run. */
export interface SessionStateWire {
  readonly ids: readonly (readonly [id: string, seq: number])[];
  readonly firstEventAt?: number;
  readonly lastEventAt?: number;
  readonly events: number;
  readonly pageViews: number;
  readonly conversions: number;
  readonly revenue: string;
  readonly endSeen: boolean;
  readonly attributes: Readonly<Partial<Record<Attribute, Sighting>>>;
  readonly entry?: Sighting;
  readonly exit?: Sighting;
  readonly tallies: TalliesWire;
}

/** A session without events. */
export function emptySession(): SessionState {
  return {
    ids: new Map(),
    firstEventAt: undefined,
    lastEventAt: undefined,
    events: 0,
    pageViews: 0,
    conversions: 0,
    revenue: 0n,
    endSeen: false,
    attributes: new Map(),
    entry: undefined,
    exit: undefined,
    tallies: new Map(),
  };
}

/**
 * Folds events in, skipping those whose id is known.
 * @param common the attributes of each of the events, which then carry none themselves
 * @param ackFloor stream sequence up to which JetStream redelivers nothing; ids from there on down
 *   may be forgotten once the session has more than `EVENT_IDS_MAX`
 * @returns the metric rows that the new events add by themselves (never taken back later)
 */
export function applyEvents(
  state: SessionState,
  events: readonly VisitorEvent[],
  ackFloor = 0,
  common?: Attributes,
): Contributions {
  const rows: Contributions = new Map();
  let earliest: VisitorEvent | undefined;
  for (const event of events) {
    const key = event.key ?? event.id;
    if (state.ids.has(key)) continue;
    state.ids.set(key, event.seq);
    applyEvent(state, event);
    if (common === undefined) seeAttributes(state, event, event);
    else if (earliest === undefined || isEarlier(event, earliest)) earliest = event;
    addEventRows(rows, state, event);
  }
  if (common !== undefined && earliest !== undefined) seeAttributes(state, earliest, common);
  forgetIds(state.ids, ackFloor);
  return rows;
}

/** Whether folding the events in would change nothing: every one is known. */
export function isKnown(state: SessionState, events: readonly VisitorEvent[]): boolean {
  return events.every((event) => state.ids.has(event.key ?? event.id));
}

function applyEvent(state: SessionState, event: VisitorEvent): void {
  state.events += 1;
  state.firstEventAt = Math.min(state.firstEventAt ?? event.at, event.at);
  state.lastEventAt = Math.max(state.lastEventAt ?? event.at, event.at);
  const kind = kindOf(event);
  if (kind === 'session_end') state.endSeen = true;
  if (kind === 'pageview') {
    state.pageViews += 1;
    seePath(state, event);
  }
  if (isConversion(event)) {
    state.conversions += 1;
    state.revenue += readUnits(event.revenue ?? '0');
  }
}

/** The least event time wins, so of events with the same attributes only the earliest counts. */
function seeAttributes(state: SessionState, event: VisitorEvent, attributes: Attributes): void {
  const { at, id } = event;
  for (const name of ATTRIBUTES) {
    const value = attributes[name];
    if (value === undefined || value === '') continue;
    const old = state.attributes.get(name);
    if (old === undefined || isEarlier(event, old)) state.attributes.set(name, { value, at, id });
  }
}

function seePath(state: SessionState, event: VisitorEvent): void {
  if (event.path === undefined || event.path === '') return;
  const seen: Sighting = { value: event.path, at: event.at, id: event.id };
  if (state.entry === undefined || isEarlier(seen, state.entry)) state.entry = seen;
  if (state.exit === undefined || isEarlier(state.exit, seen)) state.exit = seen;
}

function addEventRows(rows: Contributions, state: SessionState, event: VisitorEvent): void {
  for (const { metric, granularity, dimensions, sessionDimensions, measure } of EVENT_METRICS) {
    const amount = measure(event);
    if (amount === undefined) continue;
    const bucket = bucketOf(event.at, granularity);
    for (const dimension of dimensions) {
      const dimensionValue = dimension === '' ? '' : EVENT_DIMENSIONS[dimension](event);
      if (dimension !== '' && (dimensionValue === undefined || dimensionValue === '')) continue;
      const key = { metric, granularity, bucket, dimension, dimensionValue: dimensionValue ?? '' };
      addAmount(rows, rowKeyText(key), amount);
    }
    if (sessionDimensions !== undefined) {
      addAmount(state.tallies, tallyKey(metric, granularity, bucket), amount);
    }
  }
}

function tallyKey(metric: string, granularity: Granularity, bucket: number): string {
  return `${metric} ${granularity} ${bucket}`;
}

function forgetIds(ids: Map<string, number>, ackFloor: number): void {
  if (ids.size <= EVENT_IDS_MAX) return;
  for (const [id, seq] of ids) {
    if (seq <= ackFloor) ids.delete(id);
    if (ids.size <= EVENT_IDS_MAX) return;
  }
}

/**
 * The session in figures.
 * @returns undefined for a session without events
 */
export function factsOf(state: SessionState, newUser?: boolean): SessionFacts | undefined {
  const { firstEventAt, lastEventAt, pageViews, conversions, entry, exit } = state;
  if (firstEventAt === undefined || lastEventAt === undefined) return undefined;
  const durationMs = lastEventAt - firstEventAt;
  return {
    firstEventAt,
    lastEventAt,
    durationMs,
    events: state.events,
    pageViews,
    conversions,
    revenue: formatDecimal(state.revenue),
    engaged: durationMs >= ENGAGED_MS || pageViews >= ENGAGED_PAGE_VIEWS || conversions > 0,
    bounced: pageViews === 1 && conversions === 0,
    attributes: Object.fromEntries([...state.attributes].map(([name, { value }]) => [name, value])),
    ...(entry && { entryPath: entry.value }),
    ...(exit && { exitPath: exit.value }),
    ...(newUser !== undefined && { newUser }),
    tallies: talliesToWire(state.tallies),
  };
}

/**
 * The rows that depend on the session as a whole, and so may have to be taken back: one set per
 * state, whatever order the events came in.
 */
export function sessionRows(facts: SessionFacts): Contributions {
  const rows: Contributions = new Map();
  for (const { metric, granularity, bucket, dimensions, measure } of SESSION_METRICS) {
    const amount = measure(facts);
    if (amount === undefined) continue;
    const start = bucketOf(facts[bucket], granularity);
    for (const dimension of dimensions) {
      addSessionRow(rows, facts, { metric, granularity, bucket: start, dimension }, amount);
    }
  }
  const tallies = talliesFromWire(facts.tallies);
  for (const { metric, granularity, sessionDimensions = [] } of EVENT_METRICS) {
    const prefix = `${metric} ${granularity} `;
    for (const [key, amount] of tallies) {
      if (!key.startsWith(prefix)) continue;
      const bucket = Number(key.slice(prefix.length));
      for (const dimension of sessionDimensions) {
        addSessionRow(rows, facts, { metric, granularity, bucket, dimension }, amount);
      }
    }
  }
  return rows;
}

function addSessionRow(
  rows: Contributions,
  facts: SessionFacts,
  key: {
    metric: string;
    granularity: Granularity;
    bucket: number;
    dimension: '' | keyof typeof SESSION_DIMENSIONS;
  },
  amount: Amount,
): void {
  const dimensionValue =
    key.dimension === '' ? '' : facts.attributes[SESSION_DIMENSIONS[key.dimension]];
  if (dimensionValue === undefined) return;
  addAmount(rows, rowKeyText({ ...key, dimensionValue }), amount);
}

/** The state as JSON. */
export function stateToWire(state: SessionState): SessionStateWire {
  const { firstEventAt, lastEventAt, entry, exit } = state;
  return {
    ids: [...state.ids],
    ...(firstEventAt !== undefined && { firstEventAt }),
    ...(lastEventAt !== undefined && { lastEventAt }),
    events: state.events,
    pageViews: state.pageViews,
    conversions: state.conversions,
    revenue: formatDecimal(state.revenue),
    endSeen: state.endSeen,
    attributes: Object.fromEntries(state.attributes),
    ...(entry && { entry }),
    ...(exit && { exit }),
    tallies: talliesToWire(state.tallies),
  };
}

/** The inverse of {@link stateToWire}. */
export function stateFromWire(wire: SessionStateWire): SessionState {
  return {
    ids: new Map(wire.ids),
    firstEventAt: wire.firstEventAt,
    lastEventAt: wire.lastEventAt,
    events: wire.events,
    pageViews: wire.pageViews,
    conversions: wire.conversions,
    revenue: readUnits(wire.revenue),
    endSeen: wire.endSeen,
    attributes: new Map(
      ATTRIBUTES.flatMap((name) => {
        const sighting = wire.attributes[name];
        return sighting === undefined ? [] : [[name, sighting] as const];
      }),
    ),
    entry: wire.entry,
    exit: wire.exit,
    tallies: talliesFromWire(wire.tallies),
  };
}

function talliesToWire(tallies: ReadonlyMap<string, Amount>): TalliesWire {
  return [...tallies].map(([key, { value, count }]) => [key, formatDecimal(value), count] as const);
}

function talliesFromWire(wire: TalliesWire): Map<string, Amount> {
  return new Map(wire.map(([key, value, count]) => [key, { value: readUnits(value), count }]));
}
