/**
 * What a session is: a fold of its events that is commutative and idempotent, so that order,
 * duplication and batching of what arrives never change a number.
 */
import { familyOf, type ReadonlyTable, rowKeyOf, type Table } from './balance.ts';
import { type Amount, type Contributions, addAmount, rowKeyText } from './contributions.ts';
import { bucketOf } from './buckets.ts';
import { formatDecimal, readUnits } from './decimal.ts';
import {
  type Attribute,
  ATTRIBUTES,
  type Attributes,
  type Declared,
  isConversion,
  isDeclared,
  isEarlier,
  kindOf,
  type VisitorEvent,
} from './event.ts';
import {
  botPlaceOf,
  type Catalogue,
  CATALOGUE_VERSION,
  catalogueOf,
  type EventMetric,
  KNOWS_BOTS,
  type Place,
  placesOf,
  type SessionDimension,
  sessionPlacesOf,
} from './catalogue.ts';
import { rememberedId } from './event-ids.ts';
import { EVENT_IDS_KEPT_MAX, EVENT_IDS_MAX } from './limits.ts';
import { addMoney, type Purse, purseToWire } from './purse.ts';
import type { SessionFacts, SessionFigures } from './session-facts.ts';
import { talliesFromWire, type Tallies, talliesToWire, tallyNamed } from './tables.ts';

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
  /** Ids are kept as `rememberedId` makes them, and no more than `EVENT_IDS_KEPT_MAX`. */
  readonly isBounded: boolean;
  /** What its events and it itself are filed under. */
  readonly catalogue: Catalogue;
  firstEventAt: number | undefined;
  lastEventAt: number | undefined;
  events: number;
  /** As many of the events were heartbeats, which count in nothing. */
  heartbeats: number;
  pageViews: number;
  conversions: number;
  /** Sum over purchases and conversions, units of 10^-9. */
  revenue: bigint;
  /** The same by currency. */
  readonly purse: Purse;
  /** A `session_end` has been seen. */
  endSeen: boolean;
  readonly attributes: Map<Attribute | Declared, Sighting>;
  entry: Sighting | undefined;
  exit: Sighting | undefined;
  /** Amounts of events that are also filed under attributes of the session, by metric and bucket. */
  readonly tallies: Tallies;
}

/** A session without events. */
export function emptySession(
  isBounded = true,
  catalogue = catalogueOf(CATALOGUE_VERSION),
): SessionState {
  return {
    ids: new Map(),
    isBounded,
    catalogue,
    firstEventAt: undefined,
    lastEventAt: undefined,
    events: 0,
    heartbeats: 0,
    pageViews: 0,
    conversions: 0,
    revenue: 0n,
    purse: new Map(),
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
  const add: AddRow = ({ metric, granularity }, bucket, [dimension, dimensionValue], amount) => {
    const key = { metric, granularity, bucket, dimension, dimensionValue };
    addAmount(rows, rowKeyText(key), amount);
  };
  applyEventsTo(add, state, events, ackFloor, common);
  return rows;
}

/** A line of the catalogue, a bucket and a place, and what is filed there. */
export type AddRow = (line: RowLine, bucket: number, place: Place, amount: Amount) => void;
type RowLine = Pick<EventMetric, 'metric' | 'granularity'>;

/** The same as {@link applyEvents}, for whoever adds rows up some other way. @param add told of each row that an event adds */
export function applyEventsTo(
  add: AddRow,
  state: SessionState,
  events: readonly VisitorEvent[],
  ackFloor = 0,
  common?: Attributes,
): void {
  let earliest: VisitorEvent | undefined;
  for (const event of events) {
    const key = keyOf(state, event);
    if (state.ids.has(key)) continue;
    state.ids.set(key, event.seq);
    applyEvent(state, event);
    if (common === undefined) seeAttributes(state, event, event);
    else if (earliest === undefined || isEarlier(event, earliest)) earliest = event;
    addEventRows(add, state, event, common ?? event);
  }
  if (common !== undefined && earliest !== undefined) seeAttributes(state, earliest, common);
  forgetIds(state, ackFloor);
}

/** Whether folding the events in would change nothing: every one is known. */
export function isKnown(state: SessionState, events: readonly VisitorEvent[]): boolean {
  return events.every((event) => state.ids.has(keyOf(state, event)));
}

function keyOf({ isBounded }: SessionState, { key, id }: VisitorEvent): string {
  return isBounded ? rememberedId(key ?? id) : (key ?? id);
}

function applyEvent(state: SessionState, event: VisitorEvent): void {
  state.events += 1;
  state.firstEventAt = Math.min(state.firstEventAt ?? event.at, event.at);
  state.lastEventAt = Math.max(state.lastEventAt ?? event.at, event.at);
  const kind = kindOf(event);
  const isOld = state.catalogue.version < KNOWS_BOTS;
  if (kind === 'heartbeat' && !isOld) state.heartbeats += 1;
  if (kind === 'session_end') state.endSeen = true;
  if (kind === 'pageview') {
    state.pageViews += 1;
    seePath(state, event);
  }
  if (isConversion(event)) {
    state.conversions += 1;
    const units = readUnits(event.revenue ?? '0');
    state.revenue += units;
    if (!isOld) addMoney(state.purse, event.currency ?? '', units);
  }
}

/** The least event time wins, so of events with the same attributes only the earliest counts. */
function seeAttributes(state: SessionState, event: VisitorEvent, attributes: Attributes): void {
  for (const name of ATTRIBUTES) seeAttribute(state, event, name, attributes[name]);
  for (const name in attributes) {
    if (isDeclared(name)) seeAttribute(state, event, name, attributes[name]);
  }
}

function seeAttribute(
  { attributes }: SessionState,
  event: VisitorEvent,
  name: Attribute | Declared,
  value: string | undefined,
): void {
  if (value === undefined || value === '') return;
  const { at, id } = event;
  const old = attributes.get(name);
  if (old === undefined || isEarlier(event, old)) attributes.set(name, { value, at, id });
}

function seePath(state: SessionState, event: VisitorEvent): void {
  if (event.path === undefined || event.path === '') return;
  const seen: Sighting = { value: event.path, at: event.at, id: event.id };
  if (state.entry === undefined || isEarlier(seen, state.entry)) state.entry = seen;
  if (state.exit === undefined || isEarlier(state.exit, seen)) state.exit = seen;
}

function addEventRows(
  add: AddRow,
  state: SessionState,
  event: VisitorEvent,
  attributes: Attributes,
): void {
  for (const line of state.catalogue.eventMetrics) {
    const { metric, granularity, dimensions, sessionDimensions } = line;
    const amount = line.measure(event);
    if (amount === undefined) continue;
    const bucket = bucketOf(event.at, granularity);
    for (const split of dimensions) {
      for (const place of placesOf(event, split, attributes)) {
        add(line, bucket, place, amount);
        if (attributes.bot !== undefined) add(line, bucket, botPlaceOf(place), amount);
      }
    }
    if (sessionDimensions !== undefined) {
      addAmount(tallyNamed(state.tallies, `${metric} ${granularity}`), bucket, amount);
    }
  }
}

function forgetIds({ ids, isBounded }: SessionState, ackFloor: number): void {
  if (ids.size <= EVENT_IDS_MAX) return;
  for (const [id, seq] of ids) {
    if (seq <= ackFloor) ids.delete(id);
    if (ids.size <= EVENT_IDS_MAX) return;
  }
  for (const id of isBounded ? ids.keys() : []) {
    if (ids.size <= EVENT_IDS_KEPT_MAX) return;
    ids.delete(id);
  }
}

/**
 * The session in figures.
 * @returns undefined for a session without events
 */
export function figuresOf(state: SessionState, newUser?: boolean): SessionFigures | undefined {
  const { firstEventAt, lastEventAt, pageViews, conversions, entry, exit, heartbeats, purse } =
    state;
  if (firstEventAt === undefined || lastEventAt === undefined) return undefined;
  const durationMs = lastEventAt - firstEventAt;
  return {
    firstEventAt,
    lastEventAt,
    durationMs,
    events: state.events - heartbeats,
    ...(heartbeats > 0 && { heartbeats }),
    pageViews,
    conversions,
    revenue: formatDecimal(state.revenue),
    ...(purse.size > 0 && { revenueByCurrency: purseToWire(purse) }),
    engaged: durationMs >= ENGAGED_MS || pageViews >= ENGAGED_PAGE_VIEWS || conversions > 0,
    bounced: pageViews === 1 && conversions === 0,
    attributes: Object.fromEntries([...state.attributes].map(([name, { value }]) => [name, value])),
    ...(entry && { entryPath: entry.value }),
    ...(exit && { exitPath: exit.value }),
    ...(newUser !== undefined && { newUser }),
  };
}

/** The session in figures, and what its events add to them by bucket. */
export function factsOf(state: SessionState, newUser?: boolean): SessionFacts | undefined {
  const figures = figuresOf(state, newUser);
  return figures && { ...figures, tallies: talliesToWire(state.tallies) };
}

/**
 * The rows that depend on the session as a whole, and so may have to be taken back: one set per
 * state, whatever order the events came in. By family; families that are filed under the same tally share it.
 */
export function sessionTables(
  figures: SessionFigures,
  tallies: ReadonlyMap<string, ReadonlyTable>,
  catalogue: Catalogue = catalogueOf(CATALOGUE_VERSION),
): Map<string, ReadonlyTable> {
  const tables = new Map<string, ReadonlyTable>();
  fileSession(figures, tallies, catalogue, ({ metric, granularity }, place, table) => {
    const family = familyOf(metric, granularity, ...place);
    const known = tables.get(family);
    tables.set(family, known === undefined ? table : sumOf(known, table));
  });
  return tables;
}

/** The same, one after the other. @param file told of each line and place what is filed there, maybe twice of one family */
export function fileSession(
  figures: SessionFigures,
  tallies: ReadonlyMap<string, ReadonlyTable>,
  { eventMetrics, sessionMetrics }: Catalogue,
  file: (line: RowLine, place: Place, table: ReadonlyTable) => void,
): void {
  const isBot = figures.attributes.bot !== undefined;
  const add = (line: RowLine, split: '' | SessionDimension, table: ReadonlyTable) => {
    if (table.size === 0) return;
    for (const place of sessionPlacesOf(figures, split)) {
      file(line, place, table);
      if (isBot) file(line, botPlaceOf(place), table);
    }
  };
  for (const line of sessionMetrics) {
    const amount = line.measure(figures);
    if (amount === undefined) continue;
    const table: Table = new Map();
    addAmount(table, bucketOf(figures[line.bucket], line.granularity), amount);
    for (const dimension of line.dimensions) add(line, dimension, table);
  }
  for (const line of eventMetrics) {
    const tally = tallies.get(`${line.metric} ${line.granularity}`);
    if (tally === undefined) continue;
    for (const dimension of line.sessionDimensions ?? []) add(line, dimension, tally);
  }
}

function sumOf(a: ReadonlyTable, b: ReadonlyTable): Table {
  const sum: Table = new Map(a);
  for (const [bucket, amount] of b) addAmount(sum, bucket, amount);
  return sum;
}

/** The same rows, each with its whole key. */
export function sessionRows(facts: SessionFacts): Contributions {
  const rows: Contributions = new Map();
  for (const [family, table] of sessionTables(facts, talliesFromWire(facts.tallies))) {
    for (const [bucket, amount] of table) addAmount(rows, rowKeyOf(family, bucket), amount);
  }
  return rows;
}
