/**
 * The loader and a NATS that is put back to older copies of itself, or whose log is made anew, as a model: the real
 * steps against a log that gives its sequences out again, a ledger that is put back with it, and a ClickHouse that is
 * not; and a loader that is terminated, or reset to where a run of it began, as where Temporal is put back too. Whatever
 * the order, no record counts twice, what is in the log counts, and what was loaded before the log lost it has counted.
 */
import { expect } from 'chai';
import fc from 'fast-check';
import { loadBatch, type TableWriter } from '../../activities/load-batch.ts';
import { isLoadedBeyond, isOver, type KeptRange, resume } from '../../activities/load-ledger.ts';
import { planBatch, type PlannableLog } from '../../activities/plan-batch.ts';
import { beganAt, endOf, type LogPosition, type LogRange, streamOf } from '../../shared/ranges.ts';
import { type RangeSums, type Rollup, sumRollups } from '../../shared/rollup.ts';
import { aRollup, NOON_ISH } from '../support/builders.ts';
import {
  ClickHouseModel,
  type Fate,
  fates,
  idleWaiting,
  type Insert,
} from '../support/loader-model.ts';

interface Entry {
  readonly at: string;
  readonly rollup: Rollup;
  /** Which record it is, whatever its sequence. */
  readonly name: string;
}

const FRESH: LogPosition = { log: '', seq: 0 };

/** ROLLUPS and INGEST: what is put back together. */
class NatsModel {
  entries: readonly Entry[] = [];
  kept: KeptRange | undefined;
  stream = '1000';
  private clock = 2_000;
  private count = 0;
  private copy:
    { entries: readonly Entry[]; kept: KeptRange | undefined; stream: string } | undefined;

  append(): void {
    this.clock += 1;
    this.count += 1;
    const name = `/${this.count}`;
    const row = ['page_views', 'hour', NOON_ISH / 1_000, 'path', name, '1', 1] as const;
    const rollup = aRollup({ identity: `run-${name}`, rows: [row] });
    // Several within a millisecond, as JetStream has them.
    const at = String(BigInt(this.clock) * 300_000n);
    this.entries = [...this.entries, { at, rollup, name }];
  }

  takeCopy(): void {
    this.copy = { entries: this.entries, kept: this.kept, stream: this.stream };
  }

  putBack(): void {
    if (this.copy === undefined) return;
    ({ entries: this.entries, kept: this.kept, stream: this.stream } = this.copy);
    // Some time goes by until it runs again.
    this.clock += 10;
  }

  /** The stream is deleted, and made anew. */
  makeAnew(): void {
    this.clock += 10;
    this.stream = String(this.clock);
    this.entries = [];
  }

  get log(): PlannableLog & { sumRange(range: LogRange): Promise<RangeSums> } {
    const entryAt = (seq: number) => this.entries[seq - 1];
    const timeOf = (seq: number) => Promise.resolve(entryAt(seq)?.at);
    return {
      end: () => {
        const seq = this.entries.length;
        const at = entryAt(seq)?.at;
        const end = { log: this.stream, seq, lastSeq: seq, recordBytes: 2_000 };
        return Promise.resolve({ ...end, ...(at !== undefined && { at }) });
      },
      nextArrival: () => Promise.resolve(false),
      timeOf,
      firstAfter: (_partition, at) => {
        const index = this.entries.findIndex((entry) => BigInt(entry.at) > BigInt(at));
        const found = this.entries[index];
        return Promise.resolve(found && { seq: index + 1, at: found.at });
      },
      sumRange: async ({ from, to, at = '' }) => {
        const part = this.entries.slice(from - 1, to);
        if ((await timeOf(to)) === at) return sumRollups(part.map(({ rollup }) => rollup));
        const left = part.filter((entry) => BigInt(entry.at) <= BigInt(at));
        return { ...sumRollups(left.map(({ rollup }) => rollup)), isCut: true };
      },
    };
  }
}

/** As `migrations/001-metrics.sql` makes it: tokens are known, and for good which ranges are loaded. */
class Tables extends ClickHouseModel {
  readonly counts = new Map<string, number>();
  private readonly tokens = new Set<string>();
  private readonly places = new Map<string, LogPosition>();

  /** The newest place of a stream. */
  loadedTo(stream: string): LogPosition | undefined {
    const ofStream = [...this.places.values()].filter(({ log }) => streamOf(log) === stream);
    return ofStream.sort((a, b) => beganAt(b.log) - beganAt(a.log))[0];
  }

  override arrive({ table, rows, token }: Insert): void {
    const list = rows as {
      log: string;
      range_from: number;
      range_to: number;
      range_at: string;
      [k: string]: unknown;
    }[];
    const toOf = (log: string) => this.places.get(log)?.seq ?? 0;
    if (table === 'loaded_ranges') {
      for (const { log, range_to: seq, range_at: at } of list) {
        if (seq > toOf(log)) this.places.set(log, { log, seq, at });
      }
    }
    if (table !== 'metrics_inbox' || this.tokens.has(token)) return;
    this.tokens.add(token);
    for (const { log, range_from, dimension_value, count } of list) {
      if (range_from <= toOf(log)) continue;
      const name = String(dimension_value);
      this.counts.set(name, (this.counts.get(name) ?? 0) + Number(count));
    }
  }
}

/** The workflow, one step at a time: planned first, then tried until it is loaded. */
class LoaderModel {
  position = FRESH;
  private planned: LogRange | undefined;
  private began: { position: LogPosition; planned: LogRange | undefined } = {
    position: FRESH,
    planned: undefined,
  };
  private readonly nats: NatsModel;
  private readonly tables: Tables;

  constructor(nats: NatsModel, tables: Tables) {
    this.nats = nats;
    this.tables = tables;
  }

  /** @returns false where there is nothing to load */
  async plan(): Promise<boolean> {
    this.planned ??= await this.nextRange();
    return this.planned !== undefined;
  }

  private async nextRange(): Promise<LogRange | undefined> {
    const resumed = resume(this.position, this.nats.kept, this.nats.stream);
    if ('again' in resumed) return resumed.again;
    const range = await this.nextAfter(resumed.after);
    const loaded = range && this.tables.loadedTo(streamOf(range.log));
    return range && loaded && isLoadedBeyond(range, loaded) ? this.nextAfter(loaded) : range;
  }

  private async nextAfter(after: LogPosition): Promise<LogRange | undefined> {
    return (await planBatch(this.nats.log, idleWaiting(), { partition: 0, after })) ?? undefined;
  }

  /** @returns false where it did not work */
  async load(tables: TableWriter): Promise<boolean> {
    const range = this.planned;
    if (range === undefined) return true;
    if (!(await isOver(range, this.nats.kept, () => Promise.resolve(this.nats.stream)))) {
      this.nats.kept = { range, isLoaded: false };
      const worked = await loadBatch(this.nats.log, tables, range).then(
        () => true,
        () => false,
      );
      if (!worked) return false;
      this.nats.kept = { range, isLoaded: true };
    }
    this.position = endOf(range);
    this.planned = undefined;
    return true;
  }

  /** Terminated, and started again. */
  forget(): void {
    this.position = FRESH;
    this.planned = undefined;
  }

  /** A new run, which begins with the range that is planned by now, if any. */
  continueAsNew(): void {
    this.began = { position: this.position, planned: this.planned };
  }

  /** To where its run began. */
  reset(): void {
    ({ position: this.position, planned: this.planned } = this.began);
  }
}

const step = fc.oneof(
  fc.record({ do: fc.constant('append' as const), count: fc.integer({ min: 1, max: 4 }) }),
  fc.record({ do: fc.constantFrom('plan' as const, 'load' as const, 'load' as const) }),
  fc.record({ do: fc.constantFrom('copy' as const, 'put back' as const, 'forget' as const) }),
  fc.record({ do: fc.constantFrom('new run' as const, 'reset' as const, 'anew' as const) }),
  fc.record({ do: fc.constant('deliver' as const), which: fc.nat() }),
);

type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;
const append = (count: number): Step => ({ do: 'append', count });

/** What went wrong once, found by the fault suite and by this test. */
const FOUND: [Step[], Fate[]][] = [
  // A run that began with a range of a log that is gone, reset to there: the ledger said no more what of the new log is loaded.
  [
    [
      append(1),
      { do: 'plan' },
      { do: 'new run' },
      { do: 'load' },
      { do: 'anew' },
      append(1),
      { do: 'load' },
      { do: 'reset' },
      { do: 'load' },
      append(1),
    ],
    ['done'],
  ],
  // A log that had been deleted is back: its sequences had been loaded once.
  [
    [
      { do: 'copy' },
      append(1),
      { do: 'anew' },
      append(1),
      { do: 'anew' },
      { do: 'put back' },
      append(1),
    ],
    ['done'],
  ],
  // Planned of a log that was made anew, when the one before came back, with a ledger that knows of nothing yet.
  [
    [append(1), { do: 'copy' }, { do: 'anew' }, append(1), { do: 'plan' }, { do: 'put back' }],
    ['done'],
  ],
  // Log, ledger and loader were put back together, and the tables were not: what was new lay at sequences that they had.
  [
    [{ do: 'copy' }, append(2), { do: 'load' }, { do: 'put back' }, { do: 'forget' }, append(1)],
    ['done'],
  ],
];

describe('the loader of a log that is put back', () => {
  it('counts nothing twice, all that is there, and keeps what it has counted', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), fates(20), async (steps, fateList) => {
        const nats = new NatsModel();
        const clickhouse = new Tables();
        const loader = new LoaderModel(nats, clickhouse);
        let tries = 0;
        const tables = clickhouse.writer(() => fateList[tries++ % fateList.length] ?? 'done');
        const certain = clickhouse.writer(() => 'done');
        /** Some of a range is in the tables, and they do not know yet: where ledger and loader forget it too, it is loaded twice. */
        let isHalfLoaded = false;
        /** The loader knows of such a range, or there is none that the ledger has forgotten. */
        let isKnown = true;
        /** The loader has planned since it lost its memory: what the ledger forgets, it knows. */
        let remembers = true;

        for (const s of steps) {
          if (s.do === 'append') for (let n = 0; n < s.count; n += 1) nats.append();
          else if (s.do === 'plan') remembers = (await loader.plan()) || remembers;
          else if (s.do === 'load') {
            remembers = (await loader.plan()) || remembers;
            isHalfLoaded = !(await loader.load(tables));
            isKnown ||= !isHalfLoaded;
          } else if (s.do === 'copy') nats.takeCopy();
          else if (s.do === 'put back') {
            if (isHalfLoaded && !remembers) continue;
            nats.putBack();
            isKnown &&= !isHalfLoaded;
          } else if (s.do === 'deliver') clickhouse.deliver(s.which);
          else if (s.do === 'new run') loader.continueAsNew();
          else if (s.do === 'anew') {
            // What is not loaded is lost with the stream, as whoever deletes it knows.
            while (await loader.plan()) await loader.load(certain);
            nats.makeAnew();
            isKnown = remembers = true;
            isHalfLoaded = false;
          } else if (isKnown) {
            if (s.do === 'reset') loader.reset();
            else loader.forget();
            remembers = false;
          }
        }
        const before = new Map(clickhouse.counts);
        while (await loader.plan()) await loader.load(certain);
        for (const insert of clickhouse.underway) clickhouse.arrive(insert);

        for (const { name } of nats.entries) {
          expect(clickhouse.counts.get(name), `${name} is in the log`).to.equal(1);
        }
        for (const [name, count] of clickhouse.counts) expect(count, name).to.equal(1);
        for (const name of before.keys()) expect(clickhouse.counts.has(name)).to.equal(true);
      }),
      { numRuns: 3_000, examples: FOUND },
    );
  });
});
