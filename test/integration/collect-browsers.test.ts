/** Trackers that run in pages only, in a real Chromium: rows as of our own events, also where an answer is lost. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { runCollector } from '../../collect/run.ts';
import { loadConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { findChromium } from '../support/chromium.ts';
import {
  type CollectWorld,
  startCollectWorld,
  startFlakyProxy,
  type StoredEvent,
} from '../support/collect-world.ts';
import { eventually } from '../support/eventually.ts';
import { environmentOf } from '../support/pipeline.ts';
import { useServers } from '../support/servers.ts';
import { expectTable, installedVersion } from '../support/tracker-table.ts';

const require = createRequire(import.meta.url);
const AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';
const SCREEN = { width: 1_280, height: 720 };

interface BrowserTracker {
  readonly name: string;
  readonly library: string;
  /** Folder whose files the page loads from `/lib/`. */
  readonly folder: string;
  readonly key: string;
  /** A module: sends two page views (the second under `/shoes`) and a purchase of 59.90 EUR. */
  script(url: string, key: string): string;
  isOfEvents(path: string): boolean;
  /** Whether it sends again what was not answered. */
  readonly repeats: 'itself' | 'next' | 'never';
  /** What its events say besides the address. */
  readonly says: Readonly<Record<string, string>>;
  readonly purchase: Readonly<Record<string, unknown>> | undefined;
}

const MONEY = { revenue: '59.9', currency: 'EUR' };
const moveOn = `history.pushState(null, '', '/shoes');`;

const TRACKERS: readonly BrowserTracker[] = [
  {
    name: 'Segment, browser',
    library: '@segment/analytics-next',
    folder: join(dirname(require.resolve('@segment/analytics-next/package.json')), 'dist/umd'),
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
    name: 'PostHog, browser',
    library: 'posthog-js',
    folder: dirname(require.resolve('posthog-js')),
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
    folder: join(dirname(require.resolve('plausible-tracker/package.json')), 'build/module'),
    key: 'plausible-browser.example',
    isOfEvents: (path) => path === '/api/event',
    repeats: 'never',
    says: { userAgent: AGENT },
    // This library has no revenue.
    purchase: {},
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
    name: 'Snowplow, browser',
    library: '@snowplow/browser-tracker',
    folder: dirname(require.resolve('@snowplow/browser-tracker')),
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
];

describe('a tracker in a page', function () {
  this.timeout(400_000);
  const path = findChromium();
  if (path === undefined) {
    it('needs a Chromium on this machine, or CHROMIUM with the path of one');
    return;
  }
  const servers = useServers();
  let world: CollectWorld;
  let browser: Browser;
  const lines: string[] = [];

  before(async () => {
    world = await startCollectWorld(servers());
    browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser.close();
    await world.stop();
  });

  for (const [index, tracker] of TRACKERS.entries()) {
    it(`${tracker.name} gives the rows of the same visit as our own events`, async () => {
      const project = `browser-${index}`;
      await world.addKeys(project, tracker.key);
      const proxy = await startFlakyProxy(world.url, ['lost'], (at) => tracker.isOfEvents(at));
      const site = await startSite(tracker.folder, tracker.script(proxy.url, tracker.key));
      const context = await browser.newContext({
        userAgent: AGENT,
        locale: 'en-US',
        viewport: SCREEN,
        screen: SCREEN,
      });
      const said: string[] = [];
      let stored: readonly StoredEvent[] = [];
      try {
        const page: Page = await context.newPage();
        page.on('pageerror', (error) => said.push(error.message));
        page.on('console', (message) => said.push(message.text()));
        await page.goto(site.url);
        await eventually(
          async () => {
            stored = onceEach(await world.stored(project));
            const kinds = stored.map(({ eventType }) => eventType);
            expect(kinds, said.join('\n')).to.deep.equal(['pageview', 'pageview', 'purchase']);
            const after = tracker.repeats === 'never' ? 3 : 2;
            expect(proxy.seen.length, said.join('\n')).to.be.at.least(after);
          },
          { withinMs: 60_000 },
        );
      } finally {
        await context.close();
        await site.close();
        await proxy.close();
      }
      expect(new Set(stored.map(({ sessionId }) => sessionId)).size).to.equal(1);

      const own = `${project}-own`;
      const addresses = [site.url, `${site.url}shoes`, `${site.url}shoes`];
      await world.around.publish(
        own,
        stored.map(({ eventType, timestamp, eventId }, n) => ({
          eventType,
          timestamp,
          sessionId: 'own',
          // Of events of the same millisecond the ids say which is first, here as there.
          eventId: eventId ?? randomUUID(),
          visitorId: 'v',
          properties: {
            url: addresses[n],
            ...tracker.says,
            ...(n === 2 && tracker.purchase),
          },
        })),
      );
      await world.settle();

      const [theirs, ours] = [await world.rows(project), await world.rows(own)];
      expect(ours.metrics.size).to.be.above(10);
      expect(theirs.metrics).to.deep.equal(ours.metrics);
      expect(theirs.sessions).to.deep.equal(ours.sessions);
      const retry = {
        itself: 'yes: sends the same again after a lost answer',
        next: 'yes: sends the same again, but only with its next event or when it is flushed',
        never: 'never sends again: counted once where the answer is lost',
      }[tracker.repeats];
      const sent = 'two page views and a purchase, from a page of another origin';
      const version = installedVersion(tracker.library);
      lines.push(`| ${tracker.name} | ${version} | ${sent} | yes | ${retry} |`);
    });
  }

  it("is that of the demo's shop: who clicks there is seen, with links to where", async () => {
    const project = 'browser-shop';
    await world.addKeys(project, 'shop-key');
    const collector = await runCollector(
      {
        ...loadConfig(environmentOf(servers())),
        NATS_URL: servers().nats.url,
        REDIS_URL: servers().redis.url,
      },
      silentLog,
      {
        port: 0,
        portFlag: '--port',
        shop: {
          ...{ project, key: 'shop-key', dashboardUrl: 'http://dashboard.example' },
          ...{ temporalUiUrl: 'http://temporal.example', temporalNamespace: 'default' },
        },
      },
    );
    const context = await browser.newContext({ userAgent: AGENT });
    const said: string[] = [];
    try {
      const page = await context.newPage();
      page.on('pageerror', (error) => said.push(error.message));
      await page.goto(`${collector.url}/shop/`);
      await page.click('text=Notebooks');
      await page.click('text=Buy');
      await page.waitForSelector('text=Thank you');
      const stored = await eventually(
        async () => {
          const events = onceEach(await world.stored(project));
          expect(events.map(({ eventType }) => eventType)).to.have.members([
            ...['pageview', 'pageview', 'purchase', 'pageview'],
          ]);
          return events;
        },
        { withinMs: 30_000 },
      );
      const link = await page.getAttribute('text=as a workflow', 'href');
      expect(link).to.equal(
        `http://temporal.example/namespaces/default/workflows/session%2F${project}%2F${stored[0]?.sessionId}`,
      );
      const paid = stored.find(({ eventType }) => eventType === 'purchase');
      expect(paid).to.have.nested.property('properties.revenue', 14.9);
      expect(said).to.deep.equal([]);
    } finally {
      await context.close();
      await collector.close();
    }
  });

  it('stands in the documentation as it was tested', function () {
    if (lines.length < TRACKERS.length) this.skip();
    expectTable('browsers', lines);
  });
});

/** In order of time: what came twice under one id is one event. */
function onceEach(stored: readonly StoredEvent[]): readonly StoredEvent[] {
  const byId = new Map<string, StoredEvent>();
  for (const event of stored) {
    const id = event.eventId ?? randomUUID();
    if (!byId.has(id)) byId.set(id, event);
  }
  return [...byId.values()].sort((a, b) => a.timestamp - b.timestamp);
}

/** A site of its own origin, with a script in each of its pages. */
async function startSite(folder: string, script: string) {
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://site').pathname;
    if (path === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    if (!path.startsWith('/lib/')) {
      response.setHeader('content-type', 'text/html');
      response.end(`<!doctype html><title>Shop</title><script type="module">${script}</script>`);
      return;
    }
    // Modules of some libraries leave the ending out.
    const file = [path, `${path}.js`].map((name) => join(folder, name.slice('/lib/'.length)));
    const found = file.find((name) => existsSync(name));
    response.setHeader('content-type', 'text/javascript');
    if (found === undefined) response.writeHead(404).end();
    else response.end(readFileSync(found));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
