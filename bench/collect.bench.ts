/**
 * How many requests of one event each does one process of the collector take, and how long do they wait? Beside it, in
 * turns, the least that can be done: a route that publishes; and the builds in the folders named by `--against`.
 */
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { setProject } from '../operations/projects.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { openHttpLoad } from './http-load.ts';
import { cpuBetween, cpuMs, total } from './processes.ts';
import type { Result, Scenario } from './scenario.ts';
import { percentile, spreadOf } from './stats.ts';
import type { Started, World } from './world.ts';

const PROJECT = 'bench-collect';
const KEY = 'bench-collect-key';
const CONNECTIONS = 64;
/** Half of what the first goal asks for: what the second one is measured at. */
const RATE = 1_500;
const PER_SECOND_MIN = 3_000;
const P99_MS_MAX = 50;

interface Variant {
  readonly name: string;
  /** Of another build: its command. */
  readonly command?: string;
  readonly isOurs: boolean;
  readonly path: string;
  readonly body: (n: number) => string;
}

const page = (n: number) => `https://shop.example/page/${n % 100}`;
const own = (n: number) =>
  JSON.stringify({
    eventType: 'pageview',
    sessionId: `s-${n % 5_000}`,
    eventId: `e-${n}`,
    timestamp: Date.now(),
    properties: { url: page(n), userAgent: 'Mozilla/5.0 (X11; Linux x86_64; rv:145.0)' },
  });
const VARIANTS: readonly Variant[] = [
  { name: 'a bare route', isOurs: false, path: '/events', body: own },
  { name: 'POST /events', isOurs: true, path: `/events?key=${KEY}`, body: own },
  {
    name: 'Segment, session kept in Redis',
    isOurs: true,
    path: '/v1/t',
    body: (n) =>
      JSON.stringify({
        type: 'track',
        event: 'click',
        writeKey: KEY,
        messageId: `m-${n}`,
        anonymousId: `a-${n % 5_000}`,
        timestamp: new Date().toISOString(),
        properties: { url: page(n) },
      }),
  },
];

interface Round {
  readonly perSecond: number;
  readonly cpuMicros: number;
  readonly p50: number;
  readonly p99: number;
}

export const collect: Scenario = {
  name: 'collect',
  question: 'How many requests does one process of the collector take, and how long do they wait?',
  async run(world, scale, say) {
    const tables = connectClickHouse(world.config, 'writer');
    await setProject({ nats: world.nats, tables }, PROJECT, { collectKeys: [{ add: KEY }] });
    await tables.close();
    const others = scale.against.flatMap((root) =>
      VARIANTS.filter(({ isOurs }) => isOurs).map((variant): Variant => ({
        ...variant,
        name: `${variant.name}, ${basename(root)}`,
        command: join(root, 'bin', 'sojourn.mjs'),
      })),
    );
    const variants = [...VARIANTS, ...others];
    const rounds = new Map<string, Round[]>();
    const ms = scale.pick({ quick: 4_000, default: 10_000, long: 30_000 });
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const variant of round % 2 === 0 ? variants : variants.toReversed()) {
        const found = await play(world, variant, ms);
        rounds.set(variant.name, [...(rounds.get(variant.name) ?? []), found]);
        say(
          `${variant.name}: ${Math.round(found.perSecond)}/s, ${Math.round(found.cpuMicros)} µs of CPU each, p99 ${found.p99.toFixed(1)} ms`,
        );
      }
    }
    return variants.flatMap((variant) => resultsOf(variant, rounds.get(variant.name) ?? []));
  },
};

let sent = 0;

async function play(
  world: World,
  { isOurs, path, body, command }: Variant,
  ms: number,
): Promise<Round> {
  const bare = fileURLToPath(new URL('bare-collect.ts', import.meta.url));
  const started: Started = await world.start(
    isOurs ? [...(command === undefined ? [] : [command]), 'collect', '--port', '0'] : [bare],
    'COLLECT_URL=',
  );
  try {
    const url = /COLLECT_URL=(\S+)/.exec(started.log())?.[1] ?? '';
    const load = await openHttpLoad(`${url}${path}`, CONNECTIONS, () => {
      sent += 1;
      return body(sent);
    });
    try {
      await load.asMany(Math.min(ms, 3_000));
      const pids = { node: started.pid };
      const before = cpuMs(pids);
      const perSecond = await load.asMany(ms);
      const cpu = total(cpuBetween(before, cpuMs(pids)));
      const took = await load.atRate(RATE, ms);
      return {
        perSecond,
        cpuMicros: (cpu * 1_000) / ((perSecond * ms) / 1_000),
        p50: percentile(took, 50),
        p99: percentile(took, 99),
      };
    } finally {
      load.close();
    }
  } finally {
    await started.stop();
  }
}

function resultsOf({ name, isOurs }: Variant, rounds: readonly Round[]): Result[] {
  const line = (metric: string, unit: string, read: (round: Round) => number) => {
    const { median, min, max } = spreadOf(rounds.map(read));
    return { scenario: 'collect', variant: name, metric, unit, value: median, min, max };
  };
  const perSecond = line('requests', '/s', (round) => round.perSecond);
  const p99 = line(`p99 at ${RATE}/s`, 'ms', (round) => round.p99);
  return [
    isOurs
      ? {
          ...perSecond,
          goal: `at least ${PER_SECOND_MIN}`,
          reached: perSecond.value >= PER_SECOND_MIN,
        }
      : perSecond,
    line('CPU a request, of the process', 'µs', (round) => round.cpuMicros),
    line(`p50 at ${RATE}/s`, 'ms', (round) => round.p50),
    isOurs ? { ...p99, goal: `at most ${P99_MS_MAX}`, reached: p99.value <= P99_MS_MAX } : p99,
  ];
}
