/** The corners of the contract: longest values, most days, most paths. A session bears them all, within its bounds. */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  continuation,
  noteAct,
  openActor,
  receive,
  type SessionInput,
  type SessionSnapshot,
  snapshotOf,
} from '../../shared/actor.ts';
import { addRow, type Balance, balanceRows, jsonBytes } from '../../shared/balance.ts';
import { rowKeyText } from '../../shared/contributions.ts';
import { declaredAs, type VisitorEvent } from '../../shared/event.ts';
import { decodeIds, encodeIds, rememberedId } from '../../shared/event-ids.ts';
import {
  ACTS_KEPT_MAX,
  EVENT_IDS_KEPT_MAX,
  ROLLUP_BYTES_MAX,
  SNAPSHOT_BYTES_MAX,
} from '../../shared/limits.ts';
import { mayTravel, nextStep, writesFirst } from '../../shared/next-step.ts';
import { decodeBalance, encodeBalance, type Tallies } from '../../shared/tables.ts';
import { confirmWrite, rollupFor, writeRequest, writeResult } from '../../shared/write.ts';
import {
  anActor,
  asReference,
  inLines,
  NOON_ISH,
  SETTINGS,
  sumOfLog,
  throughJson,
} from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { referenceRows } from '../support/reference.ts';

const DAY_MS = 86_400_000;
/** Days from 1970 to tomorrow. */
const DAYS = Math.floor(NOON_ISH / DAY_MS) + 1;
/** A record holds its rows, and the session's row with six attributes and two paths. */
const RECORD_BYTES_MAX = ROLLUP_BYTES_MAX + 64 * 1024;

const bytesOf = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const long = (n: number, char: string) => `${n}${char.repeat(1_024 - String(n).length)}`;

/** Brings a session to its end in batches, continuing and reopening it on the way, and measures all it sends. */
function played(batches: readonly (readonly VisitorEvent[])[], every: number) {
  const largest = { snapshot: 0, request: 0, result: 0, record: 0 };
  const see = (what: keyof typeof largest, value: unknown) => {
    largest[what] = Math.max(largest[what], bytesOf(value));
  };
  const log: string[] = [];
  const input = (events: readonly VisitorEvent[], snapshot?: SessionSnapshot): SessionInput => ({
    version: 2,
    project: 'shop',
    sessionId: 's-1',
    settings: { ...SETTINGS, checkpointMs: null },
    batch: { events, ackFloor: 0 },
    ...(snapshot && { snapshot }),
  });
  let chain = 1;
  let actor = openActor(input(batches[0] ?? []), 'run-1', NOON_ISH);
  const writeWhileDue = (force = false) => {
    for (let step = nextStep(actor, NOON_ISH); step.do === 'write' || force;) {
      force = false;
      const shows = step.do === 'write' ? step : ({ status: 'open' } as const);
      const request = throughJson(writeRequest(actor, shows, NOON_ISH));
      const rollup = rollupFor(request, undefined);
      const result = throughJson(writeResult(rollup));
      see('request', request);
      see('result', result);
      see('record', rollup);
      log.push(JSON.stringify(rollup));
      expect(confirmWrite(actor, result, NOON_ISH)).to.equal(true);
      // A run may end between two records of one difference.
      if (log.length % 7 === 0) travel();
      step = nextStep(actor, NOON_ISH);
    }
  };
  const travel = () => {
    if (!mayTravel(actor)) return;
    const next = throughJson(continuation(actor, NOON_ISH));
    see('snapshot', next);
    actor = openActor(next, `run-${chain}`, NOON_ISH);
  };
  const reopen = (events: readonly VisitorEvent[]) => {
    actor.endRequested = true;
    writeWhileDue();
    const snapshot = throughJson(snapshotOf(actor, 'session_end'));
    see('snapshot', snapshot);
    chain += 1;
    actor = openActor(input(events, snapshot), `run-${chain}`, NOON_ISH);
  };
  for (const [index, batch] of batches.entries()) {
    if (index > 0 && index % every === 0) reopen(batch);
    else if (index > 0) receive(actor, { events: batch, ackFloor: 0 }, NOON_ISH);
    writeWhileDue();
    if (index % every === every - 1) {
      if (writesFirst(actor)) writeWhileDue(true);
      travel();
    }
    see('snapshot', snapshotOf(actor));
  }
  reopen([]);
  actor.endRequested = true;
  writeWhileDue();
  return { log, largest };
}

function expectBounds({ log, largest }: ReturnType<typeof played>, all: readonly VisitorEvent[]) {
  const expected = referenceRows(all.map((event) => asReference('shop', 's-1', event)));
  expect(inLines(sumOfLog(log))).to.equal(inLines(expected));
  expect(largest.snapshot).to.be.below(SNAPSHOT_BYTES_MAX);
  expect(largest.record).to.be.below(RECORD_BYTES_MAX);
  expect(largest.request).to.be.below(RECORD_BYTES_MAX);
  expect(largest.result).to.be.below(RECORD_BYTES_MAX);
}

function inBatchesOf(size: number, events: readonly VisitorEvent[]): VisitorEvent[][] {
  return Array.from({ length: Math.ceil(events.length / size) }, (_, n) =>
    events.slice(n * size, (n + 1) * size),
  );
}

const view = (n: number, fields: Partial<VisitorEvent>): VisitorEvent => ({
  id: `${'x'.repeat(32)}${n}`,
  type: 'pageview',
  at: NOON_ISH + n,
  seq: n + 1,
  ...fields,
});

describe('a session at the corners of the contract', function () {
  this.timeout(60_000);

  it('of 3,000 paths of 1,024 CJK characters ends and reopens exactly, within its bounds', () => {
    const events = Array.from({ length: 3_000 }, (_, n) => view(n, { path: long(n, '漢') }));

    expectBounds(played(inBatchesOf(80, events), 9), events);
  });

  it('of every day since 1970 ends and reopens exactly, within its bounds', () => {
    const events = Array.from({ length: DAYS }, (_, n) =>
      // Backwards, so that the attributes change again and again.
      view(n, { at: (DAYS - n) * DAY_MS - 1, ...(n % 5_000 === 0 && { country: `c${n}` }) }),
    );

    expectBounds(played(inBatchesOf(500, events), 12), events);
  });

  it('of 300 days and five attributes of 1,024 characters of four bytes ends and reopens exactly', () => {
    const events = Array.from({ length: 300 }, (_, n) =>
      view(n, {
        at: NOON_ISH - n * DAY_MS,
        ...(n % 60 === 0 && {
          trafficSource: long(n, '😀'),
          deviceType: long(n, '😀'),
          country: long(n, '😀'),
          browser: long(n, '😀'),
          os: long(n, '\u0001'),
        }),
      }),
    );

    expectBounds(played(inBatchesOf(20, events), 4), events);
  });

  /** All that can be known of a session, as long as it may be. */
  const allLong = Object.fromEntries(
    [
      ...['visitorId', 'channel', 'medium', 'campaign', 'term', 'content', 'referrerHost'],
      ...['language', 'screen', 'appVersion', 'trafficSource', 'deviceType', 'country'],
      ...['browser', 'os', ...Array.from({ length: 16 }, (_, n) => declaredAs(`d${n}`))],
    ].map((name, n) => [name, long(n, '漢')]),
  );
  const purchases = (days: number) =>
    Array.from({ length: days }, (_, n) =>
      view(n, {
        type: 'purchase',
        at: (DAYS - n) * DAY_MS - 1,
        revenue: `1234.${String(n + 1).padStart(9, '0')}`,
        currency: `C${n % 50}`,
        ...(n === days - 1 && allLong),
      }),
    );

  it('of 200 days of purchases in 50 currencies, with all that can be known of it', () => {
    const events = purchases(200);
    const { log, largest } = played(inBatchesOf(50, events), 2);

    const expected = referenceRows(events.map((event) => asReference('shop', 's-1', event)));
    expect(inLines(sumOfLog(log))).to.equal(inLines(expected));
    expect(largest.snapshot).to.be.below(SNAPSHOT_BYTES_MAX);
    // Its row has 31 attributes instead of six.
    expect(largest.record).to.be.below(RECORD_BYTES_MAX + 25 * 6 * 1_024);
  });

  it('of a purchase on every day since 1970 still travels', () => {
    const actor = anActor(purchases(DAYS));
    actor.pending = { rows: 0, bytes: 0 };
    for (let n = 0; n < ACTS_KEPT_MAX + 1; n += 1) {
      noteAct(actor, 'exclude', { by: '😀'.repeat(999), reason: '😀'.repeat(999) }, n);
    }
    expect(bytesOf(actor.acts)).to.be.within(6_000, 9 * 1024);

    expect(bytesOf({ ...snapshotOf(actor), balance: [] })).to.be.below(SNAPSHOT_BYTES_MAX);
  });

  it('takes in more events than it may remember, with nothing acknowledged, and stays within its bound', () => {
    const events = Array.from({ length: EVENT_IDS_KEPT_MAX + 5_000 }, (_, n) =>
      view(n, { id: `${'\u0001漢'.repeat(16)}${n}`, at: NOON_ISH + (n % 100) }),
    );

    expectBounds(played(inBatchesOf(500, events), 15), events);
  });
});

describe('what a session keeps', () => {
  it('comes back from its text as it was, whatever it is', () => {
    const amount = fc.record({
      value: fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
      count: fc.integer({ min: -50, max: 50 }),
    });
    const key = fc.record({
      metric: fc.constantFrom('page_views', 'sessions'),
      granularity: fc.constantFrom('hour' as const, 'day' as const, 'week' as const),
      bucket: fc.integer({ min: 0, max: 12 }).map((day) => day * DAY_MS),
      dimension: fc.constantFrom('', 'path', 'country'),
      dimensionValue: fc.constantFrom('', 'DE', 'a|b'),
    });
    const tally = fc.array(fc.tuple(fc.nat(12), amount), { maxLength: 13 });
    fc.assert(
      fc.property(fc.array(fc.tuple(key, amount)), tally, fc.boolean(), (rows, entries, alike) => {
        const tallies: Tallies = new Map([
          ['page_views day', new Map(entries.map(([day, sum]) => [day * DAY_MS, sum]))],
        ]);
        const balance: Balance = new Map();
        for (const [row, sum] of rows) addRow(balance, rowKeyText(row), sum);
        const like = alike ? [...(tallies.get('page_views day') ?? [])] : [];
        for (const [bucket, sum] of like) addRow(balance, `page_views|day|${bucket}|os|x`, sum);

        const back = decodeBalance(throughJson(encodeBalance(balance, tallies)), tallies);

        const inOrder = (some: Balance) => balanceRows(some).sort(([a], [b]) => (a < b ? -1 : 1));
        expect(inOrder(back)).to.deep.equal(inOrder(balance));
      }),
      { numRuns: cases(2_000) },
    );
  });

  it('knows each id again, whatever it holds, in at most 25 bytes', () => {
    const seen = new Set<string>();
    for (let n = 0; n < 100_000; n += 1) {
      seen.add(rememberedId(`0f8fad5b-d9cb-469f-a165-${String(n).padStart(12, '0')}`));
    }
    expect(seen.size).to.equal(100_000);
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.string({ unit: 'binary' }), fc.nat())), (entries) => {
        const ids = new Map(entries.map(([id, seq]) => [rememberedId(id), seq]));
        for (const id of ids.keys()) expect(jsonBytes(id)).to.be.at.most(27);
        expect([...decodeIds(throughJson(encodeIds(ids)))]).to.deep.equal([...ids]);
      }),
      { numRuns: cases(500) },
    );
  });
});
