/** A session that an operator has go by other definitions, at any moment and whatever befalls it meanwhile. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { SessionSettings } from '../../shared/actor.ts';
import { rowKeyOf } from '../../shared/balance.ts';
import { CATALOGUE_VERSION, catalogueOf } from '../../shared/catalogue.ts';
import { addAmount, type Contributions } from '../../shared/contributions.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { applyEvents, emptySession, figuresOf, sessionTables } from '../../shared/session.ts';
import type { SessionFigures } from '../../shared/session-facts.ts';
import {
  asReference,
  asReferenceRows,
  inLines,
  NOON_ISH,
  sumOfLog,
  throughJson,
} from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { manyPaths, sessionEvents } from '../support/generators.ts';
import { referenceRows, type ReferenceRows } from '../support/reference.ts';
import {
  type Age,
  type Crash,
  createSessionWorld,
  newestRecord,
  type SessionWorld,
} from '../support/session-world.ts';

type Plain = 'commit' | 'crash' | 'end' | 'terminate' | 'continueAsNew' | 'purge' | 'storeAway';
type Op =
  | { readonly op: 'deliver'; readonly events: readonly number[]; readonly chainsBehind: number }
  | { readonly op: 'advance'; readonly ms: number }
  | { readonly op: 'step'; readonly crash?: Crash; readonly meanwhile: readonly number[] }
  | { readonly op: 'restate'; readonly catalogue: number }
  | { readonly op: 'want'; readonly isExcluded: boolean }
  | { readonly op: 'reset'; readonly which: number; readonly at: number }
  | { readonly op: Plain };

const picks = (minLength: number) => fc.array(fc.nat(30), { minLength, maxLength: 3 });
const just = (op: Plain) => fc.constant<Op>({ op });
const deliver = fc.record({
  op: fc.constant('deliver' as const),
  events: picks(1),
  chainsBehind: fc.constantFrom(0, 0, 0, 1, 2),
});
const step = fc.record(
  {
    op: fc.constant('step' as const),
    crash: fc.constantFrom<Crash>('before publishing', 'after publishing'),
    meanwhile: fc.oneof({ weight: 4, arbitrary: fc.constant([]) }, picks(1)),
  },
  { requiredKeys: ['op', 'meanwhile'] },
);
const advance = fc.record({
  op: fc.constant('advance' as const),
  ms: fc.constantFrom(1, 9_999, 10_000, 60_000, 30 * 60_000),
});
const version = fc.integer({ min: 1, max: CATALOGUE_VERSION });
const restate = fc.record({ op: fc.constant('restate' as const), catalogue: version });
const want = fc.record({ op: fc.constant('want' as const), isExcluded: fc.boolean() });
const reset = fc.record({ op: fc.constant('reset' as const), which: fc.nat(9), at: fc.nat(30) });

const some = [
  { weight: 4, arbitrary: deliver },
  { weight: 9, arbitrary: step },
  { weight: 3, arbitrary: restate },
  { weight: 1, arbitrary: want },
] as const;
const ordinary = fc.array(
  fc.oneof(
    ...some,
    { weight: 2, arbitrary: advance },
    { weight: 3, arbitrary: just('commit') },
    ...(['crash', 'end', 'continueAsNew', 'purge', 'storeAway'] as const).map(just),
  ),
  { maxLength: 40 },
);
const terminations = fc
  .array(
    fc.oneof(
      ...some,
      { weight: 3, arbitrary: just('terminate') },
      ...(['commit', 'crash', 'end', 'continueAsNew'] as const).map(just),
    ),
    { maxLength: 40 },
  )
  .map(seenAtOnce);
const resets = fc
  .array(
    fc.oneof(
      ...some,
      { weight: 2, arbitrary: reset },
      ...(['commit', 'crash', 'end', 'continueAsNew'] as const).map(just),
    ),
    { maxLength: 40 },
  )
  .map(seenAtOnce);

const settings: fc.Arbitrary<SessionSettings> = fc.record({
  idleTimeoutMs: fc.constant(30 * 60_000),
  checkpointMs: fc.constantFrom(60_000, null),
  lateGraceMs: fc.constant(10_000),
});
/** Those that began long ago, without a bound, knew no other. */
const beginsOf = (age: Age) => (age === 'upgraded' ? fc.constant(1) : version);

for (const age of ['riding', 'bounded', 'upgraded'] as const) {
  describe(`a session (${age}) that goes over to other definitions`, () => {
    const runs = { numRuns: cases(age === 'riding' ? 500 : 200) };
    const begins = beginsOf(age);

    it('is as one that began by them', async () => {
      await fc.assert(
        fc.asyncProperty(settings, begins, sessionEvents(10), ordinary, exactly(age, 'obeys')),
        runs,
      );
    }).timeout(60_000);

    it('is so after terminations', async () => {
      await fc.assert(
        fc.asyncProperty(settings, begins, sessionEvents(10), terminations, exactly(age, 'obeys')),
        runs,
      );
    }).timeout(60_000);

    it('is so after terminations of which only the history tells', async () => {
      const expectIt = exactly(age, 'obeys', true);
      await fc.assert(
        fc.asyncProperty(settings, begins, sessionEvents(10), terminations, expectIt),
        runs,
      );
    }).timeout(60_000);

    it('is exact by some version after resets, where it may refuse', async () => {
      const expectIt = exactly(age, 'may refuse');
      await fc.assert(
        fc.asyncProperty(settings, begins, sessionEvents(10), resets, expectIt),
        runs,
      );
    }).timeout(60_000);

    it('is so with more rows than a record takes, or than a page', async () => {
      await fc.assert(
        fc.asyncProperty(
          settings,
          begins,
          fc.integer({ min: 1_001, max: 2_300 }),
          ordinary,
          (config, began, count, ops) =>
            exactly(age, 'obeys')(config, began, turnedPaths(count), [ALL, ...ops]),
        ),
        { numRuns: cases(25) },
      );
    }).timeout(60_000);

    it('goes on with the pages that are left where its run was terminated between two', async () => {
      await fc.assert(
        fc.asyncProperty(settings, fc.nat(9), fc.boolean(), (config, steps, readsHistory) => {
          const begun: Op[] = [ALL, { op: 'restate', catalogue: CATALOGUE_VERSION }];
          const taken = Array.from({ length: steps }, (): Op => ({ op: 'step', meanwhile: [] }));
          const ops: Op[] = [...begun, ...taken, { op: 'commit' }, { op: 'terminate' }];
          return exactly(age, 'obeys', readsHistory)(config, 1, turnedPaths(1_900), ops);
        }),
        { numRuns: cases(16), examples: [6, 7, 8].map((steps) => [AT_ONCE, steps, false]) },
      );
    }).timeout(60_000);
  });
}

const AT_ONCE: SessionSettings = {
  idleTimeoutMs: 30 * 60_000,
  checkpointMs: 60_000,
  lateGraceMs: 10_000,
};
const ALL: Op = { op: 'deliver', events: [], chainsBehind: 0 };

/** The third version files each of them once more. */
function turnedPaths(count: number): VisitorEvent[] {
  return manyPaths(count).map((event) => ({ ...event, dayTurned: 'true' }));
}

/** An ingest that looked before a chain that was then terminated misses what that one alone knew. */
function seenAtOnce(ops: readonly Op[]): Op[] {
  return ops.map((op) => (op.op === 'deliver' ? { ...op, chainsBehind: 0 } : op));
}

function exactly(age: Age, how: 'obeys' | 'may refuse', readsHistory = false) {
  return async (
    config: SessionSettings,
    begins: number,
    events: readonly VisitorEvent[],
    ops: readonly Op[],
  ): Promise<void> => {
    const world = createSessionWorld(config, NOON_ISH, true, age, readsHistory, begins);
    const { isExcluded, restated } = await play(world, events, ops);

    const { session } = newestRecord(world.log);
    const { catalogue = 1, excluded = false } = session;
    if (how === 'obeys') {
      expect(excluded).to.equal(isExcluded);
      expect(catalogue).to.equal(Math.max(begins, restated));
    }
    const { rows, figures } = asBegunWith(catalogue, events);
    const counted: ReferenceRows = excluded ? new Map<string, never>() : rows;
    expect(inLines(sumOfLog(world.log.values()))).to.equal(inLines(counted));
    const { status, endReason: _, excluded: _1, catalogue: _2, updatedAt: _3, ...shown } = session;
    const { newUser: _4, ...own } = shown;
    expect(own).to.deep.equal(throughJson(figures));
    expect(status).to.equal('ended');
  };
}

/** A session of these events that has never gone by anything else, worked out at once. */
function asBegunWith(
  catalogue: number,
  events: readonly VisitorEvent[],
): { readonly rows: ReferenceRows; readonly figures: SessionFigures | undefined } {
  const state = emptySession(true, catalogueOf(catalogue));
  const rows: Contributions = applyEvents(state, events);
  const hasUser = state.attributes.has('userId');
  const figures = figuresOf(state, hasUser ? true : undefined);
  if (figures === undefined) return { rows: new Map(), figures };
  for (const [family, table] of sessionTables(figures, state.tallies, state.catalogue)) {
    for (const [bucket, amount] of table) addAmount(rows, rowKeyOf(family, bucket), amount);
  }
  const naive = referenceRows(events.map((event) => asReference('shop', 's-1', event)));
  if (catalogue === CATALOGUE_VERSION) {
    expect(inLines(asReferenceRows(rows))).to.equal(inLines(naive));
  }
  return { rows: asReferenceRows(rows), figures: figuresOf(state) };
}

/** @returns what operators have said last */
async function play(
  world: SessionWorld,
  events: readonly VisitorEvent[],
  ops: readonly Op[],
): Promise<{ readonly isExcluded: boolean; readonly restated: number }> {
  const delivered = new Set<VisitorEvent>();
  const early = ops.some(({ op }) => op === 'terminate') ? events.slice(0, -1) : events;
  const deliverThese = (picked: readonly VisitorEvent[], chainsBehind = 0) => {
    for (const event of picked) delivered.add(event);
    world.deliver(picked, chainsBehind);
  };
  const picked = (numbers: readonly number[]) =>
    numbers.flatMap((n) => early[n % Math.max(1, early.length)] ?? []);
  let isExcluded = false;
  let restated = 0;
  for (const op of ops) {
    switch (op.op) {
      case 'deliver':
        deliverThese(op === ALL ? early : picked(op.events), op.chainsBehind);
        break;
      case 'advance':
        world.advance(op.ms);
        break;
      case 'step': {
        const meanwhile = picked(op.meanwhile);
        if (!world.running) break;
        for (const event of meanwhile) delivered.add(event);
        await world.step({ ...(op.crash && { crash: op.crash }), meanwhile });
        break;
      }
      case 'want':
        if (delivered.size === 0) break;
        world.want(op.isExcluded);
        ({ isExcluded } = op);
        break;
      case 'restate':
        if (delivered.size === 0) break;
        world.restate(op.catalogue);
        restated = Math.max(restated, op.catalogue);
        break;
      case 'end':
        world.requestEnd();
        break;
      case 'reset':
        world.reset(op.which, op.at);
        break;
      case 'continueAsNew':
        await world.continueAsNew();
        break;
      default:
        world[op.op]();
    }
  }
  deliverThese(events.filter((event) => !delivered.has(event)));
  await world.settle();
  return { isExcluded, restated };
}
