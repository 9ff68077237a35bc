/**
 * The system that Sojourn replaces, re-typed: for each event one GET and one SET with expiry of the
 * session in Redis, then one awaited upsert in Postgres for each metric row that the event touches.
 * Nothing in it is exact: an event that comes twice counts twice, and what dies half way stays half
 * done. Every choice here is in its favour: events are read and checked before the clock starts, there
 * is no queue, statements are prepared, and connections are as many as there are lanes.
 *
 * Arguments: URL of Postgres, sessions, events a session. Prints `begin`, and at the end `end` with
 * the time in milliseconds and the number of upserts.
 */
import { Redis } from 'ioredis';
import { Pool } from 'pg';
import { loadConfig, processEnvironment, requireServers } from '../platform/config.ts';
import { bucketOf, type Granularity } from '../shared/buckets.ts';
import { catalogueOf, placesOf, sessionPlacesOf } from '../shared/catalogue.ts';
import type { Amount } from '../shared/contributions.ts';
import { formatDecimal } from '../shared/decimal.ts';
import {
  type Attribute,
  ATTRIBUTES,
  isConversion,
  kindOf,
  type VisitorEvent,
} from '../shared/event.ts';
import type { SessionFacts } from '../shared/session-facts.ts';
import { visitorEvents } from './records.ts';

const UNDER_WAY = 32;
/** What there was when it was replaced. */
const LINES = catalogueOf(1);
const EXPIRY_SECONDS = 1_800;

/** What it keeps of a session in Redis. */
interface StoredSession {
  firstEventAt: number;
  lastEventAt: number;
  events: number;
  pageViews: number;
  conversions: number;
  attributes: Partial<Record<Attribute, string>>;
}

interface MetricRow {
  readonly metric: string;
  readonly granularity: Granularity;
  readonly bucket: number;
  readonly dimension: string;
  readonly dimensionValue: string;
  readonly amount: Amount;
}

const [url = ''] = process.argv.slice(2);
const [sessions = 0, events = 1] = process.argv.slice(3, 5).map(Number);
const config = requireServers(loadConfig(processEnvironment()), ['REDIS_URL']);
const redis = new Redis(config.REDIS_URL);
const pool = new Pool({ connectionString: url, max: UNDER_WAY });
let upserts = 0;

await play(`warm-${process.pid}`, readAll(200));
const visits = readAll(sessions);
upserts = 0;
const begin = process.hrtime.bigint();
process.stdout.write('begin\n');
await play(`run-${process.pid}`, visits);
const ms = Number(process.hrtime.bigint() - begin) / 1e6;
process.stdout.write(`end ${ms} ${upserts}\n`);
// Keeps still until it is stopped, so that CPU times can be read.
process.once('SIGTERM', () => {
  redis.disconnect();
  pool.end().catch(() => undefined);
});

function readAll(count: number): VisitorEvent[][] {
  const at = Date.now() - 3_600_000;
  return Array.from({ length: count }, (_, session) => visitorEvents(session, events, at));
}

async function play(project: string, all: readonly VisitorEvent[][]): Promise<void> {
  let next = 0;
  const lane = async () => {
    for (let n = next++; n < all.length; n = next++) {
      for (const event of all[n] ?? []) await take(project, `s-${n}`, event);
    }
  };
  await Promise.all(Array.from({ length: UNDER_WAY }, lane));
}

async function take(project: string, sessionId: string, event: VisitorEvent): Promise<void> {
  const key = `session:${project}:${sessionId}`;
  const stored = await redis.get(key);
  const session = addTo(stored === null ? undefined : (JSON.parse(stored) as StoredSession), event);
  await redis.set(key, JSON.stringify(session), 'EX', EXPIRY_SECONDS);
  for (const row of rowsOf(session, event)) await upsert(project, row);
}

function addTo(before: StoredSession | undefined, event: VisitorEvent): StoredSession {
  const session = before ?? {
    firstEventAt: event.at,
    lastEventAt: event.at,
    events: 0,
    pageViews: 0,
    conversions: 0,
    attributes: {},
  };
  session.lastEventAt = Math.max(session.lastEventAt, event.at);
  session.events += 1;
  if (kindOf(event) === 'pageview') session.pageViews += 1;
  if (isConversion(event)) session.conversions += 1;
  for (const name of ATTRIBUTES) {
    const value = event[name];
    if (value !== undefined) session.attributes[name] ??= value;
  }
  return session;
}

/** The rows of the same catalogue: an event's own, at the start and at the end the session's. */
function rowsOf(session: StoredSession, event: VisitorEvent): MetricRow[] {
  const rows: MetricRow[] = [];
  const facts = factsOf(session);
  for (const line of LINES.eventMetrics) {
    const { metric, granularity, dimensions, sessionDimensions = [] } = line;
    const amount = line.measure(event);
    if (amount === undefined) continue;
    const row = { metric, granularity, bucket: bucketOf(event.at, granularity), amount };
    const places = [
      ...dimensions.flatMap((dimension) => placesOf(event, dimension)),
      ...sessionDimensions.flatMap((dimension) => sessionPlacesOf(facts, dimension)),
    ];
    for (const [dimension, dimensionValue] of places) {
      rows.push({ ...row, dimension, dimensionValue });
    }
  }
  for (const { metric, granularity, bucket, dimensions, measure } of LINES.sessionMetrics) {
    const isDue =
      bucket === 'firstEventAt' ? session.events === 1 : kindOf(event) === 'session_end';
    const amount = isDue ? measure(facts) : undefined;
    if (amount === undefined) continue;
    const row = { metric, granularity, bucket: bucketOf(facts[bucket], granularity), amount };
    for (const place of dimensions.flatMap((dimension) => sessionPlacesOf(facts, dimension))) {
      const [dimension, dimensionValue] = place;
      rows.push({ ...row, dimension, dimensionValue });
    }
  }
  return rows;
}

function factsOf({ firstEventAt, lastEventAt, ...session }: StoredSession): SessionFacts {
  const durationMs = lastEventAt - firstEventAt;
  return {
    ...session,
    firstEventAt,
    lastEventAt,
    durationMs,
    revenue: '0',
    engaged: durationMs >= 10_000 || session.pageViews >= 2 || session.conversions > 0,
    bounced: session.pageViews === 1 && session.conversions === 0,
    // Whether the user is new it would have to look up as well; taken as known.
    ...(session.attributes.userId !== undefined && { newUser: true }),
    tallies: [],
  };
}

async function upsert(project: string, row: MetricRow): Promise<void> {
  upserts += 1;
  await pool.query({
    name: 'upsert',
    text: `INSERT INTO metrics (project, metric_type, granularity, bucket, dimension, dimension_value, value, count)
           VALUES ($1, $2, $3, to_timestamp($4), $5, $6, $7, $8)
           ON CONFLICT (project, metric_type, granularity, bucket, dimension, dimension_value)
           DO UPDATE SET value = metrics.value + excluded.value, count = metrics.count + excluded.count`,
    values: [
      project,
      row.metric,
      row.granularity,
      row.bucket / 1_000,
      row.dimension,
      row.dimensionValue,
      formatDecimal(row.amount.value),
      row.amount.count,
    ],
  });
}
