/** fast-check arbitraries: few of everything and all of it near a border, so that things collide. */
import fc from 'fast-check';
import type { VisitorEvent } from '../../shared/event.ts';

const MONTH_BORDER = Date.UTC(2024, 2, 1);
const HOUR_BORDER = Date.UTC(2024, 2, 5, 10);
const DAY_BORDER = Date.UTC(2024, 2, 6);

/** Times around borders of hours, days, months and of 1970, often equal, often 10 s apart. */
const eventTime = fc.oneof(
  fc
    .tuple(
      fc.constantFrom(HOUR_BORDER, DAY_BORDER, MONTH_BORDER),
      fc.constantFrom(-10_000, -9_999, -1, 0, 1, 9_999, 10_000, 61_000),
    )
    .map(([border, offset]) => border + offset),
  { weight: 3, arbitrary: fc.constant(HOUR_BORDER) },
  fc.constantFrom(0, 1, 86_399_999, 86_400_000),
);

/** Ids whose order as texts is not the order of numbers; the long ones are remembered by a key. */
const eventId = fc.oneof(
  fc.constantFrom('1', '2', '9', '10', '11', 'a', 'B', 'é', 'a#1', 'ev\tent'),
  fc.integer({ min: 0, max: 9 }).map((n) => `${'long'.repeat(12)}${n}`),
);

const eventType = fc.oneof(
  { weight: 4, arbitrary: fc.constant('pageview') },
  { weight: 2, arbitrary: fc.constantFrom('purchase', 'conversion') },
  fc.constantFrom('session_end', 'session_start', 'heartbeat'),
  fc.constantFrom('click', 'video\tplay', '__proto__', 'Purchase'),
);

const money = fc.constantFrom(
  '0',
  '1',
  '-1',
  '19.99',
  '-19.99',
  '0.000000001',
  '-0.000000001',
  '999999999999999999.999999999',
  '123456789012345678',
);

const text = (...values: readonly string[]) =>
  fc.option(fc.constantFrom('', ...values), { nil: undefined, freq: 2 });

const fields = fc.record({
  id: eventId,
  type: eventType,
  at: eventTime,
  seq: fc.integer({ min: 1, max: 1_000 }),
  userId: text('ann', 'bob'),
  path: text('/', '/a', '/a\tb', '/ü?q=1|2'),
  trafficSource: text('google', 'direct'),
  deviceType: text('mobile', 'desktop'),
  country: text('DE', 'FR'),
  browser: text('Firefox', 'Chrome'),
  os: text('iOS', 'Linux'),
  visitorId: text('v-1', 'v-2'),
  channel: text('Email', 'Paid Search'),
  medium: text('email', 'cpc'),
  campaign: text('spring', 'a|b'),
  term: text('shoes'),
  content: text('top'),
  referrerHost: text('news.example'),
  language: text('de', 'fr'),
  screen: text('390x844'),
  appVersion: text('1.2'),
  bot: fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, fc.constant('true')),
  'dim:plan': text('free', 'pro'),
  revenue: fc.option(money, { nil: undefined, freq: 3 }),
  currency: text('EUR', 'USD'),
  conversionType: text('signup', 'sale'),
  dayTurned: fc.option(fc.constant('true'), { nil: undefined, freq: 2 }),
});

/** Events of one session, each id once. */
export function sessionEvents(maxLength = 12): fc.Arbitrary<VisitorEvent[]> {
  return fc
    .uniqueArray(fields, { selector: ({ id }) => id, minLength: 1, maxLength })
    .map((all) => all.map(asEvent));
}

/** Leaves out what is not given, as `workers/ingest/parse-event.ts` does, and gives long ids their key. */
function asEvent(given: Partial<Record<keyof VisitorEvent, unknown>>): VisitorEvent {
  const event = Object.fromEntries(Object.entries(given).filter(([, v]) => v !== undefined));
  const id = String(event['id']);
  return { ...event, ...(id.length > 40 && { key: `#${id.slice(-1)}` }) } as VisitorEvent;
}

/** Events of a few sessions, by session id. */
export const visits = fc
  .uniqueArray(fc.tuple(fc.constantFrom('s1', 's2', 's/3', '4'), sessionEvents(8)), {
    selector: ([sessionId]) => sessionId,
    minLength: 1,
    maxLength: 3,
  })
  .map((entries) => new Map(entries));

/**
 * Every event arrives one to three times, in any order, in batches of any size (events of an empty
 * list never arrive, so there are no empty batches).
 */
export function arrivals<T>(events: readonly T[]): fc.Arbitrary<T[][]> {
  const places = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 3 });
  return fc
    .tuple(
      fc.tuple(...events.map(() => places)),
      fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 6 }),
    )
    .map(([placesOf, sizes]) => {
      const inOrder = events
        .flatMap((event, index) => (placesOf[index] ?? []).map((place) => ({ event, place })))
        .sort((a, b) => a.place - b.place)
        .map(({ event }) => event);
      return inBatches(inOrder, sizes);
    });
}

function inBatches<T>(items: readonly T[], sizes: readonly number[]): T[][] {
  const batches: T[][] = [];
  for (let start = 0; start < items.length;) {
    const size = sizes[batches.length % sizes.length] ?? 1;
    batches.push(items.slice(start, start + size));
    start += size;
  }
  return batches;
}

/** Events with so many paths that one record of the log does not take their rows. */
export function manyPaths(count: number): VisitorEvent[] {
  return Array.from({ length: count }, (_, n) => ({
    id: `p${n}`,
    type: 'pageview',
    at: HOUR_BORDER + (n % 3) * 3_600_000,
    seq: n + 1,
    path: `/page/${n}`,
    country: n % 2 === 0 ? 'DE' : 'FR',
  }));
}
