/**
 * Does a second worker process help, and what does it cost to run ingest and workers apart? Ingest
 * and worker in one process (as `up` has them) against ingest with one and with two workers, all on
 * the same servers, round by round.
 */
import {
  cpuByProcess,
  cpuOf,
  type Measurement,
  passThrough,
  spreadResult,
  startUp,
} from './pass-through.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import type { Started, World } from './world.ts';

const EVENTS = 5;

const VARIANTS = ['up', 'ingest and 1 worker', 'ingest and 2 workers'] as const;
type Variant = (typeof VARIANTS)[number];

export const workers: Scenario = {
  name: 'workers',
  question: 'What should an installation run: one process, or several?',
  async run(world, scale, say) {
    const measured = new Map<Variant, Measurement[]>(VARIANTS.map((variant) => [variant, []]));
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const variant of VARIANTS) {
        const found = await measure(world, variant, scale);
        measured.get(variant)?.push(found);
        say(`${variant}, round ${round + 1}: ${found.sessionsPerSecond.toFixed(1)} sessions/s`);
      }
    }
    const results = [...measured].flatMap(([variant, rounds]) => summarise(variant, rounds));
    return [...results, ...ratios(measured)];
  },
};

async function measure(world: World, variant: Variant, scale: Scale): Promise<Measurement> {
  const processes: Record<string, Started> = {};
  try {
    if (variant === 'up') {
      processes['up'] = await startUp(world);
    } else {
      processes['ingest'] = await world.start(['ingest'], 'ingest started');
      const count = variant === 'ingest and 1 worker' ? 1 : 2;
      for (let n = 1; n <= count; n += 1) {
        processes[`worker ${n}`] = await world.start(['worker'], 'session worker started');
      }
    }
    const pids = Object.fromEntries(Object.entries(processes).map(([k, { pid }]) => [k, pid]));
    // Code is compiled, caches are filled.
    await passThrough(world, pids, scale.pick({ quick: 30, default: 100, long: 300 }), EVENTS);
    return await passThrough(
      world,
      pids,
      scale.pick({ quick: 60, default: 300, long: 800 }),
      EVENTS,
    );
  } finally {
    await Promise.all(Object.values(processes).map((started) => started.stop()));
  }
}

function summarise(variant: Variant, rounds: readonly Measurement[]): Result[] {
  const where = { scenario: 'workers', variant };
  return [
    spreadResult(
      { ...where, metric: `K = ${EVENTS}`, unit: 'sessions/s' },
      rounds.map((m) => m.sessionsPerSecond),
    ),
    spreadResult({ ...where, metric: 'CPU of all', unit: 'CPU ms/session' }, rounds.map(cpuOf)),
    ...cpuByProcess(where, rounds),
  ];
}

/** Round by round, as neighbours in time. */
function ratios(measured: ReadonlyMap<Variant, readonly Measurement[]>): Result[] {
  const one = measured.get('ingest and 1 worker') ?? [];
  return (['up', 'ingest and 2 workers'] as const).map((variant) => {
    const { median, min, max } = spreadOf(
      (measured.get(variant) ?? []).map(
        (m, i) => m.sessionsPerSecond / (one[i]?.sessionsPerSecond ?? NaN),
      ),
    );
    const metric = `${variant} / ingest and 1 worker`;
    return {
      scenario: 'workers',
      variant: 'sessions/s',
      metric,
      unit: 'x',
      value: median,
      min,
      max,
    };
  });
}
