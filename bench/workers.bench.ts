/**
 * Does a second worker process help, what does it cost to run ingest and workers apart, and what does
 * a Temporal on Postgres cost? Ingest and worker in one process (as `up` has them) against ingest with
 * one and with two workers, all on the same servers, and against the same `up` where Temporal keeps
 * its data in Postgres, with few and with many history shards; round by round.
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
import {
  findTemporalPrograms,
  NO_TEMPORAL_SERVER,
  startTemporalOnPostgres,
} from './temporal-postgres.ts';
import { createWorld, type Started, type World } from './world.ts';

const EVENTS = 5;
const SHARDS = { quick: [4], default: [16], long: [4, 16] };

const UP = 'up';
const ONE_WORKER = 'ingest and 1 worker';
const TWO_WORKERS = 'ingest and 2 workers';

/** What is measured in turns. */
interface Contender {
  readonly name: string;
  readonly world: World;
  /** Worker processes beside ingest; 0 where one process does both. */
  readonly workers: number;
  readonly comparedWith: string;
  readonly rounds: Measurement[];
}

export const workers: Scenario = {
  name: 'workers',
  question: 'What should an installation run: one process, or several, and Temporal on what?',
  async run(world, scale, say) {
    const contenders: Contender[] = [
      { name: UP, world, workers: 0, comparedWith: ONE_WORKER, rounds: [] },
      { name: ONE_WORKER, world, workers: 1, comparedWith: '', rounds: [] },
    ];
    if (scale.size !== 'quick') {
      const comparedWith = ONE_WORKER;
      contenders.push({ name: TWO_WORKERS, world, workers: 2, comparedWith, rounds: [] });
    }
    try {
      for (const shards of scale.pick(SHARDS)) {
        const other = await onPostgres(shards, say);
        if (other === undefined) break;
        contenders.push(other);
      }
      for (let round = 0; round < scale.rounds; round += 1) {
        for (const contender of contenders) {
          const found = await measure(contender, scale);
          contender.rounds.push(found);
          say(
            `${contender.name}, round ${round + 1}: ${found.sessionsPerSecond.toFixed(1)} sessions/s`,
          );
        }
      }
    } finally {
      for (const { world: own } of contenders) if (own !== world) await own.stop();
    }
    return [...contenders.flatMap(summarise), ...contenders.flatMap((c) => ratio(c, contenders))];
  },
};

/** @returns undefined where the programs for it are not here */
async function onPostgres(
  shards: number,
  say: (line: string) => void,
): Promise<Contender | undefined> {
  const programs = findTemporalPrograms();
  if (programs === undefined) {
    say(`Temporal on Postgres left out: ${NO_TEMPORAL_SERVER}`);
    return undefined;
  }
  const own = await startTemporalOnPostgres(programs, shards);
  const world = await createWorld(own).catch(async (error: unknown) => {
    await own.stop();
    throw error;
  });
  const { temporal } = await world.versions();
  const name = `up, Temporal ${temporal ?? ''} on ${own.storage}, ${shards} shards`;
  return { name, world, workers: 0, comparedWith: UP, rounds: [] };
}

async function measure({ world, workers: count }: Contender, scale: Scale): Promise<Measurement> {
  const processes: Record<string, Started> = {};
  try {
    if (count === 0) {
      processes['up'] = await startUp(world);
    } else {
      processes['ingest'] = await world.start(['ingest'], 'ingest started');
      for (let n = 1; n <= count; n += 1) {
        processes[`worker ${n}`] = await world.start(['worker'], 'session worker started');
      }
    }
    const pids = Object.fromEntries(Object.entries(processes).map(([k, { pid }]) => [k, pid]));
    // Code is compiled, caches are filled.
    await passThrough(world, pids, scale.pick({ quick: 30, default: 100, long: 300 }), EVENTS);
    const sessions = scale.pick({ quick: 60, default: 200, long: 800 });
    return await passThrough(world, pids, sessions, EVENTS);
  } finally {
    await Promise.all(Object.values(processes).map((started) => started.stop()));
  }
}

function summarise({ name, rounds }: Contender): Result[] {
  const where = { scenario: 'workers', variant: name };
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
function ratio(
  { name, comparedWith, rounds }: Contender,
  contenders: readonly Contender[],
): Result[] {
  const other = contenders.find((c) => c.name === comparedWith);
  if (other === undefined) return [];
  const line = (variant: string, figureOf: (m: Measurement) => number): Result => {
    const ratios = rounds.map((m, i) => {
      const neighbour = other.rounds[i];
      return neighbour === undefined ? NaN : figureOf(m) / figureOf(neighbour);
    });
    const { median, min, max } = spreadOf(ratios);
    const metric = `${name} / ${other.name}`;
    return { scenario: 'workers', variant, metric, unit: 'x', value: median, min, max };
  };
  return [line('sessions/s', (m) => m.sessionsPerSecond), line('CPU of all', cpuOf)];
}
