/** Events and what comes of them, with everything filled in that a test does not care about. */
import { type Actor, openActor, type SessionSettings } from '../../shared/actor.ts';
import type { EventBatch } from '../../shared/batch.ts';
import {
  type Contributions,
  type KeyedRow,
  parseRowKey,
  toWire,
  type WideRow,
} from '../../shared/contributions.ts';
import { isDeclared, nameOfDeclared, type VisitorEvent } from '../../shared/event.ts';
import type { Rollup, SessionRow } from '../../shared/rollup.ts';
import { addTo, type ReferenceEvent, type ReferenceRows, unitsOf, USERS } from './reference.ts';

/** A Tuesday, 10:00 UTC. */
export const NOON_ISH = Date.UTC(2024, 2, 5, 10, 0, 0);

let lastId = 0;

/** A page view at {@link NOON_ISH} with an id of its own. */
export function anEvent(fields: Partial<VisitorEvent> = {}): VisitorEvent {
  lastId += 1;
  return { id: `event-${lastId}`, type: 'pageview', at: NOON_ISH, seq: lastId, ...fields };
}

export function aBatch(...events: readonly VisitorEvent[]): EventBatch {
  return { events, ackFloor: 0 };
}

export const SETTINGS: SessionSettings = {
  idleTimeoutMs: 30 * 60_000,
  checkpointMs: 60_000,
  lateGraceMs: 10_000,
};

/** An actor of session `s-1`, opened at {@link NOON_ISH} with these events. */
export function anActor(
  events: readonly VisitorEvent[],
  settings: Partial<SessionSettings> = {},
): Actor {
  const input = {
    version: 2 as const,
    project: 'shop',
    sessionId: 's-1',
    settings: { ...SETTINGS, ...settings },
    batch: aBatch(...events),
  };
  return openActor(input, 'run-1', NOON_ISH);
}

export function aSessionRow(fields: Partial<SessionRow> = {}): SessionRow {
  return {
    firstEventAt: NOON_ISH,
    lastEventAt: NOON_ISH,
    durationMs: 0,
    events: 1,
    pageViews: 1,
    conversions: 0,
    revenue: '0',
    engaged: false,
    bounced: true,
    attributes: {},
    status: 'ended',
    updatedAt: NOON_ISH,
    ...fields,
  };
}

export function aRollup(fields: Partial<Rollup> = {}): Rollup {
  return {
    version: 2,
    project: 'shop',
    sessionId: 's-1',
    identity: 'run-1',
    writeNo: 1,
    by: 'run-1',
    rows: [],
    owesMore: false,
    session: aSessionRow(),
    ...fields,
  };
}

const PROPERTIES = [
  'path',
  'trafficSource',
  'deviceType',
  'country',
  'browser',
  'os',
  'channel',
  'medium',
  'campaign',
  'term',
  'content',
  'referrerHost',
  'language',
  'screen',
  'appVersion',
  'bot',
  'revenue',
  'currency',
  'conversionType',
] as const;

/** The event as a producer would have sent it. */
export function asReference(
  project: string,
  sessionId: string,
  event: VisitorEvent,
): ReferenceEvent {
  const { id, type, at, userId, visitorId } = event;
  const declared = Object.entries(event).flatMap(([name, value]) =>
    isDeclared(name) && typeof value === 'string' ? [[nameOfDeclared(name), value] as const] : [],
  );
  return {
    project,
    sessionId,
    eventId: id,
    eventType: type,
    timestamp: at,
    ...(userId !== undefined && { userId }),
    ...(visitorId !== undefined && { visitorId }),
    ...(event.dayTurned !== undefined && { dayTurned: true }),
    declared: Object.fromEntries(declared),
    properties: Object.fromEntries(
      PROPERTIES.flatMap((name) => (event[name] === undefined ? [] : [[name, event[name]]])),
    ),
  };
}

/** Rows of the core in the form of the reference. */
export function asReferenceRows(...parts: readonly Contributions[]): ReferenceRows {
  const rows: ReferenceRows = new Map();
  for (const part of parts) {
    for (const [text, amount] of part) {
      const { metric, granularity, bucket, dimension, dimensionValue } = parseRowKey(text);
      const iso = new Date(bucket).toISOString();
      addTo(
        rows,
        [comparable(metric), granularity, iso, dimension, dimensionValue].join('|'),
        amount,
      );
    }
  }
  return rows;
}

/** Rows in words: with their key in five parts, as records had it first. */
export function inWords(rows: Contributions): WideRow[] {
  return toWire(rows).map(([key, value, count]) => {
    const { metric, granularity, bucket, dimension, dimensionValue } = parseRowKey(key);
    return [metric, granularity, bucket / 1_000, dimension, dimensionValue, value, count];
  });
}

/** Adds up what the rollup log holds, from its JSON and with none of the core's arithmetic. */
export function sumOfLog(records: Iterable<string>): ReferenceRows {
  const rows: ReferenceRows = new Map();
  for (const record of records) {
    for (const [rowKey, value, count] of (JSON.parse(record) as Rollup).rows as KeyedRow[]) {
      const [metric = '', granularity = '', bucket = '', ...dimension] = rowKey.split('|');
      const iso = new Date(Number(bucket)).toISOString();
      const key = [comparable(metric), granularity, iso, ...dimension].join('|');
      addTo(rows, key, { value: unitsOf(value), count });
    }
  }
  return rows;
}

function comparable(metric: string): string {
  return metric === 'new_users' || metric === 'returning_users' ? USERS : metric;
}

/** In key order, one row a line: quick to compare, and a difference can be read. */
export function inLines(rows: ReferenceRows): string {
  return [...rows]
    .map(([key, { value, count }]) => `${key} = ${value} / ${count}`)
    .sort()
    .join('\n');
}

/** What a JSON-carrying system hands on. */
export function throughJson<T>(value: T): T {
  return JSON.parse(JSON.stringify(value)) as T;
}
