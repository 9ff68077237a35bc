/**
 * The same visit as each tracker's own library sends it: two pages and a purchase. Beside it what the visit is in
 * events of our own, written by hand from the tracker's documentation and not made by any code of ours.
 */
import { createRequire } from 'node:module';
import { setTimeout as sleep } from 'node:timers/promises';
import { Analytics } from '@segment/analytics-node';
import RudderAnalytics from '@rudderstack/rudder-sdk-node';
import { buildEcommerceTransaction, buildPageView, newTracker } from '@snowplow/node-tracker';
import { Umami } from '@umami/node';
import { PostHog } from 'posthog-node';
import { pythonWith, runPython } from './python-package.ts';
import { installedVersion } from './tracker-table.ts';

const require = createRequire(import.meta.url);

/** An event of the visit as we would publish it, but for its times and ids. */
export interface OwnEvent {
  readonly eventType: string;
  readonly userId?: string;
  /** Which visitor does not matter to any row. */
  readonly visitorId?: string;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface TrackerVisit {
  readonly name: string;
  /** Of its library, for the version; undefined where we speak its wire format. */
  readonly library: string | undefined;
  /** Where that is not from npm: with its version, as the table has it. */
  readonly version?: string;
  /** @returns what this machine lacks, where it lacks something */
  missing?(): Promise<string | undefined>;
  /** The project's key. */
  readonly key: string;
  readonly sends: string;
  /** What it does after 503: sends the same again, by itself, with its next event, or by its caller; or never. */
  readonly repeats: 'itself' | 'next' | 'caller' | 'never';
  isOfEvents(path: string): boolean;
  /** Sends all of it, and returns when the library has done what it can. */
  send(url: string, key: string): Promise<void>;
  readonly own: readonly OwnEvent[];
}

const AGENT =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const PAGES = [
  'https://shop.example/?utm_source=letter&utm_medium=email&utm_campaign=spring',
  'https://shop.example/shoes',
] as const;
const REFERRER = 'https://www.google.com/';
const DONE = 'https://shop.example/done';

const pageviews = (others: Omit<OwnEvent, 'eventType' | 'properties'>, properties: object) =>
  PAGES.map((url): OwnEvent => ({
    eventType: 'pageview',
    ...others,
    properties: { url, referrer: REFERRER, ...properties },
  }));

const purchase = (
  others: Omit<OwnEvent, 'eventType' | 'properties'>,
  properties: object,
): OwnEvent => ({
  eventType: 'purchase',
  ...others,
  properties: { revenue: '59.9', currency: 'EUR', ...properties },
});

/** A second apart, the last one just now: so that the order is the same whoever sorts. */
function threeTimes(): readonly [Date, Date, Date] {
  const now = Date.now();
  return [new Date(now - 2_000), new Date(now - 1_000), new Date(now)];
}

const SEGMENT_CONTEXT = { userAgent: AGENT, locale: 'de-DE' };
const USER = { userId: 'u-1', visitorId: 'v-1' };
const SEGMENT_PROPERTIES = { userAgent: AGENT, language: 'de-DE' };

const segment: TrackerVisit = {
  name: 'Segment, Node',
  library: '@segment/analytics-node',
  key: 'segment-node-key',
  sends: 'two `page`, an `identify` and `Order Completed`, batched',
  repeats: 'itself',
  isOfEvents: (path) => path.startsWith('/v1/'),
  async send(url, key) {
    const analytics = new Analytics({ writeKey: key, host: url, flushAt: 4 });
    const [first, second, third] = threeTimes();
    const who = { userId: 'u-1', anonymousId: 'v-1', context: SEGMENT_CONTEXT };
    for (const [page, timestamp] of [
      [PAGES[0], first],
      [PAGES[1], second],
    ] as const) {
      analytics.page({ ...who, timestamp, properties: { url: page, referrer: REFERRER } });
    }
    analytics.identify({ ...who, traits: { plan: 'pro' } });
    analytics.track({
      ...who,
      timestamp: third,
      event: 'Order Completed',
      properties: { revenue: 59.9, currency: 'EUR' },
    });
    await analytics.closeAndFlush({ timeout: 60_000 });
  },
  own: [...pageviews(USER, SEGMENT_PROPERTIES), purchase(USER, SEGMENT_PROPERTIES)],
};

const rudderstack: TrackerVisit = {
  name: 'RudderStack, Node',
  library: '@rudderstack/rudder-sdk-node',
  key: 'rudder-node-key',
  sends: 'two `page`, an `identify` and `Order Completed`, in one gzip',
  repeats: 'itself',
  isOfEvents: (path) => path.startsWith('/v1/'),
  async send(url, key) {
    const analytics = new RudderAnalytics(key, {
      dataPlaneUrl: url,
      flushAt: 4,
      logLevel: 'error',
    });
    const [first, second, third] = threeTimes();
    const who = { userId: 'u-1', anonymousId: 'v-1', context: SEGMENT_CONTEXT };
    analytics.page({
      ...who,
      timestamp: first,
      properties: { url: PAGES[0], referrer: REFERRER },
    });
    analytics.page({
      ...who,
      timestamp: second,
      properties: { url: PAGES[1], referrer: REFERRER },
    });
    analytics.identify(who);
    analytics.track({
      ...who,
      timestamp: third,
      event: 'Order Completed',
      properties: { revenue: 59.9, currency: 'EUR' },
    });
    await analytics.flush();
  },
  own: [...pageviews(USER, SEGMENT_PROPERTIES), purchase(USER, SEGMENT_PROPERTIES)],
};

const SNOWPLOW_PROPERTIES = { userAgent: AGENT, language: 'de-DE', screen: '1920x1080' };

const snowplow: TrackerVisit = {
  name: 'Snowplow, Node',
  library: '@snowplow/node-tracker',
  key: 'snowplow-node-app',
  sends: 'two page views and an e-commerce transaction',
  repeats: 'next',
  isOfEvents: (path) => path.startsWith('/com.snowplowanalytics.snowplow/'),
  async send(url, key) {
    const { hostname, port } = new URL(url);
    const tracker = newTracker(
      { namespace: 'test', appId: key },
      { endpoint: hostname, port: Number(port), protocol: 'http', bufferSize: 1 },
    );
    tracker.setUserId('u-1');
    tracker.setDomainUserId('v-1');
    tracker.setSessionId('5fd2e6f0-6f9b-4b6e-9d6d-4ab3d3f4b0b1');
    tracker.setUseragent(AGENT);
    tracker.setLang('de-DE');
    tracker.setScreenResolution('1920', '1080');
    const times = threeTimes().map((time) => ({ type: 'ttm' as const, value: time.getTime() }));
    for (const [index, pageUrl] of PAGES.entries()) {
      tracker.track(buildPageView({ pageUrl, referrer: REFERRER }), undefined, times[index]);
    }
    tracker.track(
      buildEcommerceTransaction({ orderId: 'o-1', total: 59.9, currency: 'EUR' }),
      undefined,
      times[2],
    );
    // What was not taken waits for the next event, or for this.
    for (let tries = 0; tries < 20; tries += 1) {
      await tracker.flush();
      await sleep(50);
    }
  },
  own: [...pageviews(USER, SNOWPLOW_PROPERTIES), purchase(USER, SNOWPLOW_PROPERTIES)],
};

const POSTHOG_PROPERTIES = { userAgent: AGENT };

const posthog: TrackerVisit = {
  name: 'PostHog, Node',
  library: 'posthog-node',
  key: 'phc_node',
  sends: 'two `$pageview`, an `$identify` and `purchase`, batched',
  repeats: 'itself',
  isOfEvents: (path) => path.startsWith('/batch') || path.startsWith('/i/'),
  async send(url, key) {
    const client = new PostHog(key, { host: url, flushAt: 10, fetchRetryDelay: 200 });
    const [first, second, third] = threeTimes();
    const common = { $raw_user_agent: AGENT, $session_id: '01976a6a-0000-7000-8000-0000000000aa' };
    for (const [page, timestamp] of [
      [PAGES[0], first],
      [PAGES[1], second],
    ] as const) {
      client.capture({
        distinctId: 'u-1',
        event: '$pageview',
        timestamp,
        properties: { ...common, $current_url: page, $referrer: REFERRER },
      });
    }
    client.identify({ distinctId: 'u-1', properties: { plan: 'pro' } });
    client.capture({
      distinctId: 'u-1',
      event: 'purchase',
      timestamp: third,
      properties: { ...common, revenue: 59.9, currency: 'EUR' },
    });
    await client.shutdown(60_000);
  },
  own: [
    ...pageviews({ userId: 'u-1' }, POSTHOG_PROPERTIES),
    purchase({ userId: 'u-1' }, POSTHOG_PROPERTIES),
  ],
};

const POSTHOG_PYTHON = { name: 'posthog', version: '7.91.1' } as const;

const posthogPython: TrackerVisit = {
  ...posthog,
  name: 'PostHog, Python',
  library: undefined,
  version: `posthog ${POSTHOG_PYTHON.version} (PyPI)`,
  key: 'phc_python',
  sends: 'two `$pageview`, a `$set` and `purchase`, batched',
  isOfEvents: (path) => path.startsWith('/batch'),
  async missing() {
    const python = await pythonWith(POSTHOG_PYTHON);
    return python === undefined ? 'Python 3 with venv, and PyPI' : undefined;
  },
  async send(url, key) {
    const python = await pythonWith(POSTHOG_PYTHON);
    if (python === undefined) throw new Error('it was there a moment ago');
    const [first, second, third] = threeTimes().map((time) => time.getTime());
    const common = { $raw_user_agent: AGENT, $session_id: '01976a6a-0000-7000-8000-0000000000bb' };
    const page = (at: number | undefined, address: string) => ({
      ...{ name: '$pageview', at },
      properties: { ...common, $current_url: address, $referrer: REFERRER },
    });
    const events = [
      page(first, PAGES[0]),
      page(second, PAGES[1]),
      { name: '$set', at: second, properties: { plan: 'pro' } },
      {
        ...{ name: 'purchase', at: third },
        properties: { ...common, revenue: 59.9, currency: 'EUR' },
      },
    ];
    const script = new URL('posthog_visit.py', import.meta.url);
    await runPython(python, script, [url, key, JSON.stringify(events)]);
  },
};

interface Matomo {
  on(name: 'error', listener: (error: unknown) => void): void;
  trackBulk(events: readonly object[], callback: (answer: string) => void): void;
}
const MatomoTracker = require('matomo-tracker') as new (site: string, url: string) => Matomo;

const MATOMO_PROPERTIES = { userAgent: AGENT, language: 'de-DE', screen: '1920x1080' };

const matomo: TrackerVisit = {
  name: 'Matomo, Node (bulk)',
  library: 'matomo-tracker',
  key: 'matomo-site-7',
  sends: 'two page views and an order in one bulk request; the same once more after 503',
  repeats: 'caller',
  isOfEvents: (path) => path.startsWith('/matomo.php'),
  async send(url, key) {
    const common = {
      _id: '0123456789abcdef',
      uid: 'u-1',
      ua: AGENT,
      lang: 'de-DE',
      res: '1920x1080',
      urlref: REFERRER,
    };
    const cdt = threeTimes().map((time) => time.toISOString().slice(0, 19).replace('T', ' '));
    const events = [
      { ...common, url: PAGES[0], action_name: 'Home', rand: 1, cdt: cdt[0] },
      { ...common, url: PAGES[1], action_name: 'Shoes', rand: 2, cdt: cdt[1] },
      {
        ...common,
        url: DONE,
        idgoal: 0,
        ec_id: 'o-1',
        revenue: '59.90',
        rand: 3,
        cdt: cdt[2],
      },
    ];
    // Its library tells that it failed, and keeps nothing: whoever calls it sends again.
    for (let tries = 0; tries < 5; tries += 1) {
      const tracker = new MatomoTracker(key, `${url}/matomo.php`);
      const isTaken = await new Promise<boolean>((resolve) => {
        // Told before it is done.
        tracker.on('error', () => {
          resolve(false);
        });
        tracker.trackBulk(events, () => {
          resolve(true);
        });
      });
      if (isTaken) return;
    }
    throw new Error('matomo-tracker was refused again and again');
  },
  own: [
    ...pageviews(USER, MATOMO_PROPERTIES),
    {
      ...purchase(USER, { ...MATOMO_PROPERTIES, url: DONE, referrer: REFERRER }),
    },
  ].map(({ properties, ...event }) => {
    // No currency on the wire: it is the project's setting.
    const { currency: _currency, ...others } = properties;
    return { ...event, properties: others };
  }),
};

const UMAMI_PROPERTIES = { userAgent: AGENT, language: 'de-DE', screen: '1920x1080' };

const umami: TrackerVisit = {
  name: 'Umami, Node',
  library: '@umami/node',
  key: '6b1c2d3e-0000-4000-8000-0000000000aa',
  sends: 'two page views and an event `purchase` with revenue',
  repeats: 'never',
  isOfEvents: (path) => path === '/api/send',
  async send(url, key) {
    const client = new Umami({ hostUrl: url, websiteId: key, userAgent: AGENT });
    const common = {
      website: key,
      hostname: 'shop.example',
      language: 'de-DE',
      screen: '1920x1080',
      referrer: REFERRER,
    };
    for (const page of PAGES) {
      await client.track({ ...common, url: page.replace('https://shop.example', '') });
      await sleep(20);
    }
    await client.send({
      ...common,
      url: '/done',
      name: 'purchase',
      data: { revenue: 59.9, currency: 'EUR' },
    });
  },
  own: [
    ...pageviews({ visitorId: 'v' }, UMAMI_PROPERTIES),
    purchase({ visitorId: 'v' }, { ...UMAMI_PROPERTIES, url: DONE, referrer: REFERRER }),
  ],
};

/** Its script runs in browsers only; a server sends the same by HTTP. */
const plausible: TrackerVisit = {
  name: 'Plausible, Events API',
  library: undefined,
  key: 'plausible-api.example',
  sends: 'two `pageview` and `Purchase` with revenue',
  repeats: 'never',
  isOfEvents: (path) => path === '/api/event',
  async send(url, key) {
    const event = async (fields: object) => {
      await fetch(`${url}/api/event`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'user-agent': AGENT },
        body: JSON.stringify({ domain: key, referrer: REFERRER, ...fields }),
      });
      await sleep(20);
    };
    for (const page of PAGES) await event({ name: 'pageview', url: page });
    await event({
      name: 'Purchase',
      url: DONE,
      revenue: { amount: 59.9, currency: 'EUR' },
    });
  },
  own: [
    ...pageviews({ visitorId: 'v' }, { userAgent: AGENT }),
    purchase({ visitorId: 'v' }, { userAgent: AGENT, url: DONE, referrer: REFERRER }),
  ],
};

const ga4: TrackerVisit = {
  name: 'GA4 Measurement Protocol',
  library: undefined,
  key: 'G-TEST1/secret',
  sends: 'two `page_view` and `purchase` in one request; the same once more after 503',
  repeats: 'caller',
  isOfEvents: (path) => path.startsWith('/mp/collect'),
  async send(url, key) {
    const [id = '', secret = ''] = key.split('/');
    const times = threeTimes().map((time) => time.getTime() * 1_000);
    const params = { session_id: '1790000000', engagement_time_msec: 100 };
    const body = JSON.stringify({
      client_id: '123.456',
      user_id: 'u-1',
      user_agent: AGENT,
      events: [
        ...PAGES.map((page, index) => ({
          name: 'page_view',
          timestamp_micros: times[index],
          params: { ...params, page_location: page, page_referrer: REFERRER },
        })),
        {
          name: 'purchase',
          timestamp_micros: times[2],
          params: { ...params, value: 59.9, currency: 'EUR', transaction_id: 'o-1' },
        },
      ],
    });
    for (let tries = 0; tries < 5; tries += 1) {
      const address = `${url}/mp/collect?measurement_id=${id}&api_secret=${secret}`;
      const { ok } = await fetch(address, { method: 'POST', body });
      if (ok) return;
    }
    throw new Error('refused again and again');
  },
  own: [...pageviews(USER, { userAgent: AGENT }), purchase(USER, { userAgent: AGENT })],
};

export const TRACKER_VISITS: readonly TrackerVisit[] = [
  segment,
  rudderstack,
  snowplow,
  plausible,
  umami,
  matomo,
  posthog,
  posthogPython,
  ga4,
];

/** As installed. */
export function versionOf({ library, version }: TrackerVisit): string {
  if (version !== undefined) return version;
  return library === undefined ? 'wire format' : installedVersion(library);
}
