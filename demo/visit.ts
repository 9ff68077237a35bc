/**
 * One visit to a small shop, as a plan of messages with pauses between them. Everything that happens
 * on real sites is in it somewhere: bounces, logins half-way, refunds, tabs that are just closed,
 * copies, late and broken messages. No clock and no I/O: the same random numbers, the same visit.
 */

/** A number from 0 up to 1, as Math.random. */
export type Random = () => number;

export interface VisitStep {
  /** How long the visitor takes before it. */
  readonly pauseMs: number;
  /** The event without id, session and time. */
  readonly event: { readonly eventType: string } & Readonly<Record<string, unknown>>;
  /** It happened this long before it is sent. */
  readonly lateMs?: number;
  /** Sent twice: as the same message, or as another message with the same event. */
  readonly copied?: 'message' | 'event';
  /** Sent as something that breaks a rule. */
  readonly broken?: 'not JSON' | 'no timestamp' | 'bad revenue';
}

export interface Visit {
  readonly steps: readonly VisitStep[];
  /** Who it turned out to be. */
  readonly userId: string | undefined;
}

type Weighted<T> = readonly (readonly [value: T, weight: number])[];

const SOURCES: Weighted<string> = [
  ['google', 40],
  ['direct', 25],
  ['newsletter', 15],
  ['social', 12],
  ['referral', 8],
];

const COUNTRIES: Weighted<readonly [country: string, currency: string]> = [
  [['DE', 'EUR'], 28],
  [['US', 'USD'], 22],
  [['FR', 'EUR'], 14],
  [['GB', 'GBP'], 12],
  [['NL', 'EUR'], 8],
  [['JP', 'JPY'], 8],
  [['BR', 'BRL'], 8],
];

const DEVICES: Weighted<readonly [deviceType: string, os: string, browser: string]> = [
  [['desktop', 'Windows', 'Chrome'], 22],
  [['desktop', 'macOS', 'Safari'], 12],
  [['desktop', 'Linux', 'Firefox'], 8],
  [['desktop', 'Windows', 'Edge'], 8],
  [['mobile', 'Android', 'Chrome'], 24],
  [['mobile', 'iOS', 'Safari'], 20],
  [['tablet', 'iPadOS', 'Safari'], 6],
];

const PRODUCTS: Weighted<readonly [path: string, price: number]> = [
  [['/products/notebook', 12.9], 25],
  [['/products/fountain-pen', 64], 15],
  [['/products/desk-lamp', 89.5], 15],
  [['/products/paper-a4', 7.25], 25],
  [['/products/backpack', 119.99], 10],
  [['/products/ink-blue', 9.8], 10],
];

const LANDINGS: Weighted<string> = [
  ['/', 50],
  ['/blog/how-to-choose-a-pen', 20],
  ['/categories/paper', 15],
  ['/sale', 15],
];

const SPELLINGS: Weighted<string> = [
  ['pageview', 80],
  ['pageView', 10],
  ['page_view', 10],
];

const SHARES = {
  bounce: 0.35,
  returning: 0.3,
  login: 0.25,
  cart: 0.35,
  checkout: 0.55,
  signup: 0.1,
  refund: 0.04,
  saysGoodbye: 0.67,
  late: 0.08,
  copied: 0.02,
  broken: 0.015,
} as const;

/** With landing, cart and so on some 15 page views. */
const PRODUCT_PAGES_MAX = 9;
const PAUSE_MS = { least: 500, most: 5_000 } as const;

/** @param knownUsers visitors who have been here before */
export function planVisit(random: Random, knownUsers: readonly string[]): Visit {
  const chance = (share: number) => random() < share;
  const [country, currency] = pick(random, COUNTRIES);
  const [deviceType, os, browser] = pick(random, DEVICES);
  const attributes = { trafficSource: pick(random, SOURCES), deviceType, os, browser, country };
  const pageview = pick(random, SPELLINGS);
  const visitor = chance(SHARES.returning)
    ? knownUsers[Math.floor(random() * knownUsers.length)]
    : undefined;
  // Most who come back are recognised at once, by a cookie.
  let userId = chance(0.7) ? visitor : undefined;

  const steps: VisitStep[] = [];
  const add = (eventType: string, properties: Record<string, unknown> = {}, pauseMs?: number) => {
    const user = userId === undefined ? {} : { userId };
    const event = { eventType, ...user, properties: { ...attributes, ...properties } };
    const copied = chance(SHARES.copied)
      ? ({ copied: chance(0.5) ? 'message' : 'event' } as const)
      : {};
    steps.push({ pauseMs: pauseMs ?? pauseOf(random), event, ...copied });
    if (chance(SHARES.broken)) {
      const kinds = ['not JSON', 'no timestamp', 'bad revenue'] as const;
      const broken = kinds[Math.floor(random() * kinds.length)] ?? 'not JSON';
      steps.push({ pauseMs: 100, event: { eventType, properties: attributes }, broken });
    }
  };
  const view = (path: string) => {
    add(pageview, { path });
  };

  if (chance(0.6)) add('session_start', {}, 0);
  view(pick(random, LANDINGS));
  if (!chance(SHARES.bounce)) browse();
  finish();
  return { steps, userId };

  function browse(): void {
    const pages = Math.max(1, Math.ceil(PRODUCT_PAGES_MAX * random() ** 2));
    const loginAt =
      chance(SHARES.login) || visitor !== undefined ? Math.floor(random() * pages) : -1;
    let inCart = 0;
    for (let page = 0; page < pages; page += 1) {
      if (page === loginAt && userId === undefined) {
        userId = visitor ?? `user-${Math.floor(random() * 36 ** 5).toString(36)}`;
        add('login');
      }
      const [path, price] = pick(random, PRODUCTS);
      view(path);
      if (!chance(SHARES.cart)) continue;
      inCart += price;
      add('add_to_cart', { path, price }, 500);
    }
    if (chance(SHARES.signup)) signUp();
    if (inCart > 0 && chance(SHARES.checkout)) buy(inCart);
    if (chance(SHARES.refund)) {
      view('/account/returns');
      add('purchase', { revenue: '-64.00', currency });
    }
  }

  function signUp(): void {
    view('/newsletter');
    add('conversion', { conversionType: 'signup' });
  }

  function buy(amount: number): void {
    view('/cart');
    view('/checkout');
    // Shops send amounts as texts and as numbers.
    const text = amount.toFixed(currency === 'JPY' ? 0 : 2);
    add('purchase', {
      revenue: chance(0.5) ? text : Number(text),
      currency,
      conversionType: 'order',
    });
    view('/thank-you');
  }

  function finish(): void {
    if (!chance(SHARES.saysGoodbye)) return;
    add('session_end');
    if (chance(SHARES.late)) {
      const event = { eventType: pageview, properties: { ...attributes, path: '/offline-page' } };
      steps.push({ pauseMs: 3_000, event, lateMs: 6_000 });
    }
  }
}

/** Short pauses are more common than long ones. */
function pauseOf(random: Random): number {
  return Math.round(PAUSE_MS.least + (PAUSE_MS.most - PAUSE_MS.least) * random() ** 4);
}

function pick<T>(random: Random, choices: Weighted<T>): T {
  const total = choices.reduce((sum, [, weight]) => sum + weight, 0);
  let left = random() * total;
  for (const [value, weight] of choices) {
    left -= weight;
    if (left < 0) return value;
  }
  const last = choices.at(-1);
  if (last === undefined) throw new RangeError('there is nothing to choose from');
  return last[0];
}

export interface StepNames {
  readonly sessionId: string;
  readonly eventId: string;
  /** Epoch milliseconds. */
  readonly now: number;
}

/** The bytes of a step's message. */
export function payloadOf(step: VisitStep, { sessionId, eventId, now }: StepNames): string {
  const timestamp = new Date(now - (step.lateMs ?? 0)).toISOString();
  const whole = { ...step.event, sessionId, eventId, timestamp };
  if (step.broken === undefined) return JSON.stringify(whole);
  switch (step.broken) {
    case 'not JSON':
      return JSON.stringify(whole).slice(0, -2);
    case 'no timestamp':
      return JSON.stringify({ ...whole, timestamp: undefined });
    case 'bad revenue':
      return JSON.stringify({ ...whole, properties: { revenue: 'a lot' } });
  }
}

/** Random numbers that are the same for the same seed (mulberry32). */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
