/**
 * A shop whose numbers the page is asked for: visits over three days in a zone of half hours, people
 * and bots, in three currencies, some across midnight; and the page, on the servers of the tests.
 */
import { expect } from 'chai';
import { runDashboard } from '../../dashboard/run.ts';
import type { Dashboard } from '../../dashboard/server.ts';
import { loadConfig } from '../../platform/config.ts';
import { createLog } from '../../platform/log.ts';
import {
  type Around,
  connectAround,
  environmentOf,
  type PipelineProcess,
  QUICK_SETTINGS,
  sojourn,
  startPipelineProcess,
  untilLoaded,
} from './pipeline.ts';
import type { TestServers } from './servers.ts';

export const ZONE = 'Asia/Kolkata';
/** Kolkata's clocks have been so far ahead since 1945. */
export const AHEAD_SECONDS = 19_800;
export const DAYS = { from: '2026-03-09', to: '2026-03-11' } as const;

export interface ShopEvent {
  readonly sessionId: string;
  readonly visitorId: string;
  readonly eventType: string;
  /** Epoch milliseconds. */
  readonly timestamp: number;
  readonly properties: Readonly<Record<string, string>>;
}

const HOUR_MS = 3_600_000;
const SOURCES = [
  { url: 'https://shop.example/?utm_source=letter&utm_medium=email&utm_campaign=spring' },
  { url: 'https://shop.example/', referrer: 'https://www.google.com/' },
  { url: 'https://shop.example/sale' },
] as const;
const COUNTRIES = ['DE', 'IN', 'US'] as const;
const MONEY = [
  { revenue: '19.99', currency: 'EUR' },
  { revenue: '1250', currency: 'INR' },
  { revenue: '0.125', currency: 'USD' },
] as const;
const AGENTS = {
  person: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0',
  bot: 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)',
} as const;

/** Midnight of a day in the zone. */
export const midnightOf = (day: string): number =>
  Date.parse(`${day}T00:00:00Z`) - AHEAD_SECONDS * 1_000;

/** The day in the zone. */
export const localDayOf = (ms: number): string =>
  new Date(ms + AHEAD_SECONDS * 1_000).toISOString().slice(0, 10);

/** Sixty visits, a different one each, the last ones across the midnights. */
export function shopEvents(): ShopEvent[] {
  const start = midnightOf(DAYS.from);
  return Array.from({ length: 60 }, (_, n): ShopEvent[] => {
    const crosses = n % 12 === 11;
    const began = crosses
      ? start + 24 * HOUR_MS * (1 + (n % 5 === 0 ? 1 : 0)) - 5_000
      : start + Math.floor((n * 71.9 * HOUR_MS) / 60);
    const isBot = n % 10 === 4;
    const common = {
      sessionId: `s-${n}`,
      // Some visitors come twice, also on two days.
      visitorId: `v-${n % 41}`,
    };
    const shared = {
      ...SOURCES[n % SOURCES.length],
      country: COUNTRIES[n % COUNTRIES.length] ?? 'DE',
      language: 'en',
      userAgent: isBot ? AGENTS.bot : AGENTS.person,
      plan: n % 4 === 0 ? 'pro' : 'free',
    };
    const event = (
      eventType: string,
      afterMs: number,
      properties: Readonly<Record<string, string>> = {},
    ): ShopEvent => ({
      ...common,
      eventType,
      timestamp: began + afterMs,
      properties: { ...shared, ...properties },
    });
    return [
      event('pageview', 0),
      ...(n % 3 === 0 ? [] : [event('pageview', 9_000, { path: `/product/${n % 4}` })]),
      ...(n % 7 === 0 ? [event('add_to_cart', 9_500)] : []),
      ...(n % 4 === 1 ? [event('purchase', 12_000 + n, MONEY[n % MONEY.length])] : []),
      event('session_end', 20_000 + n),
    ];
  }).flat();
}

export interface DashboardWorld {
  readonly project: string;
  readonly around: Around;
  readonly dashboard: Dashboard;
  readonly events: readonly ShopEvent[];
  /** Waits until all that was published can be queried. */
  settle(): Promise<void>;
  /** An answer of the API; `query` without the project. */
  get(path: string, query?: string): Promise<Response>;
  json<T>(path: string, query?: string): Promise<T>;
  stop(): Promise<void>;
}

/** Starts what runs, publishes the shop's events, and serves the page. */
export async function startDashboardWorld(
  servers: TestServers,
  project: string,
): Promise<DashboardWorld> {
  const environment = environmentOf(servers);
  const pipeline: PipelineProcess = await startPipelineProcess(servers, {
    ...QUICK_SETTINGS,
    // Who is there now must not leave before the page was asked. The shop's visits say themselves when they end.
    SESSION_IDLE_TIMEOUT: '10m',
  });
  const around = await connectAround(servers);
  const closes: (() => Promise<unknown>)[] = [() => pipeline.stop(), () => around.close()];
  const stop = async () => {
    for (const close of closes.toReversed()) await close();
  };
  try {
    await run('project', 'set', project, '--time-zone', ZONE, '--dimension', 'plan=plan');
    const events = shopEvents();
    for (const id of new Set(events.map(({ sessionId }) => sessionId))) {
      await around.publish(
        project,
        events.filter(({ sessionId }) => sessionId === id),
      );
    }
    await settle();
    const config = loadConfig({ ...environment, TEMPORAL_UI_URL: 'http://temporal.example' });
    const dashboard = await runDashboard(
      { ...config, CLICKHOUSE_URL: servers.clickhouse.url },
      // Says why, where an answer is none.
      createLog({ level: 'warn' }),
      { port: 0, portFlag: '--port' },
    );
    closes.push(() => dashboard.close());
    const get = (path: string, query = '') =>
      fetch(`${dashboard.url}/api/${path}?project=${project}&${query}`);
    return {
      project,
      around,
      dashboard,
      events,
      settle,
      get,
      async json<T>(path: string, query?: string) {
        const response = await get(path, query);
        const text = await response.text();
        expect(response.status, text).to.equal(200);
        return JSON.parse(text) as T;
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }

  async function run(...words: string[]): Promise<void> {
    const { code, stdout, stderr } = await sojourn(words, environment);
    expect(code, `${stdout}${stderr}`).to.equal(0);
  }

  async function settle(): Promise<void> {
    await untilLoaded(environment);
  }
}
