/**
 * How fast does one partition of the rollup log get into ClickHouse? Records wait in ROLLUPS while
 * nobody loads; then a worker comes. Where the time goes is measured with the same functions, step by
 * step, on the same records.
 */
import { announceBatch, type Announcer } from '../activities/announce-batch.ts';
import { loadBatch, type ReadableLog, type TableWriter } from '../activities/load-batch.ts';
import { connectClickHouse, select } from '../platform/clickhouse.ts';
import { createTableWriter } from '../platform/table-writer.ts';
import { createRollupLog } from '../platform/nats.ts';
import { loaderWorkflowId } from '../shared/ids.ts';
import { RANGE_ROLLUPS_MAX } from '../shared/limits.ts';
import type { LogRange } from '../shared/ranges.ts';
import { entryOf } from '../shared/rollup.ts';
import { progressQuery } from '../workflows/messages.ts';
import { rollupOf } from './records.ts';
import type { Result, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { until } from './until.ts';
import type { World } from './world.ts';

/** Events of the sessions that handed the records over. */
const EVENTS = 5;
const PER_SECOND_MIN = 20_000;
const PARTITION = 0;
const PUBLISHED_AT_ONCE = 200;
/** Publishing is no part of what is measured: it may take its time. */
const PUBLISH_TIMEOUT_MS = 60_000;

export const loader: Scenario = {
  name: 'loader',
  question: 'How many differences a second does one partition load and announce?',
  async run(world, scale, say) {
    const perRound = scale.pick({ quick: 5_000, default: 100_000, long: 200_000 });
    const rates: number[] = [];
    for (let round = 0; round < scale.rounds; round += 1) {
      const last = await publishRecords(world, world.project(), perRound);
      const rate = await loadAll(world, last, perRound);
      rates.push(rate);
      say(`round ${round + 1}: ${rate.toFixed(0)} records/s`);
    }
    const { median, min, max } = spreadOf(rates);
    const steps = await profile(world, perRound, scale.rounds);
    return [
      {
        scenario: 'loader',
        variant: `${perRound} records waiting`,
        metric: 'loaded and announced',
        unit: 'records/s',
        value: median,
        min,
        max,
        goal: `>= ${PER_SECOND_MIN}`,
        reached: median >= PER_SECOND_MIN,
      },
      ...steps,
    ];
  },
};

/** @returns stream sequence of the last one */
async function publishRecords(world: World, project: string, count: number): Promise<number> {
  const at = Date.now() - 3_600_000;
  for (let first = 0; first < count; first += PUBLISHED_AT_ONCE) {
    const some = Array.from({ length: Math.min(PUBLISHED_AT_ONCE, count - first) }, (_, i) => {
      // An hour of traffic, so that there is more than one bucket.
      const rollup = rollupOf(project, first + i, EVENTS, at + (first + i) * 10);
      const { subject, data } = entryOf(rollup);
      return world.nats.js.publish(subject, data, { timeout: PUBLISH_TIMEOUT_MS });
    });
    await Promise.all(some);
  }
  return (await createRollupLog(world.nats).end(PARTITION)).seq;
}

/** From the moment that the worker polls until the loader is through with the last record. */
async function loadAll(world: World, last: number, count: number): Promise<number> {
  const worker = await world.start(['worker'], 'session worker started');
  try {
    const start = process.hrtime.bigint();
    // The row comes when the range is loaded; asked for often, as it costs nothing.
    const loaded = async () => {
      const [row] = await select<{ upTo: string | number }>(
        world.admin,
        'SELECT max(range_to) AS upTo FROM sojourn.loaded_ranges',
      );
      return Number(row?.upTo ?? 0) >= last;
    };
    await until('the last range', loaded, { everyMs: 20 });
    const handle = world.temporal.workflow.getHandle(loaderWorkflowId(PARTITION));
    const announced = async () => (await handle.query(progressQuery)).position.seq >= last;
    await until('the last announcement', announced, { everyMs: 20 });
    return count / (Number(process.hrtime.bigint() - start) / 1e9);
  } finally {
    await worker.stop();
  }
}

type Step = 'read' | 'insert' | 'load' | 'announce';

/**
 * One range again and again, under a life of the log that does not exist, so that no token is in the
 * way: what `loadBatch` and `announceBatch` take as a whole, and their parts.
 */
async function profile(world: World, count: number, rounds: number): Promise<Result[]> {
  const log = createRollupLog(world.nats);
  const client = connectClickHouse(world.config, 'writer');
  const tables = createTableWriter(client);
  const end = await log.end(PARTITION);
  const records = Math.min(RANGE_ROLLUPS_MAX, count);
  const took: Record<Step, number[]> = { read: [], insert: [], load: [], announce: [] };
  const timed = async <T>(step: Step, work: () => Promise<T>): Promise<T> => {
    const start = process.hrtime.bigint();
    const result = await work();
    took[step].push(Number(process.hrtime.bigint() - start) / 1e6);
    return result;
  };
  const timedLog: ReadableLog = { sumRange: (range) => timed('read', () => log.sumRange(range)) };
  const timedTables: TableWriter = {
    insert: (table, rows, token) => timed('insert', () => tables.insert(table, rows, token)),
  };
  const silent: Announcer = { announce: () => Promise.resolve() };
  try {
    for (let round = 0; round < rounds; round += 1) {
      const range: LogRange = {
        partition: PARTITION,
        log: `profile-${round}`,
        from: end.seq - records + 1,
        to: end.seq,
      };
      await timed('load', () => loadBatch(timedLog, timedTables, range));
      await timed('announce', () =>
        announceBatch(log, silent, range, { now: Date.now(), isPatient: true }),
      );
    }
  } finally {
    await client.close();
  }
  const where = { scenario: 'loader', variant: `one range of ${records} records`, unit: 'ms' };
  return (Object.keys(took) as Step[]).map((step) => {
    // Three inserts a range: metrics, sessions, and the note that it is done.
    const perRound = step === 'insert' ? inThrees(took.insert) : took[step];
    const { median, min, max } = spreadOf(perRound);
    return { ...where, metric: METRICS[step], value: median, min, max };
  });
}

const METRICS: Readonly<Record<Step, string>> = {
  read: 'read, decode and sum',
  insert: 'inserts into three tables, added up',
  load: 'loadBatch as a whole',
  announce: 'announceBatch as a whole, without publishing',
};

function inThrees(figures: readonly number[]): number[] {
  return Array.from({ length: figures.length / 3 }, (_, i) =>
    figures.slice(i * 3, i * 3 + 3).reduce((sum, ms) => sum + ms, 0),
  );
}
