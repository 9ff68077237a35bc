/** What is `sojourn import` beside Flink and beside plain ClickHouse, on the same file in the same run, and beside the live path? */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareRows, type Compared } from './beside/database.ts';
import { buildFlink, type Flink, FLINK_DATABASE, type FlinkTaken } from './beside/flink.ts';
import { publishLines } from './beside/live-lines.ts';
import { loadPlain, PLAIN_DATABASE, type PlainTaken } from './beside/plain.ts';
import {
  type EventFile,
  importFile,
  type Imported,
  TOGETHER,
  writeEventFile,
} from './import-file.ts';
import { cpuOf, type Measurement, passThrough, startUp } from './pass-through.ts';
import type { Result, Scenario } from './scenario.ts';
import { short, spreadOf } from './stats.ts';
import { cpuDetail, cpuMicros, type Taken } from './taken.ts';
import type { World } from './world.ts';

const LENGTHS = [5, 20];
const FLINK_TIMES = 2;
const LIVE_TIMES = 60;
/** Sessions that go the live way: the first that lie together in the file. */
const LIVE_SESSIONS = TOGETHER;
/** The file that tells whether all make the same rows has each third event twice. */
const REPEAT_EVERY = 3;
const CHECKED_EVENTS = 12_000;

export const importBeside: Scenario = {
  name: 'import-beside',
  question: 'What is an import beside Flink and plain ClickHouse, and beside the live path?',
  needsTime: true,
  async run(world, scale, say) {
    const events = scale.pick({ quick: 50_000, default: 1_000_000, long: 3_000_000 });
    const flink = buildFlink(world);
    if (typeof flink === 'string') say(`Flink is left out: ${flink}`);
    const sides: Sides = { world, say, ...(typeof flink !== 'string' && { flink }) };
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-beside-'));
    const results: Result[] = [];
    try {
      for (const perSession of LENGTHS) {
        const checked = await writeEventFile(
          ...([join(folder, 'checked.ndjson'), CHECKED_EVENTS, perSession, REPEAT_EVERY] as const),
        );
        await bulk(sides, checked);
        const file = await writeEventFile(join(folder, 'events.ndjson'), events, perSession);
        const rounds: Round[] = [];
        for (let round = 0; round < scale.rounds; round += 1) {
          const live = await liveOf(world, file);
          const figures = { ...(await bulk(sides, file)), live };
          say(
            `live path: ${short(perSecond(live, perSession))} events/s, ${short(liveMicros(live, perSession))} µs`,
          );
          rounds.push(figures);
        }
        results.push(...resultsOf(file, rounds));
      }
    } finally {
      if (typeof flink !== 'string') flink.remove();
      rmSync(folder, { recursive: true, force: true });
    }
    return results;
  },
};

interface Sides {
  readonly world: World;
  readonly say: (line: string) => void;
  /** Absent where it cannot be built here. */
  readonly flink?: Flink;
}

interface Bulk {
  readonly sojourn: Imported;
  readonly plain: PlainTaken;
  readonly flink?: FlinkTaken;
}

interface Round extends Bulk {
  readonly live: Measurement;
}

/** The same file by each, one after the other, and their rows compared. @throws Error where they differ */
async function bulk({ world, say, flink }: Sides, file: EventFile): Promise<Bulk> {
  const sojourn = await importOf(world, file);
  const { project } = sojourn;
  say(lineOf('sojourn import', sojourn, file));
  const plain = await loadPlain(world, file, project);
  const steps = Object.entries(plain.steps).map(([name, s]) => `${name} ${s.toFixed(1)} s`);
  say(`${lineOf('ClickHouse', plain, file)}: ${steps.join(', ')}`);
  expectSame('ClickHouse', await compareRows(world, project, PLAIN_DATABASE), say);
  if (flink === undefined) return { sojourn, plain };
  const flinkTaken = await flink.run(file, project);
  say(`${lineOf('Flink', flinkTaken, file)}, begins after ${flinkTaken.startSeconds.toFixed(1)} s`);
  expectSame('Flink', await compareRows(world, project, FLINK_DATABASE), say);
  return { sojourn, plain, flink: flinkTaken };
}

/** Its workflow runs in a worker, whose part is counted as well. */
async function importOf(world: World, file: EventFile): Promise<Imported> {
  const worker = await world.start(['worker'], 'session worker started');
  try {
    return await importFile(world, file, { ...world.pids, worker: worker.pid });
  } finally {
    await worker.stop();
  }
}

async function liveOf(world: World, { path, perSession }: EventFile): Promise<Measurement> {
  const up = await startUp(world);
  try {
    return await passThrough(
      ...([world, { up: up.pid }, LIVE_SESSIONS, perSession] as const),
      (_, project) => publishLines(world, project, path, LIVE_SESSIONS * perSession),
    );
  } finally {
    await up.stop();
  }
}

function expectSame(who: string, { metrics, sessions, differences }: Compared, say: Sides['say']) {
  if (differences !== 0 || metrics === 0)
    throw new Error(`${differences} rows of ${who} differ, of ${metrics} and ${sessions}`);
  say(`${who}: the same ${metrics} metric rows and ${sessions} sessions`);
}

function lineOf(name: string, taken: Taken, { events }: EventFile): string {
  const memory = Object.entries(taken.memory)
    .map(([process, mib]) => `${process} ${mib.toFixed(0)}`)
    .join(', ');
  return `${name}: ${(events / taken.seconds).toFixed(0)} events/s, ${cpuMicros(taken, events).toFixed(1)} µs CPU an event (${cpuDetail(taken, events)}), MiB: ${memory}`;
}

function perSecond({ sessionsPerSecond }: Measurement, perSession: number): number {
  return sessionsPerSecond * perSession;
}

function liveMicros(live: Measurement, perSession: number): number {
  return (cpuOf(live) * 1_000) / perSession;
}

function resultsOf({ events, perSession }: EventFile, rounds: readonly Round[]): Result[] {
  const line = (who: string, metric: string, unit: string, values: readonly number[]): Result => {
    const { median, min, max } = spreadOf(values);
    const variant = `K = ${perSession}: ${who}`;
    return { scenario: 'import-beside', variant, metric, unit, value: median, min, max };
  };
  const goal = (result: Result, least: number): Result => ({
    ...result,
    goal: `>= ${least}`,
    reached: result.value >= least,
  });
  const linesOf = (who: string, taken: readonly Taken[], ...programs: readonly string[]) => [
    line(
      who,
      'file to queryable rows',
      'events/s',
      taken.map(({ seconds }) => events / seconds),
    ),
    line(
      ...([who, 'CPU of all processes', 'µs an event'] as const),
      taken.map((one) => cpuMicros(one, events)),
    ),
    ...['clickhouse', ...programs].map((name) =>
      line(
        who,
        `memory of ${name}`,
        'MiB',
        taken.map(({ memory }) => memory[name] ?? NaN),
      ),
    ),
  ];
  const sojourn = rounds.map((round) => round.sojourn);
  const plain = rounds.map((round) => round.plain);
  const flink = rounds.flatMap((round) => round.flink ?? []);
  const live = rounds.map((round) => perSecond(round.live, perSession));
  const ratio = (other: readonly number[]) =>
    sojourn.map(({ seconds }, n) => events / seconds / (other[n] ?? NaN));
  const rate = (taken: readonly Taken[]) => taken.map(({ seconds }) => events / seconds);
  return [
    ...linesOf('sojourn import', sojourn, 'import'),
    ...linesOf('plain ClickHouse', plain),
    ...(flink.length === 0 ? [] : flinkLines()),
    line('live path', 'JetStream to queryable rows', 'events/s', live),
    line(
      ...(['live path', 'CPU of all processes', 'µs an event'] as const),
      rounds.map((round) => liveMicros(round.live, perSession)),
    ),
    line('import / plain ClickHouse', 'events/s', 'x', ratio(rate(plain))),
    ...(flink.length === 0
      ? []
      : [goal(line('import / Flink', 'events/s', 'x', ratio(rate(flink))), FLINK_TIMES)]),
    goal(line('import / live path', 'events/s', 'x', ratio(live)), LIVE_TIMES),
  ];

  function flinkLines(): Result[] {
    const running = flink.map(({ seconds, startSeconds }) => events / (seconds - startSeconds));
    return [
      ...linesOf('Flink', flink, 'flink'),
      line('Flink', 'the same, without the start of the JVM', 'events/s', running),
    ];
  }
}
