/**
 * A load on a ClickHouse cluster, as a model: the real `loadBatch`, table writer and client of several servers against
 * replicas that lag, die, come back, lose a disk, and whose quorum does not come together in time. What is loaded is what
 * is in the log, once, on every replica; and whoever reads the latest sees what was acknowledged, or is told to ask another.
 */
import type { ClickHouseSettings } from '@clickhouse/client';
import { expect } from 'chai';
import fc from 'fast-check';
import { loadBatch, type TableWriter } from '../../activities/load-batch.ts';
import { clientOfCluster, outcomeOf } from '../../platform/clickhouse-servers.ts';
import { clusterSettings } from '../../platform/cluster-settings.ts';
import { RowBytes } from '../../platform/row-bytes.ts';
import { createTableWriter } from '../../platform/table-writer.ts';
import type { LogRange } from '../../shared/ranges.ts';
import { type Rollup, sumRollups } from '../../shared/rollup.ts';
import { aRollup, NOON_ISH } from '../support/builders.ts';
import { ClusterModel, type Fate, type ModelOptions } from '../support/cluster-model.ts';
import { cases } from '../support/depth.ts';

const LIFE = 'life';

const record = (n: number): Rollup =>
  aRollup({
    identity: `run-${n}`,
    rows: [['page_views', 'hour', NOON_ISH / 1_000, '', '', '1', 1]],
  });

const FATES: readonly Fate[] = ['done', 'done', 'done', 'refused', 'replyLost', 'heldBack', 'slow'];

const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('load' as const), count: fc.nat(3) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('tick' as const), which: fc.nat(), entry: fc.nat(9) }),
  },
  fc.record({ do: fc.constant('kill' as const), which: fc.nat() }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const), which: fc.nat() }) },
  fc.record({ do: fc.constant('loseDisk' as const), which: fc.nat() }),
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deliver' as const), which: fc.nat() }) },
  fc.record({ do: fc.constant('zombie' as const), which: fc.nat() }),
);

const course = fc.record({
  replicas: fc.constantFrom(2 as const, 3 as const),
  steps: fc.array(step, { maxLength: 40 }),
  fates: fc.array(fc.constantFrom(...FATES), { minLength: 1, maxLength: 40 }),
});

type Course = typeof course extends fc.Arbitrary<infer T> ? T : never;

/** Rows as an import sends them: made elsewhere, as bytes. */
const asBytes = (tables: TableWriter): TableWriter => ({
  insert(table, rows, token) {
    if (table !== 'metrics_inbox' || rows.length === 0) return tables.insert(table, rows, token);
    const bytes = new TextEncoder().encode(JSON.stringify(rows));
    const halves = [bytes.subarray(0, 7), bytes.subarray(7)];
    return tables.insert(table, new RowBytes(['value'], halves, rows.length), token);
  },
});

/** What a variant of the protocol says to a server. */
type Said = ModelOptions['settingsOf'];

const asWritten: Said = (_server, said) => ({ ...clusterSettings('writer'), ...said });

/**
 * @param seesAll which replica is believed to show all rows, where it does not refuse to
 * @throws where something was lost, or is there twice, or was acknowledged and is not seen
 */
async function run(
  { replicas, steps, fates }: Course,
  settingsOf: Said,
  seesAll: (model: ClusterModel, at: number) => boolean = (model, at) => model.isCaughtUp(at),
  throughBytes: (tables: TableWriter) => TableWriter = (tables) => tables,
): Promise<void> {
  let [calls, isCertain] = [0, false];
  const nextFate = (): Fate => (isCertain ? 'done' : (fates[calls++ % fates.length] ?? 'done'));
  // One token is remembered: what comes later is for the fence.
  const model = new ClusterModel({ replicas, window: 1, settingsOf, nextFate });
  const serverAt = (at: number) => ({
    address: `http://server-${at}:8123`,
    client: model.client(at),
  });
  const client = clientOfCluster([serverAt(0), ...[1, 2].slice(0, replicas - 1).map(serverAt)], {
    cluster: 'c',
    isAdmin: false,
    pause: () => {
      model.tick(calls % replicas);
      return Promise.resolve();
    },
  });
  const tables = throughBytes(createTableWriter(client));
  const records: Rollup[] = [];
  // The sessions' own rows have a version, by which the newest wins: here it is about those that are summed.
  const sumRange = ({ from, to }: LogRange) =>
    Promise.resolve({ ...sumRollups(records.slice(from - 1, to)), sessions: [] });
  const load = (plan: LogRange) =>
    loadBatch({ sumRange }, tables, plan).then(
      () => true,
      () => false,
    );
  const plans: LogRange[] = [];
  let [plan, loaded] = [undefined as LogRange | undefined, 0];

  async function goOn(): Promise<void> {
    if (plan === undefined) {
      if (records.length === loaded) return;
      plan = { partition: 0, log: LIFE, from: loaded + 1, to: records.length };
      plans.push(plan);
    }
    if (!(await load(plan))) return;
    loaded = plan.to;
    plan = undefined;
  }

  /**
   * How far the log is loaded is seen wherever it is asked for, or another server has to be asked; all rows are where a
   * replica has caught up, which the audit waits for.
   */
  function look(): void {
    for (let at = 0; at < replicas; at += 1) {
      if (!model.isAliveAt(at)) continue;
      const ranges = told(() => model.loadedAt(at));
      if (ranges !== undefined) expect(ranges, `ranges on replica ${at}`).to.be.at.least(loaded);
      if (!seesAll(model, at)) continue;
      const sum = told(() => model.sumAt(at));
      if (sum !== undefined) expect(sum, `rows on replica ${at}`).to.be.at.least(loaded);
    }
  }

  for (const s of steps) {
    const which = 'which' in s ? s.which % replicas : 0;
    if (s.do === 'load') {
      for (let n = 0; n < s.count; n += 1) records.push(record(records.length + 1));
      await goOn();
    } else if (s.do === 'zombie') {
      const old = plans[s.which % Math.max(1, plans.length)];
      if (old !== undefined) await load(old);
    } else if (s.do === 'deliver') model.deliver(s.which);
    else if (s.do === 'tick') model.tick(which, s.entry);
    else model[s.do](which);
    look();
  }
  isCertain = true;
  model.heal();
  for (let tries = 0; (plan !== undefined || loaded < records.length) && tries < 20; tries += 1) {
    await goOn();
    model.heal();
  }
  for (let at = 0; at < replicas; at += 1) {
    expect(model.sumAt(at), `rows on replica ${at}`).to.equal(records.length);
    expect(model.loadedAt(at), `ranges on replica ${at}`).to.equal(records.length);
  }
}

/** Undefined where the replica says that it has not got the latest. */
function told<T>(ask: () => T): T | undefined {
  try {
    return ask();
  } catch (error) {
    if (outcomeOf(error) !== 'not-done') throw error;
    return undefined;
  }
}

const without =
  (names: Partial<ClickHouseSettings>, isBroken: (server: number) => boolean = () => true): Said =>
  (server, said) => ({ ...asWritten(server, said), ...(isBroken(server) && names) });

describe('a load on a ClickHouse cluster, whatever befalls it', () => {
  it('counts every record once on every replica, and what was acknowledged is seen', async () => {
    await fc.assert(
      fc.asyncProperty(course, (one) => run(one, asWritten)),
      { numRuns: cases(6_000) },
    );
  });

  it('does so with rows that are sent as bytes', async () => {
    await fc.assert(
      fc.asyncProperty(course, (one) => run(one, asWritten, undefined, asBytes)),
      { numRuns: cases(2_000) },
    );
  });

  // The model is worth something if it finds what each part of the protocol is there for.
  for (const [what, broken] of [
    ['no quorum', without({ insert_quorum: '0' })],
    [
      'no token behind the view',
      without({ deduplicate_blocks_in_dependent_materialized_views: 0 }),
    ],
    [
      'no token behind the view at one of two tries',
      without({ deduplicate_blocks_in_dependent_materialized_views: 0 }, (server) => server === 1),
    ],
    ['a fence that asks a lagging replica', without({ select_sequential_consistency: '0' })],
    ['no quorum at one of two tries', without({ insert_quorum: '0' }, (server) => server === 1)],
  ] as const) {
    it(`would lose or double rows with ${what}`, async () => {
      const result = await fc.check(
        fc.asyncProperty(course, (one) => run(one, broken)),
        { numRuns: 20_000, seed: 54, endOnFailure: true },
      );

      expect(result.failed).to.equal(true);
      expect(String(result.errorInstance)).to.match(/replica/);
    });
  }

  it('would miss rows with a sequential read that does not wait', async () => {
    const result = await fc.check(
      fc.asyncProperty(course, (one) => run(one, asWritten, () => true)),
      { numRuns: 20_000, seed: 54, endOnFailure: true },
    );

    expect(result.failed).to.equal(true);
    expect(String(result.errorInstance)).to.match(/rows on replica/);
  });
});
