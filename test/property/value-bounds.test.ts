/**
 * The bound on values, as a model: the real `loadBatch` and the real bound against a ClickHouse that remembers few
 * tokens, loses replies, gets inserts that the network held back, and forgets rows that come to nothing; loaded by
 * processes that take turns, die, and come back, under limits that change. Whatever befalls them, sums are those
 * without a bound, each value has what sessions have filed under it, and there are no more values than allowed.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import {
  type BoundValues,
  createBoundValues,
  type FullValues,
  type ValueStore,
} from '../../activities/bound-values.ts';
import { loadBatch } from '../../activities/load-batch.ts';
import type { WriterTable } from '../../platform/writer-rights.ts';
import { boundedDimensionOf } from '../../shared/catalogue.ts';
import { type LogRange, rangeToken } from '../../shared/ranges.ts';
import { KNOWN_VALUES_BYTES_MAX } from '../../shared/limits.ts';
import { type RangeSums, type Rollup, sumRollups } from '../../shared/rollup.ts';
import { type DayValues, dayValuesText, OTHER_VALUE } from '../../shared/value-bounds.ts';
import { aRollup } from '../support/builders.ts';
import { cases } from '../support/depth.ts';
import { ClickHouseModel, fates, type Insert } from '../support/loader-model.ts';

const DAY_MS = 86_400_000;
const DAY = Date.UTC(2024, 2, 5);

interface InboxRow {
  readonly range_from: number;
  readonly metric_type: string;
  readonly granularity: string;
  readonly project: string;
  readonly bucket: number;
  readonly dimension: string;
  readonly dimension_value: string;
  readonly value: string;
  readonly count: number;
}

interface FullRow {
  readonly range_from: number;
  readonly full: FullValues;
}

/** Tables and views as 001 and 015 make them. */
class Tables extends ClickHouseModel {
  /** Sums by the row's place. */
  readonly metrics = new Map<string, { row: InboxRow; value: number; count: number }>();
  readonly full = new Map<string, ReadonlySet<string>>();
  private readonly tokens = new Map<string, string[]>();
  private loadedTo = 0;

  override arrive({ table, rows, token }: Insert): void {
    const seen = this.tokens.get(table) ?? [];
    if (seen.includes(token)) return;
    this.tokens.set(table, [...seen, token].slice(-3));
    if (table === 'loaded_ranges') {
      for (const { range_to } of rows as { range_to: number }[]) {
        this.loadedTo = Math.max(this.loadedTo, range_to);
      }
    }
    if (table === 'metrics_inbox') for (const row of rows as InboxRow[]) this.add(row);
    if (table === 'full_dimensions_inbox') {
      for (const { range_from, full } of rows as FullRow[]) {
        if (range_from > this.loadedTo) {
          this.full.set(dayValuesText(full.set), new Set(full.values));
        }
      }
    }
  }

  private add(row: InboxRow): void {
    if (row.range_from <= this.loadedTo) return;
    const { metric_type, granularity, bucket, dimension, dimension_value } = row;
    const key = [metric_type, granularity, bucket, dimension, dimension_value].join('|');
    const sum = this.metrics.get(key) ?? { row, value: 0, count: 0 };
    sum.value += Number(row.value);
    sum.count += row.count;
    this.metrics.set(key, sum);
  }

  /** What a merge does. */
  merge(): void {
    for (const [key, { value, count }] of this.metrics) {
      if (value === 0 && count === 0) this.metrics.delete(key);
    }
  }

  store(insert: (full: Insert) => Promise<void>): ValueStore {
    return {
      read: (sets) => Promise.resolve(sets.map((set) => this.known(set))),
      // So large that each is read by itself.
      sizes: (sets) => Promise.resolve(sets.map(() => KNOWN_VALUES_BYTES_MAX)),
      note: (range, full) => {
        expect(full.values.length, 'room that is left').to.be.at.least(full.valuesMax);
        return insert({
          table: 'full_dimensions_inbox',
          rows: [{ range_from: range.from, full }],
          token: `${rangeToken(range)} ${dayValuesText(full.set)}`,
        });
      },
    };
  }

  private known(set: DayValues) {
    const kept = this.full.get(dayValuesText(set));
    if (kept !== undefined) return { values: kept, isFull: true };
    return { values: new Set(this.valuesOf(set)), isFull: false };
  }

  valuesOf({ day, dimension }: DayValues): string[] {
    return [...this.metrics.values()]
      .filter(({ row }) => {
        const of = boundedDimensionOf(row.metric_type, row.granularity, row.dimension);
        return of === dimension && Math.floor((row.bucket * 1_000) / DAY_MS) === day;
      })
      .map(({ row }) => row.dimension_value)
      .filter((value) => value !== OTHER_VALUE);
  }
}

/** A session says where it is: what it said before is taken back. */
const change = fc.record({
  session: fc.integer({ min: 0, max: 11 }),
  day: fc.integer({ min: 0, max: 1 }),
  value: fc.integer({ min: 0, max: 9 }).map((n) => `v${n}`),
  dimension: fc.constantFrom('campaign', 'plan', 'country'),
  isBot: fc.boolean(),
});
type Change = Readonly<{
  session: number;
  day: number;
  value: string;
  dimension: string;
  isBot: boolean;
}>;

const who = fc.integer({ min: 0, max: 2 });
const step = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant('append' as const),
      changes: fc.array(change, { minLength: 1, maxLength: 12 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('load' as const), by: who, merges: fc.boolean() }),
  },
  fc.record({ do: fc.constant('deliver' as const), which: fc.nat() }),
  fc.record({ do: fc.constant('merge' as const) }),
  // A process that was thought dead comes back with a range of its own time.
  fc.record({ do: fc.constant('zombie' as const), which: fc.nat(), by: who }),
  fc.record({ do: fc.constant('restart' as const), by: who }),
  fc.record({ do: fc.constant('limit' as const), valuesMax: fc.integer({ min: 1, max: 6 }) }),
);

/** What sessions write, one record a change. */
function createSessions() {
  const said = new Map<string, Change>();
  let writeNo = 0;
  return (now: Change): Rollup => {
    writeNo += 1;
    const before = said.get(`${now.session} ${now.dimension}`);
    said.set(`${now.session} ${now.dimension}`, now);
    const rows = [...(before === undefined ? [] : rowsOf(before, -1)), ...rowsOf(now, 1)];
    return aRollup({ identity: `run-${now.session}`, writeNo, rows });
  };
}

function rowsOf({ day, value, dimension, isBot }: Change, sign: number): Rollup['rows'] {
  const bucket = (DAY + day * DAY_MS) / 1_000;
  const row = (place: string) =>
    ['sessions', 'day', bucket, place, value, String(sign), sign] as const;
  return isBot ? [row(dimension), row(`bot:${dimension}`)] : [row(dimension)];
}

describe('the bound on values of a dimension', () => {
  it('keeps sums, and what was filed where, whatever befalls who loads', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(step, { minLength: 5, maxLength: 40 }),
        fates(40),
        async (steps, fateList) => {
          const clickhouse = new Tables();
          const records: Rollup[] = [];
          const write = createSessions();
          let tries = 0;
          const fateOf = () => fateList[tries++ % fateList.length] ?? 'done';
          const shaky = clickhouse.writer(fateOf);
          const certain = clickhouse.writer(() => 'done');
          let isShaky = true;
          const writer = () => (isShaky ? shaky : certain);
          const store = clickhouse.store(({ table, rows, token }) =>
            writer().insert(table, rows, token),
          );
          let valuesMax = 3;
          let limitMax = valuesMax;
          let fulls = 0;
          const newProcess = () =>
            createBoundValues(store, () => {
              fulls += 1;
            });
          const processes: BoundValues[] = [newProcess(), newProcess(), newProcess()];
          const ranges: LogRange[] = [];
          let loadedTo = 0;

          const sumsOf = ({ from, to }: LogRange) => sumRollups(records.slice(from - 1, to));
          const attempt = (range: LogRange, by: number) => {
            const bound = processes[by % processes.length];
            const filed: RangeSums[] = [];
            const log = {
              sumRange: async () => {
                const sums = (await bound?.(range, sumsOf(range))) ?? sumsOf(range);
                filed.push(sums);
                return sums;
              },
            };
            const tables = {
              insert: (table: WriterTable, rows: readonly object[], token: string) =>
                writer().insert(table, rows, token),
            };
            return loadBatch(log, tables, range).then(
              () => ({ worked: true, filed }),
              () => ({ worked: false, filed }),
            );
          };
          const loadNext = async (by: number, merges: boolean) => {
            if (loadedTo === records.length) return;
            const [from, to] = [loadedTo + 1, records.length];
            const range = { partition: 0, log: 'life', from, to, valuesMax };
            ranges.push(range);
            const all: RangeSums[] = [];
            for (let attempts = 0; ; attempts += 1) {
              isShaky = attempts < 6;
              const { worked, filed } = await attempt(range, by + attempts);
              all.push(...filed);
              if (worked) break;
              if (merges) clickhouse.merge();
            }
            isShaky = true;
            // One token, one block: each attempt files as the first that got so far.
            for (const { metrics } of all) {
              expect(rowsOfAll(metrics)).to.deep.equal(rowsOfAll(all[0]?.metrics ?? new Map()));
            }
            loadedTo = to;
          };

          for (const s of steps) {
            if (s.do === 'append') records.push(...s.changes.map(write));
            else if (s.do === 'load') await loadNext(s.by, s.merges);
            else if (s.do === 'deliver') clickhouse.deliver(s.which);
            else if (s.do === 'merge') clickhouse.merge();
            else if (s.do === 'zombie') {
              const range = ranges[s.which % Math.max(1, ranges.length)];
              if (range !== undefined) await attempt(range, s.by);
            } else if (s.do === 'restart') processes[s.by] = newProcess();
            else {
              valuesMax = s.valuesMax;
              limitMax = Math.max(limitMax, valuesMax);
            }
          }
          await loadNext(0, false);
          for (const insert of clickhouse.underway) clickhouse.arrive(insert);
          clickhouse.merge();

          checkSums(clickhouse, records);
          checkValues(clickhouse, limitMax);
          expect(fulls).to.be.at.most(clickhouse.full.size);
        },
      ),
      { numRuns: cases(2_000) },
    );
  });
});

function rowsOfAll(metrics: RangeSums['metrics']): unknown {
  return Array.from(metrics, ([project, rows]) => [project, [...rows]]);
}

function checkSums(clickhouse: Tables, records: readonly Rollup[]): void {
  const sums = new Map<string, number>();
  const add = (key: string, count: number) => sums.set(key, (sums.get(key) ?? 0) + count);
  for (const [, rows] of sumRollups(records).metrics) {
    for (const [text, { count }] of rows) {
      const [metric = '', granularity = '', bucket = '', dimension = '', value = ''] =
        text.split('|');
      const isKept = keptOf(clickhouse, metric, granularity, Number(bucket), dimension)?.has(value);
      const filed = isKept === false ? OTHER_VALUE : value;
      add([metric, granularity, Number(bucket) / 1_000, dimension, filed].join('|'), count);
    }
  }
  // By value: what a full set does not keep is all in (other), and nothing else is.
  const found = new Map(Array.from(clickhouse.metrics, ([key, { count }]) => [key, count]));
  expect(new Map([...found].filter(([, count]) => count !== 0))).to.deep.equal(
    new Map([...sums].filter(([, count]) => count !== 0)),
  );
}

function keptOf(
  { full }: Tables,
  metric: string,
  granularity: string,
  bucket: number,
  row: string,
): ReadonlySet<string> | undefined {
  const dimension = boundedDimensionOf(metric, granularity, row);
  if (dimension === undefined) return undefined;
  return full.get(dayValuesText({ project: 'shop', day: Math.floor(bucket / DAY_MS), dimension }));
}

function checkValues(clickhouse: Tables, valuesMax: number): void {
  for (const day of [0, 1]) {
    for (const dimension of ['campaign', 'plan']) {
      const set = { project: 'shop', day: DAY / DAY_MS + day, dimension };
      expect(new Set(clickhouse.valuesOf(set)).size).to.be.at.most(valuesMax);
    }
  }
}
