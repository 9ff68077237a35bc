/** A session that an operator takes out of the numbers, and puts back, whatever befalls it meanwhile. */
import { expect } from 'chai';
import fc from 'fast-check';
import type { SessionSettings } from '../../shared/actor.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { ACTS_KEPT_MAX } from '../../shared/limits.ts';
import { asReference, inLines, NOON_ISH, sumOfLog } from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { manyPaths, sessionEvents } from '../support/generators.ts';
import { referenceRows } from '../support/reference.ts';
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
const want = fc.record({ op: fc.constant('want' as const), isExcluded: fc.boolean() });
const reset = fc.record({ op: fc.constant('reset' as const), which: fc.nat(9), at: fc.nat(30) });

const ordinary = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: deliver },
    { weight: 9, arbitrary: step },
    { weight: 4, arbitrary: want },
    { weight: 2, arbitrary: advance },
    { weight: 3, arbitrary: just('commit') },
    ...(['crash', 'end', 'continueAsNew', 'purge', 'storeAway'] as const).map(just),
  ),
  { maxLength: 40 },
);
const terminations = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: deliver },
      { weight: 9, arbitrary: step },
      { weight: 4, arbitrary: want },
      { weight: 3, arbitrary: just('terminate') },
      ...(['commit', 'crash', 'end', 'continueAsNew'] as const).map(just),
    ),
    { maxLength: 40 },
  )
  .map(seenAtOnce);
const resets = fc
  .array(
    fc.oneof(
      { weight: 4, arbitrary: deliver },
      { weight: 9, arbitrary: step },
      { weight: 4, arbitrary: want },
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

for (const age of ['riding', 'bounded', 'upgraded'] as const) {
  describe(`a session (${age}) that is excluded and included`, () => {
    const runs = { numRuns: cases(age === 'riding' ? 500 : 200) };

    it('adds up to nothing or to all of it, as the operator last said', async () => {
      await fc.assert(
        fc.asyncProperty(settings, sessionEvents(10), ordinary, exactly(age, 'obeys')),
        runs,
      );
    }).timeout(60_000);

    it('does so after terminations', async () => {
      await fc.assert(
        fc.asyncProperty(settings, sessionEvents(10), terminations, exactly(age, 'obeys')),
        runs,
      );
    }).timeout(60_000);

    it('does so after terminations of which only the history tells', async () => {
      const expectIt = exactly(age, 'obeys', true);
      const property = fc.asyncProperty(settings, sessionEvents(10), terminations, expectIt);
      await fc.assert(property, { ...runs, examples: FOUND });
    }).timeout(60_000);

    it('is exact after resets, where it may refuse', async () => {
      await fc.assert(
        fc.asyncProperty(settings, sessionEvents(10), resets, exactly(age, 'may refuse')),
        runs,
      );
    }).timeout(60_000);

    it('does so with more rows than a record takes, or than a page', async () => {
      await fc.assert(
        fc.asyncProperty(
          settings,
          fc.integer({ min: 1_001, max: 2_300 }),
          ordinary,
          (config, count, ops) => exactly(age, 'obeys')(config, manyPaths(count), [ALL, ...ops]),
        ),
        { numRuns: cases(25) },
      );
    }).timeout(60_000);
  });
}

/** What went wrong once: taken back before it was done, by a run whose end forgot that it had been said. */
const FOUND: [SessionSettings, VisitorEvent[], Op[]][] = [
  [
    { idleTimeoutMs: 30 * 60_000, checkpointMs: 60_000, lateGraceMs: 10_000 },
    [0, 1].map((n) => ({ id: `e${n}`, type: 'pageview', at: n * 60_000, seq: 1, key: `#${n}` })),
    [
      { op: 'deliver', events: [0], chainsBehind: 0 },
      { op: 'want', isExcluded: true },
      { op: 'terminate' },
      { op: 'want', isExcluded: false },
      { op: 'terminate' },
    ],
  ],
];

const ALL: Op = { op: 'deliver', events: [], chainsBehind: 0 };

/** An ingest that looked before a chain that was then terminated misses what that one alone knew. */
function seenAtOnce(ops: readonly Op[]): Op[] {
  return ops.map((op) => (op.op === 'deliver' ? { ...op, chainsBehind: 0 } : op));
}

function exactly(age: Age, how: 'obeys' | 'may refuse', readsHistory = false) {
  return async (
    config: SessionSettings,
    events: readonly VisitorEvent[],
    ops: readonly Op[],
  ): Promise<void> => {
    const world = createSessionWorld(config, NOON_ISH, true, age, readsHistory);
    const { isExcluded, asked } = await play(world, events, ops);

    const { session } = newestRecord(world.log);
    if (how === 'obeys') {
      expect(session.excluded ?? false).to.equal(isExcluded);
      expect(world.acts.map(({ act, by }) => `${act} ${by ?? ''}`)).to.deep.equal(asked);
    }
    const reference = events.map((event) => asReference('shop', 's-1', event));
    const rows = session.excluded ? new Map<string, never>() : referenceRows(reference);
    expect(inLines(sumOfLog(world.log.values()))).to.equal(inLines(rows));
    expect(session.status).to.equal('ended');
    expect(session.pageViews).to.equal(events.filter(({ type }) => type === 'pageview').length);
  };
}

/** @returns whether the session is to be excluded at its end, and what it then knows of who has asked for what */
async function play(
  world: SessionWorld,
  events: readonly VisitorEvent[],
  ops: readonly Op[],
): Promise<{ readonly isExcluded: boolean; readonly asked: readonly string[] }> {
  const delivered = new Set<VisitorEvent>();
  const early = ops.some(({ op }) => op === 'terminate') ? events.slice(0, -1) : events;
  const deliverThese = (picked: readonly VisitorEvent[], chainsBehind = 0) => {
    for (const event of picked) delivered.add(event);
    world.deliver(picked, chainsBehind);
  };
  const picked = (numbers: readonly number[]) =>
    numbers.flatMap((n) => early[n % Math.max(1, early.length)] ?? []);
  let isExcluded = false;
  const asked: string[] = [];
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
        asked.push(`${op.isExcluded ? 'exclude' : 'include'} operator-${asked.length}`);
        world.want(op.isExcluded, { by: `operator-${asked.length - 1}` });
        ({ isExcluded } = op);
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
  return { isExcluded, asked: asked.slice(-ACTS_KEPT_MAX) };
}
