/** Trackers that run in pages only, in a real Chromium: rows as of our own events, also where an answer is lost. */
import { randomUUID } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect } from 'chai';
import { type Browser, chromium, type Page } from 'playwright-core';
import { runCollector } from '../../collect/run.ts';
import { loadConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import {
  AGENT,
  BROWSER_TRACKERS,
  type BrowserTracker,
  HANDED_TRACKERS,
  PAGES,
  SCREEN,
} from '../support/browser-trackers.ts';
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

  for (const [index, tracker] of [...BROWSER_TRACKERS, ...HANDED_TRACKERS].entries()) {
    it(`${tracker.name} gives the rows of the same visit as our own events`, async function () {
      const code = await tracker.code();
      if (code === undefined) {
        this.runnable().title += `: not tried, for it needs ${tracker.needs}`;
        this.skip();
      }
      const project = `browser-${index}`;
      await world.addKeys(project, tracker.key);
      const proxy = await startFlakyProxy(world.url, ['lost'], (at) => tracker.isOfEvents(at));
      const site = await startSite(code, pageOf(tracker, proxy.url));
      const [first, second] = PAGES.map((path) => new URL(path, site.url).href);
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
        await page.goto(first ?? '');
        await eventually(
          async () => {
            const all = await world.stored(project);
            stored = onceEach(all);
            const kinds = stored.map(({ eventType }) => eventType).filter(isCounted);
            expect(kinds, said.join('\n')).to.deep.equal(['pageview', 'pageview', 'purchase']);
            // Whoever sends again sends what was stored already.
            const isAgain = all.length > stored.length;
            expect(isAgain, said.join('\n')).to.equal(tracker.repeats !== 'never');
          },
          { withinMs: 60_000 },
        );
        // What a script sends of a page that is closed would come after this.
        await context.setOffline(true);
      } finally {
        await context.close();
        await site.close();
        await proxy.close();
      }
      expect(proxy.seen[0]?.fate).to.equal('lost');
      expect(new Set(stored.map(({ sessionId }) => sessionId)).size).to.equal(1);

      const own = `${project}-own`;
      let pages = 0;
      const ownEvents = stored.map(({ eventType, timestamp, eventId }) => {
        if (eventType === 'pageview') pages += 1;
        const url = (pages <= 1 ? first : second) ?? '';
        return {
          eventType,
          timestamp,
          sessionId: 'own',
          // Of events of the same millisecond the ids say which is first, here as there.
          eventId: eventId ?? randomUUID(),
          visitorId: 'v',
          properties: {
            url,
            path: tracker.pathOf?.(url),
            ...tracker.says,
            ...(eventType === 'purchase' && tracker.purchase),
          },
        };
      });
      await world.around.publish(own, ownEvents);
      await world.settle();

      const [theirs, ours] = [await world.rows(project), await world.rows(own)];
      expect(ours.metrics.size).to.be.above(10);
      expect(theirs.metrics).to.deep.equal(ours.metrics);
      expect(theirs.sessions).to.deep.equal(ours.sessions);
      if (HANDED_TRACKERS.includes(tracker)) return;
      const retry = {
        itself: 'yes: sends the same again after a lost answer',
        next: 'yes: sends the same again, but only with its next event or when it is flushed',
        never: 'never sends again: counted once where the answer is lost',
      }[tracker.repeats];
      const sent = 'two page views and a purchase, from a page of another origin';
      const { library } = tracker;
      const version = typeof library === 'string' ? installedVersion(library) : library.version;
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
    if (lines.length < BROWSER_TRACKERS.length) this.skip();
    expectTable('browsers', lines);
  });
});

function isCounted(eventType: string): boolean {
  return eventType !== 'heartbeat';
}

/** In order of time: what came twice under one id is one event. */
function onceEach(stored: readonly StoredEvent[]): readonly StoredEvent[] {
  const byId = new Map<string, StoredEvent>();
  for (const event of stored) {
    const id = event.eventId ?? randomUUID();
    if (!byId.has(id)) byId.set(id, event);
  }
  return [...byId.values()].sort((a, b) => a.timestamp - b.timestamp);
}

function pageOf(tracker: BrowserTracker, url: string): string {
  const [head, script] = [tracker.head?.(url, tracker.key) ?? '', tracker.script(url, tracker.key)];
  return `<!doctype html><title>Shop</title>${head}<script type="module">${script}</script>`;
}

/**
 * A site of its own origin, of which each address is the same page.
 * @param code folder of what is under `/lib/`, or the only file there
 */
async function startSite(code: string, page: string) {
  const isOneFile = statSync(code).isFile();
  const server = createServer((request, response) => {
    const path = new URL(request.url ?? '/', 'http://site').pathname;
    if (path === '/favicon.ico') {
      response.writeHead(204).end();
      return;
    }
    if (!path.startsWith('/lib/')) {
      response.setHeader('content-type', 'text/html; charset=utf-8');
      response.end(page);
      return;
    }
    // Modules of some libraries leave the ending out.
    const files = [path, `${path}.js`].map((name) => join(code, name.slice('/lib/'.length)));
    const found = isOneFile ? code : files.find((name) => existsSync(name));
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
