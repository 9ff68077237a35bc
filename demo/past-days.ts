/**
 * What happened to the shop on the days before the demo: it grew, rested at weekends, sent letters every other week,
 * was crawled by a bot one night, launched a lamp, took some of them back, and held a sale. Told by how many days ago.
 */
import {
  LANDINGS,
  type Origin,
  ORIGINS,
  PRODUCTS,
  type Product,
  type Situation,
  type Weighted,
} from './visit.ts';

export const PAST_DAYS = 60;

/** Sessions of people on a day like any other, at the beginning and at the end. */
const DAILY = { first: 430, last: 780 } as const;
/** By the visitor's own clock; Sunday first. */
const WEEKDAYS = [0.78, 1.06, 1.1, 1.08, 1.04, 0.94, 0.72] as const;
/* prettier-ignore */
const HOURS = [
  8, 5, 3, 3, 3, 5, 12, 24, 38, 50, 56, 59,
  62, 58, 54, 52, 53, 56, 60, 68, 76, 74, 52, 25,
] as const;
const HOURS_SUM = HOURS.reduce((sum, weight) => sum + weight, 0);

/** The lamp: a spike that is over in a week. */
const LAUNCH = { daysAgo: 22, more: 0.75, lastsDays: 7 } as const;
/** Some of the first lamps flickered. */
const RETURNS = { daysAgo: 16, lastsDays: 3, share: 0.16 } as const;
const SALE = { daysAgo: 6, lastsDays: 3, more: 0.25 } as const;
/** Letters go out at nine in Berlin, on these days. */
const LETTERS: readonly number[] = [52, 38, 24, 10];
/** One night, from 22:00 UTC on. */
const BOT_WAVE = { daysAgo: 33, fromHour: 22, hours: 9, hourly: 60 } as const;
const BOT = 'Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)';

const LAMP = '/products/desk-lamp';
const LETTER: Origin = ['', '?utm_source=newsletter&utm_medium=email&utm_campaign=autumn-paper'];
const LAUNCH_ORIGINS: Weighted<Origin> = [
  [['https://t.co/', '?utm_source=x&utm_medium=social&utm_campaign=new-lamp'], 22],
  [
    [
      'https://www.instagram.com/',
      '?utm_source=instagram&utm_medium=paid_social&utm_campaign=new-lamp',
    ],
    18,
  ],
  [['https://news.ycombinator.com/', ''], 14],
  [['https://lights.blog.example/the-lamp-of-the-year', ''], 10],
];
const SALE_ORIGINS: Weighted<Origin> = [
  [['https://www.google.com/', '?gclid=demo&utm_campaign=long-weekend'], 16],
  [['', '?utm_source=newsletter&utm_medium=email&utm_campaign=long-weekend'], 14],
];

const withoutLamp: Weighted<Product> = PRODUCTS.filter(([[path]]) => path !== LAMP);
const muchLamp: Weighted<Product> = [...withoutLamp, [[LAMP, 89.5], 60]];

/** How much more than usual, and what is different about the visits. */
export interface PastDay {
  /** Sessions of people, a day. */
  readonly sessions: number;
  readonly situation: Situation;
}

/** @param daysAgo whole days; 0: the last 24 hours */
export function pastDay(daysAgo: number): PastDay {
  const grown = (PAST_DAYS - 1 - daysAgo) / (PAST_DAYS - 1);
  const usual = DAILY.first + (DAILY.last - DAILY.first) * grown;
  const sinceLaunch = LAUNCH.daysAgo - daysAgo;
  const buzz = sinceLaunch < 0 ? 0 : Math.max(0, 1 - sinceLaunch / LAUNCH.lastsDays);
  const isSale = within(SALE, daysAgo);
  const letter = LETTERS.includes(daysAgo) ? 1 : LETTERS.includes(daysAgo + 1) ? 0.3 : 0;
  const more = LAUNCH.more * buzz + (isSale ? SALE.more : 0) + 0.12 * letter;
  const origins: Weighted<Origin> = [
    ...ORIGINS.filter(([[, query]]) => buzz > 0 || !query.includes('new-lamp')),
    [LETTER, 30 * letter],
    ...scaled(LAUNCH_ORIGINS, buzz),
    ...(isSale ? SALE_ORIGINS : []),
  ];
  return {
    sessions: usual * (1 + more),
    situation: {
      origins,
      products: sinceLaunch < 0 ? withoutLamp : buzz > 0 ? muchLamp : PRODUCTS,
      landings: [...LANDINGS, [LAMP, 60 * buzz], ['/sale', isSale ? 40 : 0]],
      shares: {
        // What breaks a rule would be dead letters of weeks ago.
        broken: 0,
        ...(within(RETURNS, daysAgo) && { refund: RETURNS.share }),
        ...(isSale && { cart: 0.42 }),
      },
    },
  };
}

/** The bot that crawls the shop in this hour, and how often it comes. */
export function botWave(
  daysAgo: number,
  hour: number,
): { readonly agent: string; readonly hourly: number } {
  const since = (BOT_WAVE.daysAgo - daysAgo) * 24 + hour - BOT_WAVE.fromHour;
  return { agent: BOT, hourly: since >= 0 && since < BOT_WAVE.hours ? BOT_WAVE.hourly : 0 };
}

/** Which part of a day's sessions come in an hour. @param local the visitor's clock, as a time of UTC */
export function shareOfHour(local: Date): number {
  const weekday = WEEKDAYS[local.getUTCDay()] ?? 1;
  return (weekday * (HOURS[local.getUTCHours()] ?? 0)) / HOURS_SUM;
}

function within(
  { daysAgo: first, lastsDays }: { readonly daysAgo: number; readonly lastsDays: number },
  daysAgo: number,
): boolean {
  return daysAgo <= first && daysAgo > first - lastsDays;
}

function scaled<T>(choices: Weighted<T>, factor: number): Weighted<T> {
  return choices.map(([value, weight]) => [value, weight * factor]);
}
