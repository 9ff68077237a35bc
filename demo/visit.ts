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

/** Somebody who may come again, with the same things. */
export interface Person {
  /** The device's own, in a cookie. */
  readonly visitorId: string;
  /** Known once they have logged in. */
  readonly userId?: string;
  readonly home: Home;
  readonly device: Device;
}

export interface Visit {
  readonly steps: readonly VisitStep[];
  /** Who it turned out to be; nobody where it is a program. */
  readonly person: Person | undefined;
}

/** What is different about a visit; what is not given is drawn as on any day. */
export interface Situation {
  /** Who has been here before and comes again; null: somebody new. */
  readonly person?: Person | null;
  readonly home?: Home;
  /** The user agent of a program. */
  readonly crawler?: string | undefined;
  readonly origins?: Weighted<Origin>;
  readonly landings?: Weighted<string>;
  readonly products?: Weighted<Product>;
  readonly shares?: Partial<Shares>;
}

export type Weighted<T> = readonly (readonly [value: T, weight: number])[];

/** Where the visitor clicked, and what the link had behind it. */
export type Origin = readonly [referrer: string, query: string];

export const ORIGINS: Weighted<Origin> = [
  [['https://www.google.com/', ''], 28],
  [['', ''], 25],
  [['', '?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-paper'], 12],
  [['https://www.google.com/', '?gclid=demo&utm_campaign=brand'], 8],
  [['https://www.instagram.com/', ''], 7],
  [['https://t.co/', '?utm_source=x&utm_medium=social&utm_campaign=new-lamp'], 4],
  [['https://www.bing.com/', ''], 4],
  [['https://chatgpt.com/', '?utm_source=chatgpt.com'], 4],
  [['https://pens.blog.example/best-fountain-pens', ''], 5],
  [['https://www.youtube.com/', ''], 3],
];

export interface Home {
  readonly country: string;
  readonly zone: string;
  readonly language: string;
  readonly currency: string;
  /** What a euro is in it, about, and with how many digits prices are written. */
  readonly rate: number;
  readonly digits: number;
}

const home = (
  [country, zone, language]: readonly [string, string, string],
  [currency, rate, digits]: readonly [string, number, number],
): Home => ({ country, zone, language, currency, rate, digits });

const EUR = ['EUR', 1, 2] as const;
export const HOMES: Weighted<Home> = [
  [home(['DE', 'Europe/Berlin', 'de'], EUR), 28],
  [home(['US', 'America/New_York', 'en'], ['USD', 1.15, 2]), 22],
  [home(['FR', 'Europe/Paris', 'fr'], EUR), 14],
  [home(['GB', 'Europe/London', 'en'], ['GBP', 0.87, 2]), 12],
  [home(['NL', 'Europe/Amsterdam', 'nl'], EUR), 8],
  [home(['JP', 'Asia/Tokyo', 'ja'], ['JPY', 175, 0]), 8],
  [home(['BR', 'America/Sao_Paulo', 'pt'], ['BRL', 6.2, 2]), 8],
  [home(['IN', 'Asia/Kolkata', 'en'], ['INR', 102, 2]), 6],
];

const SITE = 'https://shop.example';
/** The shop's own, too: `own-host` of the project `demo` says so. */
export const PAYMENTS_HOST = 'pay.example';
const PAYMENTS = `https://${PAYMENTS_HOST}/done`;
const WEBKIT = 'AppleWebKit/537.36 (KHTML, like Gecko)';
export type Device = readonly [userAgent: string, screen: string];
/* prettier-ignore */
export const DEVICES: Weighted<Device> = [
  [[`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36`, '1920x1080'], 22],
  [['Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15', '1512x982'], 12],
  [['Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0', '2560x1440'], 8],
  [[`Mozilla/5.0 (Windows NT 10.0; Win64; x64) ${WEBKIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0`, '1536x864'], 8],
  [[`Mozilla/5.0 (Linux; Android 10; K) ${WEBKIT} Chrome/142.0.0.0 Mobile Safari/537.36`, '412x915'], 24],
  [['Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1', '390x844'], 20],
  [['Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1', '820x1180'], 6],
];
/** Comes for a page or two, from nowhere, and is marked as what it is. */
const CRAWLER = 'Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)';

/** The price is in euros. */
export type Product = readonly [path: string, price: number];
export const PRODUCTS: Weighted<Product> = [
  [['/products/notebook', 12.9], 25],
  [['/products/fountain-pen', 64], 15],
  [['/products/desk-lamp', 89.5], 15],
  [['/products/paper-a4', 7.25], 25],
  [['/products/backpack', 119.99], 10],
  [['/products/ink-blue', 9.8], 10],
];

export const LANDINGS: Weighted<string> = [
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

/** Of all visits, or of those that come that far. */
const SHARES = {
  crawler: 0.04,
  looksOn: 0.1,
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
export type Shares = Readonly<Record<keyof typeof SHARES, number>>;

/** The shop tries two ways to check out, each visitor has one of them, and one works better. */
const CHECKOUTS = { 'one-page': 1.15, steps: 0.85 } as const;

const REFUNDED_EUROS = 64;
/** With landing, cart and so on some 15 page views. */
const PRODUCT_PAGES_MAX = 9;
const PAUSE_MS = { least: 500, most: 5_000 } as const;

/** @param known people who have been here before */
export function planVisit(
  random: Random,
  known: readonly Person[],
  situation: Situation = {},
): Visit {
  const shares = { ...SHARES, ...situation.shares };
  const chance = (share: number) => random() < share;
  const drawn = (length: number) => Math.floor(random() * 36 ** length).toString(36);
  const crawler = situation.crawler ?? (chance(shares.crawler) ? CRAWLER : undefined);
  const isCrawler = crawler !== undefined;
  const comesAgain = !isCrawler && situation.person === undefined && chance(shares.returning);
  const before =
    situation.person ?? (comesAgain ? known[Math.floor(random() * known.length)] : undefined);
  const home = before?.home ?? situation.home ?? pick(random, HOMES);
  const device = isCrawler ? ([crawler, ''] as const) : (before?.device ?? pick(random, DEVICES));
  const visitorId = before?.visitorId ?? `v-${drawn(6)}`;
  const { country, language, currency } = home;
  const checkout = checkoutOf(visitorId);
  const attributes = { userAgent: device[0], screen: device[1], country, language, checkout };
  const origins = situation.origins ?? ORIGINS;
  const [origin, query] = isCrawler ? ['', ''] : pick(random, origins);
  const landing = pick(random, situation.landings ?? LANDINGS);
  let page = { url: `${SITE}${landing}${query}`, referrer: origin };
  let hasLanded = false;
  const pageview = pick(random, SPELLINGS);
  // Most who come back are recognised at once, by a cookie.
  let userId = chance(0.7) ? before?.userId : undefined;

  const steps: VisitStep[] = [];
  const add = (eventType: string, properties: Record<string, unknown> = {}, pauseMs?: number) => {
    const user = userId === undefined ? {} : { userId };
    const event = {
      eventType,
      visitorId,
      ...user,
      properties: { ...attributes, ...page, ...properties },
    };
    const copied = chance(shares.copied)
      ? ({ copied: chance(0.5) ? 'message' : 'event' } as const)
      : {};
    steps.push({ pauseMs: pauseMs ?? pauseOf(random), event, ...copied });
    if (chance(shares.broken)) {
      const kinds = ['not JSON', 'no timestamp', 'bad revenue'] as const;
      const broken = kinds[Math.floor(random() * kinds.length)] ?? 'not JSON';
      steps.push({ pauseMs: 100, event: { eventType, properties: attributes }, broken });
    }
  };
  const view = (path: string) => {
    if (hasLanded) page = { url: `${SITE}${path}`, referrer: page.url };
    hasLanded = true;
    add(pageview);
    if (chance(shares.looksOn)) add('heartbeat', {}, 4_000);
  };

  if (chance(0.6)) add('session_start', {}, 0);
  view(landing);
  if (!isCrawler && !chance(shares.bounce)) browse();
  finish();
  const user = userId ?? before?.userId;
  const person = { visitorId, ...(user !== undefined && { userId: user }), home, device };
  return { steps, person: isCrawler ? undefined : person };

  function browse(): void {
    const pages = Math.max(1, Math.ceil(PRODUCT_PAGES_MAX * random() ** 2));
    const loginAt =
      chance(shares.login) || before?.userId !== undefined ? Math.floor(random() * pages) : -1;
    let inCart = 0;
    for (let page = 0; page < pages; page += 1) {
      if (page === loginAt && userId === undefined) {
        userId = before?.userId ?? `user-${drawn(6)}`;
        add('login');
      }
      const [path, euros] = pick(random, situation.products ?? PRODUCTS);
      const price = priceOf(euros);
      view(path);
      if (!chance(shares.cart)) continue;
      inCart += price;
      add('add_to_cart', { price }, 500);
    }
    if (chance(shares.signup)) signUp();
    if (inCart > 0 && chance(shares.checkout * CHECKOUTS[checkout])) buy(inCart);
    if (chance(shares.refund)) {
      view('/account/returns');
      add('purchase', { revenue: (-priceOf(REFUNDED_EUROS)).toFixed(home.digits), currency });
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
    const text = amount.toFixed(home.digits);
    add('purchase', {
      revenue: chance(0.5) ? text : Number(text),
      currency,
      conversionType: 'order',
    });
    // Back from where people pay.
    page = { ...page, url: PAYMENTS };
    view('/thank-you');
  }

  function priceOf(euros: number): number {
    return Number((euros * home.rate).toFixed(home.digits));
  }

  function finish(): void {
    if (!chance(shares.saysGoodbye)) return;
    add('session_end');
    if (chance(shares.late)) {
      const url = `${SITE}/offline-page`;
      const event = { eventType: pageview, visitorId, properties: { ...attributes, url } };
      steps.push({ pauseMs: 3_000, event, lateMs: 6_000 });
    }
  }
}

function checkoutOf(visitorId: string): keyof typeof CHECKOUTS {
  return visitorId.charCodeAt(visitorId.length - 1) % 2 === 0 ? 'one-page' : 'steps';
}

/** Short pauses are more common than long ones. */
function pauseOf(random: Random): number {
  return Math.round(PAUSE_MS.least + (PAUSE_MS.most - PAUSE_MS.least) * random() ** 4);
}

export function pick<T>(random: Random, choices: Weighted<T>): T {
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
