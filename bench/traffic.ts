/** Visitor traffic for benchmarks: the same at every run. */
import type { World } from './world.ts';

const SOURCES = ['google', 'direct', 'newsletter', 'social'];
const COUNTRIES = ['DE', 'FR', 'NL', 'US', 'BR'];

/** The n-th event of a session of `events` events; the last one ends it. */
export function benchEvent(session: number, n: number, events: number, at: number): object {
  const sessionId = `s-${session}`;
  const base = {
    sessionId,
    eventId: `${sessionId}-${n}`,
    timestamp: at + n * 1_000,
    ...(session % 2 === 0 && { userId: `u-${session % 500}` }),
  };
  if (n === events - 1) return { ...base, eventType: 'session_end' };
  return {
    ...base,
    eventType: n % 7 === 6 ? 'purchase' : 'pageview',
    properties: {
      path: `/product/${(session * 7 + n) % 100}`,
      trafficSource: SOURCES[session % SOURCES.length],
      country: COUNTRIES[session % COUNTRIES.length],
      deviceType: session % 3 === 0 ? 'mobile' : 'desktop',
      browser: 'firefox',
      os: 'linux',
      ...(n % 7 === 6 && { revenue: '19.99', currency: 'EUR' }),
    },
  };
}

/** Sessions that are under way at the same time in the stream. */
const INTERLEAVED = 20;

/** Publishes whole sessions into EVENTS, interleaved, one event a message. */
export async function publishSessions(
  { nats }: World,
  project: string,
  sessions: number,
  events: number,
): Promise<void> {
  const at = Date.now() - 3_600_000;
  let underWay: Promise<unknown>[] = [];
  for (let first = 0; first < sessions; first += INTERLEAVED) {
    for (let n = 0; n < events; n += 1) {
      for (let s = first; s < Math.min(first + INTERLEAVED, sessions); s += 1) {
        const data = JSON.stringify(benchEvent(s, n, events, at));
        underWay.push(nats.js.publish(`events.${project}.bench`, data, { timeout: 30_000 }));
      }
      if (underWay.length >= 500) {
        await Promise.all(underWay);
        underWay = [];
      }
    }
  }
  await Promise.all(underWay);
}
