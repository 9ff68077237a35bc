/**
 * What does exactness cost compared with the system it replaces? That one, re-typed
 * (replaced-process.ts), on a real Redis and a real Postgres, beside the whole way through ours:
 * events for each second of CPU, all processes counted.
 */
import { Client } from 'pg';
import { cpuOf, passThrough, startUp } from './pass-through.ts';
import { NO_POSTGRES, type Postgres, startPostgres } from './postgres.ts';
import { cpuBetween, cpuMs, total } from './processes.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { until } from './until.ts';
import type { World } from './world.ts';

/** By events a session. Below 20 it is no goal: what is got there for the price is in the README. */
const GOALS: Readonly<Record<number, number>> = { 20: 1, 100: 3 };
/** Events a session. */
const EVENTS = { quick: [20], default: [5, 20, 100], long: [1, 5, 20, 100] };
/** Events of a round of the replaced system. */
const REPLACED_EVENTS = { quick: 1_000, default: 3_000, long: 10_000 };

const TABLE = `
  CREATE TABLE IF NOT EXISTS metrics (
    project text NOT NULL, metric_type text NOT NULL, granularity text NOT NULL,
    bucket timestamptz NOT NULL, dimension text NOT NULL, dimension_value text NOT NULL,
    value numeric(38, 9) NOT NULL, count bigint NOT NULL,
    PRIMARY KEY (project, metric_type, granularity, bucket, dimension, dimension_value))`;

export const replaced: Scenario = {
  name: 'replaced',
  question: 'What is an event’s CPU, compared with the system this one replaces?',
  async run(world, scale, say) {
    const postgres = await startPostgres();
    if (postgres === undefined) {
      say(`left out: ${NO_POSTGRES}`);
      return [];
    }
    const up = await startUp(world);
    const results: Result[] = [];
    try {
      say(postgres.version);
      await passThrough(
        world,
        { node: up.pid },
        scale.pick({ quick: 50, default: 200, long: 300 }),
        5,
      );
      for (const events of scale.pick(EVENTS)) {
        const before: Replaced[] = [];
        const ours: number[] = [];
        for (let round = 0; round < scale.rounds; round += 1) {
          before.push(await runReplaced(world, postgres, events, scale));
          const through = await passThrough(
            world,
            { node: up.pid },
            sessionsFor(scale, events),
            events,
          );
          ours.push((1_000 * events) / cpuOf(through));
          say(
            `K = ${events}, round ${round + 1}: ${before.at(-1)?.eventsPerCpuSecond.toFixed(0) ?? '-'} replaced, ${ours.at(-1)?.toFixed(0) ?? '-'} ours`,
          );
        }
        results.push(...summarise(events, before, ours));
      }
      return results;
    } finally {
      await up.stop();
      await postgres.stop();
    }
  },
};

function sessionsFor(scale: Scale, events: number): number {
  const sessions = scale.pick({ quick: 60, default: 200, long: 800 });
  return events >= 100 ? sessions / 2 : sessions;
}

interface Replaced {
  readonly eventsPerCpuSecond: number;
  readonly eventsPerSecond: number;
  readonly upsertsPerEvent: number;
}

async function runReplaced(
  world: World,
  postgres: Postgres,
  events: number,
  scale: Scale,
): Promise<Replaced> {
  const wanted = scale.pick(REPLACED_EVENTS);
  // As many as run side by side, at least.
  const sessions = Math.max(32, Math.ceil(wanted / events));
  const client = new Client(postgres.url);
  await client.connect();
  try {
    await client.query(TABLE);
    await client.query('TRUNCATE metrics');
    const script = new URL('replaced-process.ts', import.meta.url).pathname;
    const args = [script, postgres.url, String(sessions), String(events)];
    const node = await world.start(args, 'begin');
    const pids = { node: node.pid, postgres: postgres.pid, redis: world.pids['redis'] ?? 0 };
    const begin = cpuMs(pids);
    const ended = () => Promise.resolve(/end ([\d.]+) (\d+)/.exec(node.log()));
    await until('the replaced system', async () => (await ended()) !== null, { everyMs: 20 });
    const cpu = total(cpuBetween(begin, cpuMs(pids)));
    const [, ms, upserts] = ((await ended()) ?? []).map(Number);
    await node.stop();
    await check(client, sessions);
    return {
      eventsPerCpuSecond: (sessions * events) / (cpu / 1_000),
      eventsPerSecond: (sessions * events) / ((ms ?? NaN) / 1_000),
      upsertsPerEvent: (upserts ?? NaN) / (sessions * events),
    };
  } finally {
    await client.end();
  }
}

/** A yardstick that does less than it should would flatter nobody but itself. */
async function check(client: Client, sessions: number): Promise<void> {
  const { rows } = await client.query<{ sessions: string }>(
    `SELECT sum(count) AS sessions FROM metrics
     WHERE project LIKE 'run-%' AND metric_type = 'sessions' AND granularity = 'hour'`,
  );
  if (Number(rows[0]?.sessions) !== sessions) {
    throw new Error(`the replaced system has ${rows[0]?.sessions ?? 'no'} of ${sessions} sessions`);
  }
}

function summarise(events: number, before: readonly Replaced[], ours: readonly number[]): Result[] {
  const where = { scenario: 'replaced', variant: `K = ${events}` };
  const goal = GOALS[events];
  const ratio = spreadOf(ours.map((figure, i) => figure / (before[i]?.eventsPerCpuSecond ?? NaN)));
  const line = (metric: string, unit: string, figures: readonly number[]): Result => {
    const { median, min, max } = spreadOf(figures);
    return { ...where, metric, unit, value: median, min, max };
  };
  return [
    line(
      'replaced',
      'events/CPU s',
      before.map((b) => b.eventsPerCpuSecond),
    ),
    line('Sojourn', 'events/CPU s', ours),
    line(
      'replaced: throughput',
      'events/s',
      before.map((b) => b.eventsPerSecond),
    ),
    line(
      'replaced: upserts',
      'an event',
      before.map((b) => b.upsertsPerEvent),
    ),
    {
      ...where,
      metric: 'Sojourn / replaced',
      unit: 'x',
      value: ratio.median,
      min: ratio.min,
      max: ratio.max,
      ...(goal !== undefined && { goal: `>= ${goal}`, reached: ratio.median >= goal }),
    },
  ];
}
