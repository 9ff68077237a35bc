/**
 * What do sessions cost that are open and quiet, and what does it cost to wake one? All of them open
 * at once, nothing happens for a while, then one more event for each.
 */
import { select } from '../platform/clickhouse.ts';
import {
  type Measurement,
  measurement,
  cpuByProcess,
  cpuOf,
  pauseIngest,
  resumeIngest,
  startUp,
} from './pass-through.ts';
import { cpuBetween, cpuMs, memoryMiB, type Pids } from './processes.ts';
import type { Result, Scenario } from './scenario.ts';
import { until } from './until.ts';
import { sleep, type World } from './world.ts';

/** No session ends by itself meanwhile, and each writes what it gets at once. */
const SETTINGS = { SESSION_IDLE_TIMEOUT: '12h', SESSION_CHECKPOINT: '1s' };
/**
 * What is still under way when the last row is there: tasks are completed, caches are trimmed. With many sessions V8
 * looks through its heaps once more, some half a minute after, to give memory back.
 */
const SETTLE_MS = { quick: 1_000, default: 5_000, long: 45_000 };
/** All rounds together. */
const IDLE_MS = { quick: 3_000, default: 21_000, long: 60_000 };
/** Of a core, while nothing happens. */
const IDLE_NODE_PERCENT_MAX = 1;

export const live: Scenario = {
  name: 'live',
  question: 'What do open sessions cost while nothing happens, and what does waking them cost?',
  async run(world, scale, say) {
    const sessions = scale.pick({ quick: 300, default: 2_000, long: 100_000 });
    const up = await startUp(world, SETTINGS);
    const pids: Pids = { ...world.pids, node: up.pid };
    try {
      const warmUp = world.project();
      await oneEventEach(world, pids, warmUp, 100, 0);
      const before = memoryMiB(pids);

      const project = world.project();
      const fresh = await oneEventEach(world, pids, project, sessions, 0);
      say(`${sessions} sessions opened, ${cpuOf(fresh).toFixed(1)} CPU ms each`);
      await sleep(scale.pick(SETTLE_MS));
      const idle = await watchIdle(pids, scale.pick(IDLE_MS), scale.rounds);
      say(`idle: Node ${(idle.percent.node ?? 0).toFixed(2)} % of a core`);
      const woken = await oneEventEach(world, pids, project, sessions, 1);
      say(`woken, ${cpuOf(woken).toFixed(1)} CPU ms each`);

      const variant = `${sessions} open sessions`;
      return [
        ...idleResults(variant, idle, before, sessions),
        ...wakeResults(variant, fresh, woken),
      ];
    } finally {
      await up.stop();
    }
  },
};

/** The n-th event of each session, all waiting in JetStream, until it shows in the table. */
async function oneEventEach(
  world: World,
  pids: Pids,
  project: string,
  sessions: number,
  n: number,
): Promise<Measurement> {
  await pauseIngest(world);
  await publishOneEach(world, project, sessions, n);
  await resumeIngest(world);
  const begin = cpuMs(pids);
  const start = process.hrtime.bigint();
  const written = async () => {
    const [row] = await select<{ events: string | number }>(
      world.admin,
      `SELECT sum(events) AS events FROM sojourn.sessions FINAL WHERE project = {project: String}`,
      { project },
    );
    return Number(row?.events ?? 0) >= sessions * (n + 1);
  };
  // Not often: with so many sessions the question itself costs something.
  const patience = { everyMs: 500 + sessions / 50, withinMs: 5 * 60_000 + sessions * 40 };
  await until(`event ${n} of ${sessions} sessions`, written, patience);
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  return measurement(sessions, ms, cpuBetween(begin, cpuMs(pids)));
}

async function publishOneEach(
  { nats }: World,
  project: string,
  sessions: number,
  n: number,
): Promise<void> {
  const at = Date.now();
  for (let first = 0; first < sessions; first += 500) {
    const some = Array.from({ length: Math.min(500, sessions - first) }, (_, i) => first + i);
    await Promise.all(
      some.map((s) =>
        nats.js.publish(
          `events.${project}.bench`,
          JSON.stringify({
            sessionId: `s-${s}`,
            eventId: `s-${s}-${n}`,
            eventType: 'pageview',
            timestamp: at,
            properties: { path: `/page/${s % 100}`, country: 'DE', deviceType: 'mobile' },
          }),
          { timeout: 30_000 },
        ),
      ),
    );
  }
}

interface Idle {
  /** Of a core, by process: the median of the rounds, and every round. */
  readonly percent: Readonly<Record<string, number>>;
  readonly rounds: readonly Readonly<Record<string, number>>[];
  readonly memoryMiB: Readonly<Record<string, number>>;
}

async function watchIdle(pids: Pids, ms: number, rounds: number): Promise<Idle> {
  const seen: Record<string, number>[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const begin = cpuMs(pids);
    const start = Date.now();
    await sleep(ms / rounds);
    const cpu = cpuBetween(begin, cpuMs(pids));
    const elapsed = Date.now() - start;
    seen.push(Object.fromEntries(Object.entries(cpu).map(([k, v]) => [k, (100 * v) / elapsed])));
  }
  const middle = (name: string) =>
    seen.map((round) => round[name] ?? 0).sort((a, b) => a - b)[Math.floor(rounds / 2)] ?? 0;
  return {
    percent: Object.fromEntries(Object.keys(pids).map((name) => [name, middle(name)])),
    rounds: seen,
    memoryMiB: memoryMiB(pids),
  };
}

function idleResults(
  variant: string,
  idle: Idle,
  before: Readonly<Record<string, number>>,
  sessions: number,
): Result[] {
  return Object.keys(idle.percent).flatMap((name): Result[] => {
    const percent = idle.percent[name] ?? 0;
    const ofRounds = idle.rounds.map((round) => round[name] ?? 0);
    const rss = idle.memoryMiB[name] ?? 0;
    const where = { scenario: 'live', variant };
    return [
      {
        ...where,
        metric: `CPU of ${name} while idle`,
        unit: '% of a core',
        value: percent,
        min: Math.min(...ofRounds),
        max: Math.max(...ofRounds),
        ...(name === 'node' && {
          goal: `< ${IDLE_NODE_PERCENT_MAX}`,
          reached: percent < IDLE_NODE_PERCENT_MAX,
        }),
      },
      { ...where, metric: `RSS of ${name} while idle`, unit: 'MiB', value: rss },
      {
        ...where,
        metric: `RSS of ${name}, added by a session`,
        unit: 'KiB',
        value: ((rss - (before[name] ?? 0)) * 1_024) / sessions,
      },
    ];
  });
}

function wakeResults(variant: string, fresh: Measurement, woken: Measurement): Result[] {
  const where = { scenario: 'live', unit: 'CPU ms/session' };
  return [
    { ...where, variant, metric: 'a fresh session with one event', value: cpuOf(fresh) },
    { ...where, variant, metric: 'one more event for an open one', value: cpuOf(woken) },
    ...cpuByProcess({ scenario: 'live', variant: `${variant}, fresh` }, [fresh]),
    ...cpuByProcess({ scenario: 'live', variant: `${variant}, woken` }, [woken]),
    { ...where, variant, metric: 'woken / fresh', unit: 'x', value: cpuOf(woken) / cpuOf(fresh) },
  ];
}
