/**
 * The loader's half of the write protocol, as a model: the real `planBatch` and `loadBatch` against a
 * ClickHouse that remembers one token only, loses replies after it committed, and gets inserts that the
 * network held back, also those of a loader that was thought dead. What is loaded is what is in the log.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { loadBatch } from '../../activities/load-batch.ts';
import { planBatch, type SizedLogEnd } from '../../activities/plan-batch.ts';
import type { LogPosition, LogRange } from '../../shared/ranges.ts';
import { type Rollup, sumRollups } from '../../shared/rollup.ts';
import { aRollup, NOON_ISH } from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { ClickHouseModel, fates, idleWaiting, type Insert } from '../support/loader-model.ts';

/** As `migrations/001-metrics.sql` makes it, with a deduplication window of one insert. */
class Tables extends ClickHouseModel {
  value = 0;
  private lastToken = '';
  private loadedTo = 0;

  override arrive({ table, rows, token }: Insert): void {
    const list = rows as { range_from: number; range_to: number; value: string }[];
    if (table === 'loaded_ranges') {
      for (const { range_to } of list) this.loadedTo = Math.max(this.loadedTo, range_to);
    }
    if (table !== 'metrics_inbox' || token === this.lastToken) return;
    this.lastToken = token;
    for (const row of list) if (row.range_from > this.loadedTo) this.value += Number(row.value);
  }
}

const LIFE = 'life';

function aLog(records: readonly Rollup[]) {
  const end = (): Promise<SizedLogEnd> =>
    Promise.resolve({
      log: LIFE,
      seq: records.length,
      lastSeq: records.length,
      recordBytes: 2_000,
    });
  return {
    end,
    nextArrival: () => Promise.resolve(false),
    timeOf: () => Promise.resolve(undefined),
    firstAfter: () => Promise.resolve(undefined),
    sumRange: ({ from, to }: LogRange) => Promise.resolve(sumRollups(records.slice(from - 1, to))),
  };
}

const record = (n: number): Rollup =>
  aRollup({
    identity: `run-${n}`,
    rows: [['page_views', 'hour', NOON_ISH / 1_000, '', '', '1', 1]],
  });

const step = fc.oneof(
  fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 5 }) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant('load' as const) }) },
  fc.record({ do: fc.constant('deliver' as const), which: fc.nat() }),
  // A loader that was thought dead comes back with a plan of its own time.
  fc.record({ do: fc.constant('zombie' as const), which: fc.nat() }),
);

describe('the loader, whatever befalls it', () => {
  it('loads every record once: lost replies, inserts held back, loaders that were thought dead', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), fates(40), async (steps, fateList) => {
        const records: Rollup[] = [];
        const log = aLog(records);
        const clickhouse = new Tables();
        const plans: LogRange[] = [];
        let position: LogPosition = { log: LIFE, seq: 0 };
        let tries = 0;
        const tables = clickhouse.writer(() => fateList[tries++ % fateList.length] ?? 'done');
        const certain = clickhouse.writer(() => 'done');

        /** Plans once, and tries to load what was planned until it has worked, as the workflow does. */
        const loadNext = async () => {
          const plan = await planBatch(log, idleWaiting(), { partition: 0, after: position });
          if (plan === null) return;
          plans.push(plan);
          for (let attempt = 0; ; attempt += 1) {
            const worked = await loadBatch(log, attempt < 20 ? tables : certain, plan).then(
              () => true,
              () => false,
            );
            if (worked) break;
          }
          position = { log: plan.log, seq: plan.to };
        };

        for (const s of steps) {
          if (s.do === 'append') {
            for (let n = 0; n < s.count; n += 1) records.push(record(records.length + 1));
          } else if (s.do === 'load') {
            await loadNext();
          } else if (s.do === 'deliver') {
            clickhouse.deliver(s.which);
          } else {
            const plan = plans[s.which % Math.max(1, plans.length)];
            if (plan !== undefined) await loadBatch(log, tables, plan).catch(() => undefined);
          }
        }
        await loadNext();
        for (const insert of clickhouse.underway) clickhouse.arrive(insert);

        expect(clickhouse.value).to.equal(records.length);
      }),
      { numRuns: cases(3_000) },
    );
  });
});
