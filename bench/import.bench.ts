/** How fast does history get in from a file? One command, from the file to rows that can be queried. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processEnvironment } from '../platform/config.ts';
import { select } from '../platform/clickhouse.ts';
import { cpuBetween, cpuMs, memoryMiB, total } from './processes.ts';
import type { Result, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { benchEvent } from './traffic.ts';
import type { World } from './world.ts';

const COMMAND = fileURLToPath(new URL('../bin/sojourn.mjs', import.meta.url));
/** A week of traffic, which is past the late window. */
const BEGAN = Date.UTC(2025, 4, 5);
const WEEK_MS = 7 * 86_400_000;
const GOALS: Readonly<Record<number, number>> = { 5: 60_000, 20: 100_000 };
const CPU_US_MAX = 25;
const MEMORY_MIB_MAX = 1_024;
const LOOK_EVERY_MS = 100;

export const importing: Scenario = {
  name: 'import',
  question: 'How fast does history get in from a file, and what does it take?',
  async run(world, scale, say) {
    const events = scale.pick({ quick: 200_000, default: 1_000_000, long: 10_000_000 });
    const folder = mkdtempSync(join(tmpdir(), 'sojourn-bench-import-'));
    const worker = await world.start(['worker'], 'session worker started');
    const results: Result[] = [];
    try {
      for (const perSession of [5, 20]) {
        const file = join(folder, `${perSession}.ndjson`);
        await writeEvents(file, events, perSession);
        const rounds: Round[] = [];
        for (let round = 0; round < scale.rounds; round += 1) {
          const figures = await importOnce(world, file, events);
          rounds.push(figures);
          say(
            `K = ${perSession}: ${figures.perSecond.toFixed(0)} events/s, ${figures.cpuUs.toFixed(1)} µs CPU an event (${figures.detail}), ${figures.memory.toFixed(0)} MiB`,
          );
        }
        rmSync(file);
        results.push(...resultsOf(perSession, rounds));
      }
    } finally {
      await worker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
    return results;
  },
};

interface Round {
  readonly perSecond: number;
  readonly cpuUs: number;
  readonly memory: number;
  readonly detail: string;
}

async function writeEvents(file: string, events: number, perSession: number): Promise<void> {
  const out = createWriteStream(file, { highWaterMark: 1024 * 1024 });
  const sessions = Math.ceil(events / perSession);
  const everyMs = WEEK_MS / sessions;
  // Sessions of an hour lie scattered among each other, as they do in a log.
  const together = 1_000;
  for (let first = 0; first < sessions; first += together) {
    let text = '';
    for (let n = 0; n < perSession; n += 1) {
      for (let s = first; s < Math.min(sessions, first + together); s += 1) {
        const at = BEGAN + Math.floor(s * everyMs);
        text += `${JSON.stringify(benchEvent(s, n, perSession, at))}\n`;
      }
    }
    if (!out.write(text)) await once(out, 'drain');
  }
  out.end();
  await once(out, 'finish');
}

async function importOnce(world: World, file: string, events: number): Promise<Round> {
  const project = world.project();
  const { PATH = '', HOME = '' } = processEnvironment();
  const before = cpuMs(world.pids);
  const begin = performance.now();
  const dataDir = mkdtempSync(join(tmpdir(), 'sojourn-bench-import-'));
  const words = ['import', file, '--project', project, '--data-dir', dataDir, '--json'];
  const child = spawn(process.execPath, [COMMAND, ...words], {
    env: { PATH, HOME, ...world.environment },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const pids = { import: child.pid ?? 0 };
  let cpu = 0;
  let memory = 0;
  const ticker = setInterval(() => {
    cpu = Math.max(cpu, total(cpuMs(pids)));
    memory = Math.max(memory, total(memoryMiB(pids)));
  }, LOOK_EVERY_MS);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearInterval(ticker);
  const seconds = (performance.now() - begin) / 1_000;
  rmSync(dataDir, { recursive: true, force: true });
  if (code !== 0) throw new Error(`the import ended with ${code}`);
  await expectCounted(world, project, events);
  const servers = cpuBetween(before, cpuMs(world.pids));
  const micros = (ms: number) => (ms * 1_000) / events;
  const detail = Object.entries({ import: cpu, ...servers })
    .map(([name, ms]) => `${name} ${micros(ms).toFixed(1)}`)
    .join(', ');
  return {
    perSecond: events / seconds,
    cpuUs: micros(cpu + total(servers)),
    memory,
    detail,
  };
}

/** All of them are in the tables that people query. */
async function expectCounted(world: World, project: string, events: number): Promise<void> {
  const [row] = await select<{ counted: string }>(
    world.admin,
    'SELECT toString(sum(events)) AS counted FROM sojourn.sessions FINAL WHERE project = {project:String}',
    { project },
  );
  if (Number(row?.counted) < events)
    throw new Error(`${row?.counted} events of ${events} are there`);
}

function resultsOf(perSession: number, rounds: readonly Round[]): Result[] {
  const of = (
    metric: string,
    unit: string,
    values: readonly number[],
    goal?: [string, boolean],
  ) => {
    const { median, min, max } = spreadOf(values);
    const variant = `K = ${perSession}`;
    const line = { scenario: 'import', variant, metric, unit, value: median, min, max };
    return goal === undefined ? line : { ...line, goal: goal[0], reached: goal[1] };
  };
  const least = GOALS[perSession] ?? 0;
  const perSecond = rounds.map((round) => round.perSecond);
  const cpu = rounds.map((round) => round.cpuUs);
  const memory = rounds.map((round) => round.memory);
  const cpuGoal: [string, boolean] = [`<= ${CPU_US_MAX}`, spreadOf(cpu).median <= CPU_US_MAX];
  return [
    of('file to queryable rows', 'events/s', perSecond, [
      `>= ${least}`,
      spreadOf(perSecond).median >= least,
    ]),
    of('CPU of all processes', 'µs an event', cpu, perSession === 20 ? cpuGoal : undefined),
    of('memory of the command', 'MiB', memory, [
      `<= ${MEMORY_MIB_MAX}`,
      Math.max(...memory) <= MEMORY_MIB_MAX,
    ]),
  ];
}
