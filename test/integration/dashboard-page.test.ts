/** The page as people see it, in a real Chromium: right numbers, links that show the same, nothing that axe minds. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { expect } from 'chai';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { findChromium } from '../support/chromium.ts';
import {
  AHEAD_SECONDS,
  type DashboardWorld,
  DAYS,
  startDashboardWorld,
} from '../support/dashboard-world.ts';
import { eventually } from '../support/eventually.ts';
import { useServers } from '../support/servers.ts';

const PROJECT = 'page-seen';
const SHOWN_MS = 60_000;
const SOON = { withinMs: SHOWN_MS };
const DESKTOP = { width: 1_280, height: 900 };
const PHONE = { width: 390, height: 844 };
const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

interface Finding {
  readonly id: string;
  readonly impact: string | null;
  readonly nodes: readonly { readonly html: string; readonly failureSummary: string }[];
}

describe('the page in a browser', function () {
  this.timeout(400_000);
  const path = findChromium();
  if (path === undefined) {
    it('needs a Chromium on this machine, or CHROMIUM with the path of one');
    return;
  }
  const servers = useServers();
  let world: DashboardWorld;
  let browser: Browser;
  /** What went wrong in any page that was opened. */
  const complaints: string[] = [];

  before(async () => {
    world = await startDashboardWorld(servers(), PROJECT);
    // Its sandbox wants rights that root, which runs tests in containers, has to give up.
    browser = await chromium.launch({ executablePath: path, args: ['--no-sandbox'] });
  });

  after(async () => {
    await browser.close();
    await world.stop();
  });

  afterEach(async () => {
    for (const context of browser.contexts()) await context.close();
    expect(complaints.splice(0)).to.deep.equal([]);
  });

  /** A zone of the browser's own that must not matter. */
  async function open(query: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      viewport: DESKTOP,
      timezoneId: 'America/Los_Angeles',
      ...options,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(SHOWN_MS);
    page.on('console', (message) => {
      if (['error', 'warning'].includes(message.type())) complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(`${world.dashboard.url}/?project=${PROJECT}&${query}`);
    await settled(page);
    return page;
  }

  async function settled(page: Page): Promise<void> {
    // No script of ours may be evaluated there: the page's own policy forbids it.
    await page.locator('[data-measure]').first().waitFor();
    await eventually(
      async () => {
        expect(await page.locator('.skeleton, [aria-busy="true"]').count()).to.equal(0);
      },
      { withinMs: SHOWN_MS },
    );
  }

  const number = (text: string | null) => Number((text ?? '').replaceAll(/[^\d.-]/g, ''));
  const card = async (page: Page, measure: string) =>
    number(await page.locator(`[data-measure="${measure}"]`).textContent());

  async function count(select: string, where: string): Promise<number> {
    const [row] = await world.around.select<{ n: string | number }>(
      `SELECT ${select} AS n FROM sojourn.sessions FINAL WHERE project = '${PROJECT}' AND NOT bot
         AND toDate(toDateTime(started_at, 'UTC') + ${AHEAD_SECONDS}) BETWEEN '${DAYS.from}' AND '${DAYS.to}' AND ${where}`,
    );
    return Number(row?.n ?? -1);
  }

  const RANGE = `from=${DAYS.from}&to=${DAYS.to}`;

  it('shows the numbers of ClickHouse, in the zone of the project', async () => {
    const page = await open(RANGE);

    expect(await card(page, 'sessions')).to.equal(await count('count()', '1'));
    expect(await card(page, 'pageViews')).to.equal(await count('sum(page_views)', '1'));
    expect(await card(page, 'conversions')).to.equal(await count('sum(conversions)', '1'));
    expect(await card(page, 'revenue-EUR')).to.equal(
      await count(`sum(revenue_by_currency['EUR'])`, '1'),
    );
    expect(await card(page, 'revenue-INR')).to.equal(
      await count(`sum(revenue_by_currency['INR'])`, '1'),
    );
    expect(await page.locator('.when').textContent())
      .to.contain('Mar 9, 2026')
      .and.to.contain('Asia/Kolkata');
    const rows = await page.locator('.chart tbody tr').count();
    expect(rows).to.equal(3);
  });

  it('filters by a click; the address tells, and shows the same to whoever opens it', async () => {
    const page = await open(RANGE);

    await page.locator('a[data-name="Email"]').click();
    await page.waitForURL(/channel=Email/);
    await settled(page);
    const sessions = await count('count()', `channel = 'Email'`);
    expect(await card(page, 'sessions')).to.equal(sessions);
    await page.locator('a[data-name="DE"]').click();
    await page.waitForURL(/country=DE/);
    await settled(page);
    const both = await count('count()', `channel = 'Email' AND country = 'DE'`);
    expect(await card(page, 'sessions')).to.equal(both);
    await page.locator('[data-measure="bounceRate"]').click();
    await page.waitForURL(/measure=bounceRate/);

    const texts = () => page.locator('.cards, .panel h2, .filters').allInnerTexts();
    const before = await texts();
    await page.reload();
    await settled(page);
    expect(await texts()).to.deep.equal(before);
    const other = await open(new URL(page.url()).search.slice(1).replace(`project=${PROJECT}`, ''));
    expect(await card(other, 'sessions')).to.equal(both);

    await page.goBack();
    await page.goBack();
    await settled(page);
    expect(await card(page, 'sessions')).to.equal(sessions);
    await page.locator('.filters a').first().click();
    await page.waitForURL((url) => !url.search.includes('channel'));
  });

  /** Nobody else sees them: their time is up only after minutes. */
  const leave = (sessionId: string) =>
    world.around.publish(PROJECT, {
      sessionId,
      eventType: 'session_end',
      timestamp: Date.now(),
    });

  it('moves by itself when something happens', async () => {
    const page = await open('range=today');
    const now = page.locator('[data-now]');
    const here = Number(await now.getAttribute('data-now'));
    const sessions = await card(page, 'sessions');

    await world.around.publish(PROJECT, {
      sessionId: 'seen-live',
      eventType: 'pageview',
      timestamp: Date.now(),
    });
    await eventually(
      async () => {
        expect(Number(await now.getAttribute('data-now'))).to.equal(here + 1);
        expect(await card(page, 'sessions')).to.equal(sessions + 1);
      },
      { withinMs: 60_000 },
    );
    await leave('seen-live');
  });

  it('shows a page over time, and goes back', async () => {
    const page = await open(RANGE);

    await page.locator('a[data-name="/sale"]').click();
    await page.waitForURL(/of=pages/);
    await page.getByRole('heading', { name: 'Page views of /sale' }).waitFor();
    await page.getByRole('link', { name: 'Back to visitors' }).click();
    await page.getByRole('heading', { name: 'Visitors' }).waitFor();
    expect(page.url()).not.to.contain('of=pages');
  });

  it('opens a session from the list, by keyboard too, and tells where Temporal shows it', async () => {
    const page = await open(RANGE);

    await page.locator('.sessions tbody a').first().focus();
    await page.keyboard.press('Enter');
    await page.locator('dialog .timeline').waitFor();
    expect(page.url()).to.contain('session=s-');
    expect(
      await page.getByRole('link', { name: 'Open in the Temporal UI' }).getAttribute('href'),
    ).to.contain('http://temporal.example/');
    await page.keyboard.press('Escape');
    await page.locator('dialog .timeline').waitFor({ state: 'detached' });
    expect(page.url()).not.to.contain('session=');
  });

  it('says what to do where there is nothing, and where something is wrong', async () => {
    const empty = await open('from=2020-01-01&to=2020-01-02');
    expect(await empty.locator('.empty').first().textContent()).to.contain(
      'Nothing here in these days',
    );
    const page = await open(RANGE);
    await page.route('**/api/list/channel*', (route) =>
      route.fulfill({ status: 503, json: { error: 'ClickHouse does not answer' } }),
    );
    await page.getByRole('button', { name: 'Sources' }).click();
    await page.locator('a[data-name="letter"]').waitFor();
    await page.getByRole('button', { name: 'Channels' }).click();
    await page.getByRole('alert').waitFor();
    expect(await page.getByRole('alert').textContent()).to.contain('ClickHouse does not answer');
    await page.unroute('**/api/list/channel*');
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.locator('a[data-name="Email"]').waitFor();
    // The browser itself tells of an answer of 503.
    expect(complaints.splice(0).every((text) => text.includes('503'))).to.equal(true);
  });

  it('says of when its numbers are where they cannot be read again, and then shows those of now', async () => {
    const page = await open('range=today');
    const old = page.locator('.old');
    const sessionId = `seen-old-${Date.now()}`;
    const sessions = await card(page, 'sessions');
    expect(await old.count()).to.equal(0);

    await page.route('**/api/summary*', (route) =>
      route.fulfill({ status: 503, json: { error: 'ClickHouse does not answer' } }),
    );
    await world.around.publish(PROJECT, {
      sessionId,
      eventType: 'pageview',
      timestamp: Date.now(),
    });
    await old.first().waitFor();
    expect(await old.first().textContent()).to.match(/Numbers of \d\d:\d\d: /);
    expect(await card(page, 'sessions')).to.equal(sessions);
    // Nothing more happens, and nobody clicks.
    await page.unroute('**/api/summary*');
    await old.first().waitFor({ state: 'detached' });
    await eventually(
      async () => {
        expect(await card(page, 'sessions')).to.equal(sessions + 1);
      },
      { withinMs: SHOWN_MS },
    );
    await leave(sessionId);
    expect(complaints.splice(0).every((text) => text.includes('503'))).to.equal(true);
  });

  it('says in cards, chart and table that the days before are deleted', async () => {
    const deleted = {
      previous: null,
      before: null,
      previousMissing: 'deleted',
      keptFrom: DAYS.from,
    };
    const page = await open(`${RANGE}&compare=none`);
    await page.route(/\/api\/(summary|chart)/, async (route) => {
      const answer = await route.fetch();
      await route.fulfill({ json: { ...((await answer.json()) as object), ...deleted } });
    });
    await page.locator('#compare').selectOption('previous');
    await page.getByText('before: deleted').first().waitFor();
    await page.getByText('Not compared: days before').waitFor();
    await page.locator('.chart .as-table summary').click();
    expect(await page.locator('.chart tbody tr').first().innerText()).to.contain('deleted');
  });

  for (const colorScheme of ['light', 'dark'] as const) {
    for (const [name, viewport] of Object.entries({ desktop: DESKTOP, phone: PHONE })) {
      it(`has nothing that axe finds serious, ${colorScheme} on a ${name}, and nothing to scroll sideways for`, async () => {
        // The page itself lets no other script in; axe comes in by the side door of the browser.
        const page = await open(`${RANGE}&country=DE`, { viewport, colorScheme, bypassCSP: true });
        for (const summary of await page.locator('.as-table summary').all()) await summary.click();

        expect(await seriousIn(page)).to.deep.equal([]);
        const tooWide = await page.evaluate(
          'document.documentElement.scrollWidth - document.documentElement.clientWidth',
        );
        expect(tooWide).to.equal(0);
        await page.locator('.sessions tbody a').first().click();
        await page.locator('dialog .timeline').waitFor();
        expect(await seriousIn(page)).to.deep.equal([]);
      });
    }
  }

  async function seriousIn(page: Page): Promise<string[]> {
    await page.evaluate(AXE);
    const looked = () =>
      page.evaluate<readonly [stale: number, violations: readonly Finding[]]>(
        `axe.run(document).then(({ violations }) => [document.querySelectorAll('.stale').length, violations])`,
      );
    // What is asked for anew, as where numbers have moved, is dim for that moment: it is looked at when it is there.
    let violations: readonly Finding[] = [];
    await eventually(async () => {
      await page.waitForFunction(`document.querySelector('.stale') === null`);
      const [stale, found] = await looked();
      expect(stale).to.equal(0);
      violations = found;
    }, SOON);
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(
        ({ id, nodes }) =>
          `${id}: ${nodes.map(({ html, failureSummary }) => `${html} ${failureSummary}`).join(' | ')}`,
      );
  }
});
