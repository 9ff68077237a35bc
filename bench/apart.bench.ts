/**
 * Is live traffic as fresh where ingest and worker are processes of their own, as in a cluster, as where one process
 * is both? Events come one by one; both ways in turns, on the same servers.
 */
import {
  describe,
  type Played,
  play,
  resultsOf,
  type Round,
  type Traffic,
} from './live-rate.bench.ts';
import { cpuMs } from './processes.ts';
import type { Scale, Scenario } from './scenario.ts';
import { createWorld, type Started, type World } from './world.ts';

const TRAFFIC: Readonly<Record<Scale['size'], Traffic>> = {
  quick: { rate: 50, events: 5, gapMs: 2_000 },
  default: { rate: 150, events: 5, gapMs: 15_000 },
  long: { rate: 200, events: 5, gapMs: 15_000 },
};
const MEASURED_MS = { quick: 5_000, default: 20_000, long: 60_000 };

type Processes = readonly (readonly [words: readonly string[], ready: string])[];

const WAYS: Readonly<Record<string, Processes>> = {
  up: [
    [
      ['up', '--dashboard-port', '0', '--collect-port', '0', '--health-port', '0'],
      'ingest started',
    ],
  ],
  'ingest and worker': [
    [['worker'], 'session worker started'],
    [['ingest'], 'ingest started'],
  ],
};

export const apart: Scenario = {
  name: 'apart',
  question: 'Is live traffic as fresh where ingest and worker are processes of their own?',
  needsTime: true,
  async run(_world, scale, say) {
    const rounds = new Map<string, Round[]>();
    const traffic = scale.pick(TRAFFIC);
    const world = await createWorld();
    try {
      for (let round = 0; round < scale.rounds; round += 1) {
        const ways = Object.entries(WAYS);
        for (const [name, processes] of round % 2 === 0 ? ways : ways.toReversed()) {
          const found = await playTo(world, processes, traffic, scale.pick(MEASURED_MS));
          rounds.set(name, [...(rounds.get(name) ?? []), found]);
          say(`${name}: ${describe(found)}`);
        }
      }
    } finally {
      await world.stop();
    }
    return [...rounds].flatMap(([name, list]) => resultsOf('apart', name, list));
  },
};

async function playTo(
  world: World,
  processes: Processes,
  traffic: Traffic,
  measuredMs: number,
): Promise<Round> {
  const started: Started[] = [];
  try {
    for (const [words, ready] of processes) started.push(await world.start(words, ready));
    const played: Played = {
      nats: world.nats,
      tables: world.admin,
      cpu: () => {
        const ours = started.map(({ pid }, n) => [`node ${n + 1}`, pid] as const);
        return cpuMs({ ...world.pids, ...Object.fromEntries(ours) });
      },
    };
    return await play(played, traffic, measuredMs);
  } finally {
    for (const process of started) await process.stop();
  }
}
