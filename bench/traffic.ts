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

const AGENTS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/138.0.0.0 Mobile Safari/537.36',
];
const LANGUAGES = ['de-DE', 'en-US', 'fr-FR'];
const SCREENS = ['1920x1080', '390x844', '1440x900'];

/** {@link benchEvent} with all that a tracker can tell besides; what the other gives outright has to be found out of it. */
export function fullBenchEvent(session: number, n: number, events: number, at: number): object {
  const { properties, ...event } = benchEvent(session, n, events, at) as {
    readonly properties?: Readonly<Record<string, unknown>>;
  };
  const { path, country, ...rest } = properties ?? {};
  const campaign = `campaign-${session % 20}`;
  return {
    ...event,
    visitorId: `v-${session % 1_000}`,
    properties: {
      country,
      ...('revenue' in rest && { revenue: rest['revenue'], currency: rest['currency'] }),
      url: `https://shop.example${typeof path === 'string' ? path : '/'}?utm_source=${SOURCES[session % SOURCES.length] ?? ''}&utm_medium=cpc&utm_campaign=${campaign}&utm_term=shoes&utm_content=a`,
      referrer: 'https://www.google.com/',
      userAgent: AGENTS[session % AGENTS.length],
      language: LANGUAGES[session % LANGUAGES.length],
      screen: SCREENS[session % SCREENS.length],
      appVersion: '4.2.0',
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
  eventOf: typeof benchEvent = benchEvent,
): Promise<void> {
  const at = Date.now() - 3_600_000;
  let underWay: Promise<unknown>[] = [];
  for (let first = 0; first < sessions; first += INTERLEAVED) {
    for (let n = 0; n < events; n += 1) {
      for (let s = first; s < Math.min(first + INTERLEAVED, sessions); s += 1) {
        const data = JSON.stringify(eventOf(s, n, events, at));
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
