/**
 * How many sessions a second go all the way, from JetStream to rows in ClickHouse, compared with the
 * cheapest workflow of the same engine that receives the same batch and closes?
 */
import { type Measurement, measurement, passThrough, startUp } from './pass-through.ts';
import { cpuBetween, cpuMs, total } from './processes.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { percentile, spreadOf } from './stats.ts';
import { until } from './until.ts';
import type { World } from './world.ts';

const GOALS: Readonly<Record<number, number>> = { 1: 0.85, 5: 0.85, 20: 0.85, 100: 0.7 };

export const pipeline: Scenario = {
  name: 'pipeline',
  question: 'How close to the engine is the whole way of a session?',
  async run(world, scale, say) {
    const results: Result[] = [];
    const ours = await startUp(world);
    const pids = { node: ours.pid };
    try {
      await passThrough(world, pids, 300, 5);
      for (const events of scale.quick ? [1, 20] : [1, 5, 20, 100]) {
        const sessions = sessionsFor(scale, events);
        const floor: Measurement[] = [];
        const pipelines: Measurement[] = [];
        const signals: Measurement[] = [];
        for (let round = 0; round < scale.rounds; round += 1) {
          floor.push(await runFloor(world, sessions, events, 'start'));
          pipelines.push(await passThrough(world, pids, sessions, events));
          if (!scale.quick) signals.push(await runFloor(world, sessions, events, 'signal'));
          say(
            `K = ${events}, round ${round + 1}: ${line(floor)} floor, ${line(pipelines)} pipeline`,
          );
        }
        results.push(...summarise(events, floor, pipelines, signals));
      }
    } finally {
      await ours.stop();
    }
    return results;
  },
};

function line(measurements: readonly Measurement[]): string {
  const last = measurements.at(-1);
  return `${last?.sessionsPerSecond.toFixed(1) ?? '-'}/s`;
}

/** So many that a round takes some 20 s in full. */
function sessionsFor({ quick }: Scale, events: number): number {
  const full = events >= 100 ? 800 : 1_600;
  return quick ? full / 4 : full;
}

/** The yardstick: no part of Sojourn, the same engine. */
export async function runFloor(
  world: World,
  sessions: number,
  events: number,
  mode: 'start' | 'signal',
): Promise<Measurement> {
  const script = new URL('floor-process.ts', import.meta.url).pathname;
  const floor = await world.start([script, String(sessions), String(events), mode], 'begin');
  // What ran before `begin` is its start and warm-up; the servers' share of that is small but real.
  const begin = cpuMs({ ...world.pids, node: floor.pid });
  const ended = () => Promise.resolve(/end ([\d.]+)/.test(floor.log()));
  await until('the end of the floor', ended, { everyMs: 20 });
  const cpu = cpuBetween(begin, cpuMs({ ...world.pids, node: floor.pid }));
  const ms = Number(/end ([\d.]+)/.exec(floor.log())?.[1]);
  await floor.stop();
  return measurement(sessions, ms, cpu);
}

function summarise(
  events: number,
  floor: readonly Measurement[],
  pipelines: readonly Measurement[],
  signals: readonly Measurement[],
): Result[] {
  const variant = `K = ${events}`;
  const rate = (metric: string, list: readonly Measurement[]): Result => {
    const { median, min, max } = spreadOf(list.map((m) => m.sessionsPerSecond));
    return { scenario: 'pipeline', variant, metric, unit: 'sessions/s', value: median, min, max };
  };
  const cpu = (metric: string, list: readonly Measurement[]): Result => {
    const totals = list.map((m) => total(m.cpuMsPerSession)).sort((a, b) => a - b);
    const value = percentile(totals, 50);
    return { scenario: 'pipeline', variant, metric, unit: 'CPU ms/session', value };
  };
  const parts = pipelines.at(-1)?.cpuMsPerSession ?? {};
  // Neighbours in time are compared: the machine's moods hit both.
  const ratios = pipelines.map(
    (m, i) => m.sessionsPerSecond / (floor[i]?.sessionsPerSecond ?? Number.NaN),
  );
  const ratio = spreadOf(ratios);
  const goal = GOALS[events] ?? 0;
  return [
    rate('floor (eager start)', floor),
    ...(signals.length > 0 ? [rate('floor (signalWithStart)', signals)] : []),
    rate('pipeline', pipelines),
    cpu('floor', floor),
    cpu('pipeline', pipelines),
    ...Object.entries(parts).map(([name, value]): Result => ({
      scenario: 'pipeline',
      variant,
      metric: `pipeline: ${name}`,
      unit: 'CPU ms/session',
      value,
    })),
    {
      scenario: 'pipeline',
      variant,
      metric: 'pipeline / floor',
      unit: 'x',
      value: ratio.median,
      min: ratio.min,
      max: ratio.max,
      goal: `>= ${goal}`,
      reached: ratio.median >= goal,
    },
  ];
}
