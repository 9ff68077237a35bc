/** What does it cost to be told all that a tracker knows, in place of the few fields that events had at first? */
import {
  cpuByProcess,
  cpuOf,
  type Measurement,
  passThrough,
  spreadResult,
  startUp,
} from './pass-through.ts';
import type { Result, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { fullBenchEvent, publishSessions } from './traffic.ts';

const EVENTS = 5;
const CPU_RATIO_MAX = 1.05;

const publishFull: typeof publishSessions = (world, project, sessions, events) =>
  publishSessions(world, project, sessions, events, fullBenchEvent);

export const fields: Scenario = {
  name: 'fields',
  question: 'What does a session cost whose events have all fields?',
  async run(world, scale, say) {
    const sessions = scale.pick({ quick: 60, default: 1_000, long: 4_000 });
    const up = await startUp(world);
    const pids = { node: up.pid };
    const few: Measurement[] = [];
    const all: Measurement[] = [];
    try {
      await passThrough(world, pids, sessions, EVENTS, publishFull);
      // In turns, and each as often first as second: the machine's moods hit both.
      for (let round = 0; round < 2 * scale.rounds; round += 1) {
        const isFullFirst = round % 2 === 0;
        if (isFullFirst) all.push(await passThrough(world, pids, sessions, EVENTS, publishFull));
        few.push(await passThrough(world, pids, sessions, EVENTS));
        if (!isFullFirst) all.push(await passThrough(world, pids, sessions, EVENTS, publishFull));
        say(`round ${round + 1}: ${cpu(few)} ms with few fields, ${cpu(all)} ms with all`);
      }
    } finally {
      await up.stop();
    }
    return resultsOf(few, all);
  },
};

function cpu(measurements: readonly Measurement[]): string {
  const last = measurements.at(-1);
  return last === undefined ? '-' : cpuOf(last).toFixed(1);
}

function resultsOf(few: readonly Measurement[], all: readonly Measurement[]): Result[] {
  const where = { scenario: 'fields', variant: `K = ${EVENTS}` };
  const ratio = spreadOf(all.map((m, i) => cpuOf(m) / cpuOf(few[i] ?? m)));
  const perSession = (metric: string, list: readonly Measurement[]) =>
    spreadResult({ ...where, metric, unit: 'CPU ms/session' }, list.map(cpuOf));
  return [
    perSession('few fields', few),
    perSession('all fields', all),
    ...cpuByProcess({ ...where, variant: `K = ${EVENTS}, few fields` }, few),
    ...cpuByProcess({ ...where, variant: `K = ${EVENTS}, all fields` }, all),
    {
      ...where,
      metric: 'all fields / few fields',
      unit: 'x CPU',
      value: ratio.median,
      min: ratio.min,
      max: ratio.max,
      goal: `<= ${CPU_RATIO_MAX}`,
      reached: ratio.median <= CPU_RATIO_MAX,
    },
  ];
}
