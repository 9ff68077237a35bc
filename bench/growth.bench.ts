/**
 * Does a session cost more when many have been before it? The same measurement again and again while
 * the same data directory fills, beside the cheapest workflow of the same engine: where that one gets
 * dearer too, it is the engine.
 */
import {
  cpuByProcess,
  cpuOf,
  type Measurement,
  passThrough,
  spreadResult,
  startUp,
} from './pass-through.ts';
import { type Floor, startFloor } from './floor.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import type { World } from './world.ts';

const EVENTS = 5;
/** Sessions before each measurement. */
const SIZES = { quick: [100, 300], default: [300, 3_000], long: [1_000, 10_000, 50_000] };
/** How much dearer the last measurement may be than the first. */
const GROWTH_MAX = 1.2;
/** Sessions of one event fill the directory: for the server they are as large as others, nearly. */
const FILL_AT_ONCE = 2_000;

export const growth: Scenario = {
  name: 'growth',
  question: 'Does a session cost more after many others?',
  async run(world, scale, say) {
    const sizes = scale.pick(SIZES);
    const up = await startUp(world);
    const yardstick = await startFloor(world);
    const results: Result[] = [];
    const ours: number[] = [];
    const floors: number[] = [];
    let done = 0;
    try {
      for (const size of sizes) {
        while (done < size) {
          const sessions = Math.min(FILL_AT_ONCE, size - done);
          await passThrough(world, { node: up.pid }, sessions, 1);
          done += sessions;
        }
        const stage = await measure(world, up.pid, yardstick, scale);
        // The floor's workflows and its warm-up fill the directory as well, but are no sessions.
        done += stage.sessions;
        results.push(...stageResults(size, stage));
        ours.push(spreadOf(stage.pipeline.map(cpuOf)).median);
        floors.push(spreadOf(stage.floor.map(cpuOf)).median);
        say(`after ${size}: ${ours.at(-1)?.toFixed(1) ?? '-'} CPU ms a session`);
      }
    } finally {
      await yardstick.stop();
      await up.stop();
    }
    const variant = `${sizes.at(-1) ?? 0} / ${sizes[0] ?? 0} sessions`;
    return [...results, grown(variant, 'pipeline', ours, true), grown(variant, 'floor', floors)];
  },
};

interface Stage {
  readonly pipeline: readonly Measurement[];
  readonly floor: readonly Measurement[];
  readonly sessions: number;
}

async function measure(world: World, pid: number, yardstick: Floor, scale: Scale): Promise<Stage> {
  const sessions = scale.pick({ quick: 50, default: 200, long: 400 });
  const pipeline: Measurement[] = [];
  const floor: Measurement[] = [];
  for (let round = 0; round < scale.rounds; round += 1) {
    floor.push(await yardstick.round(sessions, EVENTS, 'start'));
    pipeline.push(await passThrough(world, { node: pid }, sessions, EVENTS));
  }
  return { pipeline, floor, sessions: sessions * scale.rounds };
}

function stageResults(size: number, { pipeline, floor }: Stage): Result[] {
  const where = { scenario: 'growth', variant: `after ${size} sessions` };
  const unit = 'CPU ms/session';
  return [
    spreadResult({ ...where, metric: 'pipeline', unit }, pipeline.map(cpuOf)),
    spreadResult({ ...where, metric: 'floor', unit }, floor.map(cpuOf)),
    ...cpuByProcess(where, pipeline),
  ];
}

function grown(variant: string, metric: string, costs: readonly number[], isGoal = false): Result {
  const value = (costs.at(-1) ?? NaN) / (costs[0] ?? NaN);
  return {
    scenario: 'growth',
    variant,
    metric: `cost of a session, ${metric}`,
    unit: 'x',
    value,
    ...(isGoal && { goal: `<= ${GROWTH_MAX}`, reached: value <= GROWTH_MAX }),
  };
}
