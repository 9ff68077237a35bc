/** Trackers that run in pages: where their code is, and a page's script that sends a visit with them. */
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processEnvironment } from '../../platform/config.ts';
import { npmFile } from './npm-file.ts';

const require = createRequire(import.meta.url);
export const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
export const SCREEN = { width: 1_280, height: 720 };

export interface BrowserTracker {
  readonly name: string;
  /** Of npm, installed; or what the table says in its place. */
  readonly library: string | { readonly version: string };
  /** A folder whose files the page loads from `/lib/`, or the only such file; undefined where it cannot be had. */
  code(): Promise<string | undefined> | string | undefined;
  /** What there has to be for its code. */
  readonly needs?: string;
  readonly key: string;
  /** What stands in the page before the script. */
  head?(url: string, key: string): string;
  /** A module: sends two page views and a purchase of 59.90 EUR. */
  script(url: string, key: string): string;
  isOfEvents(path: string): boolean;
  /** Whether it sends again what was not answered. */
  readonly repeats: 'itself' | 'next' | 'never';
  /** What its events say besides the address. */
  readonly says: Readonly<Record<string, string>>;
  readonly purchase: Readonly<Record<string, unknown>> | undefined;
  /** The path of an address, where that is another one than the address has. */
  pathOf?(address: string): string;
}

const MONEY = { revenue: '59.9', currency: 'EUR' };
/** What is no ASCII a tracker may escape, or escape once more. */
export const PAGES = ['/süß?utm_source=news&utm_campaign=frühling', '/schöne-schuhe'] as const;
const moveOn = `history.pushState(null, '', '${PAGES[1]}');`;
/** Of what is placed by the moment of its arrival, so that it comes in the order in which it is sent. */
const aSecond = `const aSecond = () => new Promise((resolve) => setTimeout(resolve, 1_000));`;

/** Its own script, as a page has it: what the page does it finds by itself, and says 300 ms later. */
const UMAMI = {
  isOfEvents: (path) => path === '/api/send',
  repeats: 'never',
  says: { userAgent: AGENT, language: 'en-US', screen: '1280x720' },
  purchase: MONEY,
  head: (url, key) =>
    `<script defer src="/lib/script.js" data-website-id="${key}" data-host-url="${url}"></script>`,
  script: () => `
    ${aSecond}
    await aSecond();
    ${moveOn}
    await aSecond();
    await umami.track('purchase', { revenue: 59.9, currency: 'EUR' });`,
} satisfies Partial<BrowserTracker>;

const UMAMI_PACKAGE = {
  name: 'umami',
  version: '2.10.0',
  integrity:
    'sha512-+lmrnV0751R6U2rkIgVAlE1nWI7yZawlMlJDguW9tlFacCKhnGeCyc7tCMIhNNYIiGIQy4DEX5IzJhm4b3+dPA==',
  path: 'src/tracker/index.js',
} as const;

/** Those of which the table tells. */
export const BROWSER_TRACKERS: readonly BrowserTracker[] = [
  {
    name: 'Segment, browser',
    library: '@segment/analytics-next',
    code: () => join(dirname(require.resolve('@segment/analytics-next/package.json')), 'dist/umd'),
    key: 'segment-browser-key',
    isOfEvents: (path) => /^\/v1\/[a-z]$/.test(path),
    repeats: 'itself',
    says: { userAgent: AGENT, language: 'en-US' },
    purchase: MONEY,
    script: (url, key) => `
      import '/lib/index.js';
      const analytics = window.AnalyticsNext.AnalyticsBrowser.load(
        { writeKey: '${key}', cdnURL: '${url}' },
        { integrations: { 'Segment.io': { apiHost: '${url.replace('http://', '')}/v1', protocol: 'http' } } },
      );
      await analytics.page();
      ${moveOn}
      await analytics.page();
      await analytics.track('Order Completed', { revenue: 59.9, currency: 'EUR' });`,
  },
  {
    name: 'RudderStack, browser',
    library: '@rudderstack/analytics-js',
    // With its plug-ins: the other build loads them from RudderStack's servers.
    code: () => fileURLToPath(import.meta.resolve('@rudderstack/analytics-js/bundled')),
    key: 'rudderstack-browser-key',
    isOfEvents: (path) => /^\/v1\/[a-z]+$/.test(path),
    repeats: 'itself',
    says: { userAgent: AGENT, language: 'en-US', screen: '1280x720' },
    purchase: MONEY,
    script: (url, key) => `
      import { RudderAnalytics } from '/lib/index.mjs';
      const analytics = new RudderAnalytics();
      analytics.load('${key}', '${url}', { configUrl: '${url}' });
      await new Promise((resolve) => analytics.ready(resolve));
      // Each goes in a request of its own, and its time is corrected by when that arrives.
      ${aSecond}
      analytics.page();
      ${moveOn}
      await aSecond();
      analytics.page();
      await aSecond();
      analytics.track('Order Completed', { revenue: 59.9, currency: 'EUR' });`,
  },
  {
    name: 'PostHog, browser',
    library: 'posthog-js',
    code: () => dirname(require.resolve('posthog-js')),
    key: 'phc_browser',
    isOfEvents: (path) => /^\/(e|i\/v0\/e)\//.test(path),
    repeats: 'itself',
    says: { userAgent: AGENT, language: 'en-US', screen: '1280x720' },
    purchase: MONEY,
    script: (url, key) => `
      import { posthog } from '/lib/module.full.no-external.js';
      posthog.init('${key}', {
        api_host: '${url}', autocapture: false, capture_pageview: false, capture_pageleave: false,
        disable_session_recording: true, disable_surveys: true, persistence: 'memory',
        opt_out_useragent_filter: true,
      });
      posthog.capture('$pageview');
      ${moveOn}
      posthog.capture('$pageview');
      posthog.capture('purchase', { revenue: 59.9, currency: 'EUR' });`,
  },
  {
    name: 'Plausible, browser',
    library: 'plausible-tracker',
    code: () => join(dirname(require.resolve('plausible-tracker/package.json')), 'build/module'),
    key: 'plausible-browser.example',
    isOfEvents: (path) => path === '/api/event',
    repeats: 'never',
    says: { userAgent: AGENT },
    // This library has no revenue.
    purchase: {},
    pathOf: (address) => decodeURIComponent(new URL(address).pathname),
    script: (url, key) => `
      import Plausible from '/lib/index.js';
      const { trackPageview, trackEvent } = Plausible({ domain: '${key}', apiHost: '${url}', trackLocalhost: true });
      const done = (send) => new Promise((resolve) => send(resolve));
      await done((callback) => trackPageview({}, { callback }));
      ${moveOn}
      await done((callback) => trackPageview({ url: location.href }, { callback }));
      await done((callback) => trackEvent('purchase', { callback }, { url: location.href }));`,
  },
  {
    name: 'Plausible, page script',
    library: '@plausible-analytics/tracker',
    code: () => fileURLToPath(import.meta.resolve('@plausible-analytics/tracker')),
    key: 'plausible-page.example',
    isOfEvents: (path) => path === '/api/event',
    repeats: 'never',
    says: { userAgent: AGENT },
    purchase: MONEY,
    pathOf: (address) => decodeURIComponent(new URL(address).pathname),
    // It finds page views by itself, and says of a page that was left how long it was looked at: a heartbeat.
    script: (url, key) => `
      import { init, track } from '/lib/plausible.js';
      ${aSecond}
      init({ domain: '${key}', endpoint: '${url}/api/event', captureOnLocalhost: true });
      await aSecond();
      ${moveOn}
      await aSecond();
      track('purchase', { revenue: { amount: 59.9, currency: 'EUR' } });`,
  },
  {
    name: 'Snowplow, browser',
    library: '@snowplow/browser-tracker',
    code: () => dirname(require.resolve('@snowplow/browser-tracker')),
    key: 'snowplow-browser-app',
    isOfEvents: (path) => path.startsWith('/com.snowplowanalytics.snowplow/'),
    repeats: 'next',
    says: { userAgent: AGENT, language: 'en-US', screen: '1280x720' },
    purchase: MONEY,
    script: (url, key) => `
      import '/lib/index.umd.min.js';
      const { flushBuffer, newTracker, trackPageView, trackSelfDescribingEvent } = window.snowplowBrowserTracking;
      newTracker('t', '${url}', { appId: '${key}' });
      trackPageView();
      ${moveOn}
      trackPageView();
      const vendor = 'iglu:com.snowplowanalytics.snowplow.ecommerce';
      trackSelfDescribingEvent({
        event: { schema: vendor + '/snowplow_ecommerce_action/jsonschema/1-0-2', data: { type: 'transaction' } },
        context: [{
          schema: vendor + '/transaction/jsonschema/1-0-0',
          data: { transaction_id: 'o-1', revenue: 59.9, currency: 'EUR' },
        }],
      });
      setInterval(() => flushBuffer(), 100);`,
  },
  {
    ...UMAMI,
    name: 'Umami, page script',
    library: { version: `${UMAMI_PACKAGE.name} ${UMAMI_PACKAGE.version}` },
    code: () => npmFile(UMAMI_PACKAGE),
    needs: 'npm',
    key: '6b1c2d3e-0000-4000-8000-0000000000bb',
  },
];

const ENVIRONMENT = processEnvironment();

/** Scripts that no package has: tried where somebody says where a copy is. */
export const HANDED_TRACKERS: readonly BrowserTracker[] = [
  {
    ...UMAMI,
    name: 'Umami, page script of a server',
    library: { version: 'a copy' },
    code: () => ENVIRONMENT['UMAMI_JS'],
    needs: 'UMAMI_JS, the path of a copy of script.js',
    key: '6b1c2d3e-0000-4000-8000-0000000000cc',
  },
  {
    name: 'Matomo, page script of a server',
    library: { version: 'a copy' },
    code: () => ENVIRONMENT['MATOMO_JS'],
    needs: 'MATOMO_JS, the path of a copy of matomo.js',
    key: '17',
    isOfEvents: (path) => path.startsWith('/matomo.php'),
    repeats: 'never',
    says: { userAgent: AGENT, language: 'en-US', screen: '1280x720' },
    // It says no currency.
    purchase: { revenue: '59.9' },
    head: (url, key) => `
      <script>
        window._paq = [
          ['setTrackerUrl', '${url}/matomo.php'], ['setSiteId', '${key}'],
          ['trackPageView'], ['enableLinkTracking'],
        ];
      </script>
      <script defer src="/lib/matomo.js"></script>`,
    script: () => `
      const before = location.href;
      ${moveOn}
      _paq.push(['setReferrerUrl', before], ['setCustomUrl', location.href], ['trackPageView']);
      _paq.push(['trackEcommerceOrder', 'o-1', 59.9]);`,
  },
];
