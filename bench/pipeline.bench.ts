/**
 * How many sessions a second go all the way, from JetStream to rows in ClickHouse, compared with the
 * cheapest workflow of the same engine that receives the same batch and closes?
 */
import {
  cpuByProcess,
  cpuOf,
  type Measurement,
  passThrough,
  spreadResult,
  startUp,
} from './pass-through.ts';
import { type FloorMode, startFloor } from './floor.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';

/** Events a session. */
const EVENTS = { quick: [1, 20], default: [1, 5, 20, 100], long: [1, 5, 20, 100] };
/** The other yardsticks differ by the same for each K, so once is enough. */
const OTHERS: Readonly<Record<number, Other>> = {
  1: { mode: 'host', metric: 'floor (eager start) in a worker made as ours is' },
  5: { mode: 'label', metric: 'floor (eager start) with the search attributes of a session' },
  20: { mode: 'signal', metric: 'floor (signalWithStart)' },
};
const GOALS: Readonly<Record<number, number>> = { 1: 0.85, 5: 0.85, 20: 0.85, 100: 0.7 };

interface Other {
  readonly mode: FloorMode;
  readonly metric: string;
}

export const pipeline: Scenario = {
  name: 'pipeline',
  question: 'How close to the engine is the whole way of a session?',
  async run(world, scale, say) {
    const results: Result[] = [];
    const ours = await startUp(world);
    const yardstick = await startFloor(world);
    const pids = { node: ours.pid };
    try {
      const warmUp = scale.pick({ quick: 50, default: 1_000, long: 2_000 });
      await yardstick.round(warmUp, 5, 'start');
      await passThrough(world, pids, warmUp, 5);
      for (const events of scale.pick(EVENTS)) {
        const sessions = sessionsFor(scale, events);
        const floor: Measurement[] = [];
        const pipelines: Measurement[] = [];
        const other = OTHERS[events];
        const others: Measurement[] = [];
        for (let round = 0; round < scale.rounds; round += 1) {
          floor.push(await yardstick.round(sessions, events, 'start'));
          pipelines.push(await passThrough(world, pids, sessions, events));
          if (other !== undefined) others.push(await yardstick.round(sessions, events, other.mode));
          say(
            `K = ${events}, round ${round + 1}: ${line(floor)} floor, ${line(pipelines)} pipeline`,
          );
        }
        results.push(...summarise(events, floor, pipelines, others));
      }
    } finally {
      await yardstick.stop();
      await ours.stop();
    }
    return results;
  },
};

function line(measurements: readonly Measurement[]): string {
  const last = measurements.at(-1);
  return `${last?.sessionsPerSecond.toFixed(1) ?? '-'}/s`;
}

/**
 * So many that a round takes some 20 s in a long run, and some seconds otherwise: the last rows come up to a
 * second after the last session, which counts for more the shorter a round is.
 */
function sessionsFor(scale: Scale, events: number): number {
  if (events >= 100) return scale.pick({ quick: 30, default: 400, long: 2_400 });
  return scale.pick({ quick: 60, default: 500, long: 3_600 });
}

function summarise(
  events: number,
  floor: readonly Measurement[],
  pipelines: readonly Measurement[],
  others: readonly Measurement[],
): Result[] {
  const variant = `K = ${events}`;
  const where = { scenario: 'pipeline', variant };
  const rate = (metric: string, list: readonly Measurement[]) =>
    spreadResult(
      { ...where, metric, unit: 'sessions/s' },
      list.map((m) => m.sessionsPerSecond),
    );
  const cpu = (metric: string, list: readonly Measurement[]) =>
    spreadResult({ ...where, metric, unit: 'CPU ms/session' }, list.map(cpuOf));
  // Neighbours in time are compared: the machine's moods hit both.
  const ratios = pipelines.map(
    (m, i) => m.sessionsPerSecond / (floor[i]?.sessionsPerSecond ?? Number.NaN),
  );
  const ratio = spreadOf(ratios);
  const goal = GOALS[events] ?? 0;
  return [
    rate('floor (eager start)', floor),
    ...(others.length > 0 ? [rate(OTHERS[events]?.metric ?? '', others)] : []),
    rate('pipeline', pipelines),
    cpu('floor', floor),
    cpu('pipeline', pipelines),
    ...cpuByProcess(where, pipelines),
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
