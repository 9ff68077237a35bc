/**
 * Traffic in open loop: sessions begin at an even rate and their events go out when they are due,
 * whatever has become of those before.
 */
import { toError } from '../shared/errors.ts';
import { passThrough } from './pass-through.ts';
import type { Scale } from './scenario.ts';
import { sleep, type World } from './world.ts';

/** Events of a session, and what lies between two of them: a visitor who clicks quickly. */
export const EVENTS = 5;
const GAP_MS = 2_000;
const PUBLISH_TIMEOUT_MS = 30_000;

/** What sessions look like: so many events, the last of them `session_end`, so far apart. */
export interface Shape {
  readonly events: number;
  readonly gapMs: number;
}
const QUICK: Shape = { events: EVENTS, gapMs: GAP_MS };

/** One session of the traffic. */
export interface Visit {
  readonly shape: Shape;
  readonly id: string;
  readonly firstAt: number;
  readonly endAt: number;
  readonly entryPath: string;
}

/** An event, and when it is meant to be sent. */
export interface Due<V extends Visit = Visit> {
  readonly at: number;
  readonly visit: V;
  readonly n: number;
}

/** Events a second that go all the way while a backlog waits, which is more than live ones do. */
export async function topRate(world: World, pid: number, scale: Scale): Promise<number> {
  const warmUp = scale.pick({ quick: 50, default: 100, long: 300 });
  await passThrough(world, { node: pid }, warmUp, EVENTS);
  const sessions = scale.pick({ quick: 100, default: 400, long: 800 });
  const { sessionsPerSecond } = await passThrough(world, { node: pid }, sessions, EVENTS);
  return sessionsPerSecond * EVENTS;
}

/**
 * Sessions that begin within a time.
 * @param rate events a second
 */
export function planVisits(start: number, rate: number, ms: number, shape = QUICK): Visit[] {
  const everyMs = (shape.events * 1_000) / rate;
  return Array.from({ length: Math.ceil(ms / everyMs) }, (_, i) => {
    const firstAt = start + i * everyMs;
    return {
      // Ascending, so that those not seen yet are a range of the table's key.
      id: `s-${String(i).padStart(7, '0')}`,
      firstAt,
      shape,
      endAt: firstAt + (shape.events - 1) * shape.gapMs,
      entryPath: `/page/${i % 100}`,
    };
  });
}

/**
 * Sends each event when it is due; resolves when JetStream has them all.
 * @param onSent what it does is waited for at the end, not before the next event
 */
export async function sendVisits<V extends Visit>(
  { nats }: Pick<World, 'nats'>,
  project: string,
  visits: readonly V[],
  onSent: (due: Due<V>) => Promise<void> | undefined = () => undefined,
): Promise<void> {
  const schedule: Due<V>[] = visits
    .flatMap((visit) =>
      Array.from({ length: visit.shape.events }, (_, n) => ({
        at: visit.firstAt + n * visit.shape.gapMs,
        visit,
        n,
      })),
    )
    .sort((a, b) => a.at - b.at);
  // In half an hour there are too many to keep those that are done.
  const underWay = new Set<Promise<unknown>>();
  let failure: Error | undefined;
  const waitFor = (work: Promise<unknown> | undefined) => {
    if (work === undefined) return;
    const done = work
      .catch((error: unknown) => (failure ??= toError(error)))
      .finally(() => underWay.delete(done));
    underWay.add(done);
  };
  for (const due of schedule) {
    const waitMs = due.at - Date.now();
    if (waitMs > 0) await sleep(waitMs);
    if (failure !== undefined) break;
    const data = JSON.stringify(eventOf(due));
    const subject = `events.${project}.open-loop`;
    waitFor(nats.js.publish(subject, data, { timeout: PUBLISH_TIMEOUT_MS }));
    waitFor(onSent(due));
  }
  await Promise.all(underWay);
  if (failure !== undefined) throw failure;
}

function eventOf({ at, visit, n }: Due): object {
  const base = { sessionId: visit.id, eventId: `${visit.id}-${n}`, timestamp: Math.floor(at) };
  if (n === visit.shape.events - 1) return { ...base, eventType: 'session_end' };
  return {
    ...base,
    eventType: 'pageview',
    properties: {
      path: n === 0 ? visit.entryPath : `/page/${n}`,
      trafficSource: 'google',
      country: 'DE',
      deviceType: 'mobile',
    },
  };
}
