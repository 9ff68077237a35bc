import { expect } from 'chai';
import fc from 'fast-check';
import type { SessionSettings } from '../../shared/actor.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { asReference, NOON_ISH, inLines, sumOfLog } from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { manyPaths, sessionEvents } from '../support/generators.ts';
import {
  unitsByName,
  referenceRows,
  referenceSession,
  unitsOf,
  visitsOf,
} from '../support/reference.ts';
import {
  type Age,
  type Crash,
  createSessionWorld,
  newestRecord,
  type SessionWorld,
} from '../support/session-world.ts';

/** What can befall a session. Numbers in `events` pick from the session's events, again and again. */
type Plain =
  'commit' | 'crash' | 'end' | 'terminate' | 'continueAsNew' | 'purge' | 'storeAway' | 'storeBack';
type Op =
  | { readonly op: 'deliver'; readonly events: readonly number[]; readonly chainsBehind: number }
  | { readonly op: 'advance'; readonly ms: number }
  | { readonly op: 'step'; readonly crash?: Crash; readonly meanwhile: readonly number[] }
  | { readonly op: 'reset'; readonly which: number; readonly at: number }
  | { readonly op: Plain };

const ALL: readonly number[] = [];
const picks = (minLength: number) => fc.array(fc.nat(30), { minLength, maxLength: 3 });

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
const just = (op: Plain) => fc.constant<Op>({ op });

const ordinary = [
  { weight: 4, arbitrary: deliver },
  { weight: 8, arbitrary: step },
  { weight: 2, arbitrary: advance },
  { weight: 3, arbitrary: just('commit') },
  { weight: 1, arbitrary: just('crash') },
  { weight: 2, arbitrary: just('end') },
  { weight: 1, arbitrary: just('continueAsNew') },
  { weight: 1, arbitrary: just('purge') },
  { weight: 1, arbitrary: just('storeAway') },
  { weight: 1, arbitrary: just('storeBack') },
] as const;
const schedule = fc.array(fc.oneof(...ordinary), { maxLength: 30 });
// Bugs here need a few things in the right order: less of everything else.
const scheduleWithTerminations = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: deliver },
    { weight: 8, arbitrary: step },
    { weight: 4, arbitrary: just('terminate') },
    ...(
      ['commit', 'crash', 'end', 'continueAsNew', 'purge', 'storeAway', 'storeBack'] as const
    ).map(just),
  ),
  { maxLength: 30 },
);

const reset = fc.record({ op: fc.constant('reset' as const), which: fc.nat(9), at: fc.nat(30) });
const scheduleWithResets = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: deliver },
    { weight: 8, arbitrary: step },
    { weight: 3, arbitrary: reset },
    { weight: 3, arbitrary: just('commit') },
    ...(['crash', 'end', 'continueAsNew', 'purge'] as const).map(just),
  ),
  { maxLength: 30 },
);

const settings: fc.Arbitrary<SessionSettings> = fc.record({
  idleTimeoutMs: fc.constant(30 * 60_000),
  checkpointMs: fc.constantFrom(60_000, null),
  lateGraceMs: fc.constant(10_000),
});

for (const [opens, age] of [
  [true, 'riding'],
  [false, 'riding'],
  [true, 'bounded'],
  [false, 'bounded'],
  [true, 'upgraded'],
] as const) {
  const first = opens ? 'its first write planned by ingest' : 'its first write by itself';
  const begun = {
    riding: '',
    bounded: ', writing by activities',
    upgraded: ', begun before it had a bound',
  }[age];
  describe(`the session actor, ${first}${begun}, whatever befalls it`, () => {
    befalls(opens, age);
  });
}

function befalls(opens: boolean, age: Age): void {
  const expectExactness = exactnessWhere(opens, age);
  // Most of what those do that earlier versions began is tried with new ones as well.
  const numRuns = cases(age === 'riding' ? 1_500 : 500);

  it('is in the log once: crashes, races, lateness', async () => {
    await fc.assert(fc.asyncProperty(settings, sessionEvents(10), schedule, expectExactness), {
      numRuns,
    });
  }).timeout(120_000);

  // An ingest that looked before a chain that was then terminated misses what that chain alone
  // knew: a termination forfeits it. So here every ingest sees the latest chain.
  const punctual = scheduleWithTerminations.map((ops) =>
    ops.map((op) => (op.op === 'deliver' ? { ...op, chainsBehind: 0 } : op)),
  );

  it('is in the log once: terminations as well', async () => {
    await fc.assert(fc.asyncProperty(settings, sessionEvents(10), punctual, expectExactness), {
      numRuns,
    });
  }).timeout(120_000);

  it('is in the log once: terminations after which only the history can be read', async () => {
    const expectIt = exactnessWhere(opens, age, true);
    await fc.assert(fc.asyncProperty(settings, sessionEvents(10), punctual, expectIt), {
      numRuns,
    });
  }).timeout(120_000);

  it('is in the log once: resets as well, to any point of any run', async () => {
    const punctualResets = scheduleWithResets.map((ops) =>
      ops.map((op) => (op.op === 'deliver' ? { ...op, chainsBehind: 0 } : op)),
    );
    await fc.assert(
      fc.asyncProperty(settings, sessionEvents(10), punctualResets, expectExactness),
      {
        numRuns,
      },
    );
  }).timeout(120_000);

  it('is in the log once: more rows than one record takes', async () => {
    await fc.assert(
      fc.asyncProperty(
        settings,
        fc.integer({ min: 1_001, max: 1_300 }),
        schedule,
        (config, count, ops) => {
          const all: Op = { op: 'deliver', events: ALL, chainsBehind: 0 };
          return expectExactness(config, manyPaths(count), [all, ...ops]);
        },
      ),
      { numRuns: cases(40) },
    );
  }).timeout(120_000);

  it('gives the same end reason in its newest row and in its result', async () => {
    const endings = fc.array(fc.oneof(deliver, step, advance, just('end')), {
      maxLength: 12,
    });
    await fc.assert(
      fc.asyncProperty(settings, sessionEvents(4), endings, async (config, events, ops) => {
        const world = createSessionWorld(config, NOON_ISH, opens, age);
        await play(world, events, ops);

        expect(newestRecord(world.log).session.endReason).to.equal(world.endReason);
      }),
      { numRuns },
    );
  }).timeout(120_000);
}

function exactnessWhere(opens: boolean, age: Age, readsHistory = false) {
  return async (
    config: SessionSettings,
    events: readonly VisitorEvent[],
    ops: readonly Op[],
  ): Promise<void> => {
    const world = createSessionWorld(config, NOON_ISH, opens, age, readsHistory);
    await play(world, events, ops);
    expectInLog(world, events);
  };
}

/**
 * Plays a schedule, then brings what has not been delivered, and waits. After a termination only an
 * event can wake a session, so where there are any the last event is kept back for the end.
 */
async function play(
  world: SessionWorld,
  events: readonly VisitorEvent[],
  ops: readonly Op[],
): Promise<void> {
  const delivered = new Set<VisitorEvent>();
  const early = ops.some(({ op }) => op === 'terminate') ? events.slice(0, -1) : events;
  const pick = (numbers: readonly number[]) => {
    const picked =
      numbers === ALL ? early : numbers.flatMap((n) => early[n % Math.max(1, early.length)] ?? []);
    for (const event of picked) delivered.add(event);
    return picked;
  };
  for (const op of ops) {
    switch (op.op) {
      case 'deliver':
        world.deliver(pick(op.events), op.chainsBehind);
        break;
      case 'advance':
        world.advance(op.ms);
        break;
      case 'step':
        if (!world.running) break;
        await world.step({ ...(op.crash && { crash: op.crash }), meanwhile: pick(op.meanwhile) });
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
  world.deliver(events.filter((event) => !delivered.has(event)));
  await world.settle();
}

function expectInLog(world: SessionWorld, events: readonly VisitorEvent[]): void {
  const reference = events.map((event) => asReference('shop', 's-1', event));
  const visit = visitsOf(reference).get('shop/s-1') ?? [];
  const { revenue, purse, entryPath, exitPath, ...facts } = referenceSession(visit);

  expect(inLines(sumOfLog(world.log.values()))).to.equal(inLines(referenceRows(reference)));

  const { session } = newestRecord(world.log);
  expect(session.status).to.equal('ended');
  expect([session.entryPath, session.exitPath]).to.deep.equal([entryPath, exitPath]);
  expect(session).to.deep.include(facts);
  expect(unitsOf(session.revenue)).to.equal(revenue);
  expect(unitsByName(session.revenueByCurrency)).to.deep.equal(purse);
  expect(session.newUser).to.equal(session.attributes.userId === undefined ? undefined : true);
}
