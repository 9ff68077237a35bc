/** How fast does history get in from a file? One command, from the file to rows that can be queried. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importFile, writeEventFile } from './import-file.ts';
import type { Result, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { cpuDetail, cpuMicros, type Taken } from './taken.ts';

const GOALS: Readonly<Record<number, number>> = { 5: 60_000, 20: 100_000 };
const CPU_US_MAX = 25;
const MEMORY_MIB_MAX = 1_024;

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
        const file = await writeEventFile(join(folder, `${perSession}.ndjson`), events, perSession);
        const rounds: Taken[] = [];
        for (let round = 0; round < scale.rounds; round += 1) {
          const taken = await importFile(world, file);
          rounds.push(taken);
          say(
            `K = ${perSession}: ${(events / taken.seconds).toFixed(0)} events/s, ${cpuMicros(taken, events).toFixed(1)} µs CPU an event (${cpuDetail(taken, events)}), ${memoryOf(taken).toFixed(0)} MiB`,
          );
        }
        rmSync(file.path);
        results.push(...resultsOf(perSession, events, rounds));
      }
    } finally {
      await worker.stop();
      rmSync(folder, { recursive: true, force: true });
    }
    return results;
  },
};

/** Of the command; the servers' is theirs. */
function memoryOf({ memory }: Taken): number {
  return memory['import'] ?? NaN;
}

function resultsOf(perSession: number, events: number, rounds: readonly Taken[]): Result[] {
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
  const perSecond = rounds.map(({ seconds }) => events / seconds);
  const cpu = rounds.map((round) => cpuMicros(round, events));
  const memory = rounds.map(memoryOf);
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
