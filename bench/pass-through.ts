/** Sessions that wait in JetStream and then go all the way, and the processes they go through. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { select } from '../platform/clickhouse.ts';
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../shared/ids.ts';
import { cpuBetween, cpuMs, type Figures, type Pids, total } from './processes.ts';
import type { Result } from './scenario.ts';
import { spreadOf } from './stats.ts';
import { publishSessions } from './traffic.ts';
import { HERE, ownPorts } from './tree.ts';
import { until, untilCounted } from './until.ts';
import type { Started, World } from './world.ts';

export interface Measurement {
  readonly sessionsPerSecond: number;
  readonly cpuMsPerSession: Figures;
}

/** Ingest and worker in one process, as `sojourn up` runs them, on the servers of the world. */
export async function startUp(
  world: World,
  environment: Readonly<Record<string, string>> = {},
): Promise<Started> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sojourn-bench-up-'));
  const up = await world.start(
    ['up', '--data-dir', dataDir, ...ownPorts(HERE)],
    'ingest started',
    environment,
  );
  return {
    ...up,
    async stop() {
      await up.stop();
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

/** Nothing is delivered to ingest from here on, so that publishing is no part of what is measured. */
export async function pauseIngest({ nats }: World): Promise<void> {
  await nats.jsm.consumers.pause(EVENTS_STREAM, EVENTS_CONSUMER, new Date(Date.now() + 3_600_000));
}

/**
 * Lets ingest pull, and returns when the first message is on its way to it: JetStream takes up to
 * some seconds to serve a pull request that came during the pause, in which nobody works.
 */
export async function resumeIngest({ nats }: World): Promise<void> {
  const waiting = async () =>
    (await nats.jsm.consumers.info(EVENTS_STREAM, EVENTS_CONSUMER)).num_pending;
  const before = await waiting();
  await nats.jsm.consumers.resume(EVENTS_STREAM, EVENTS_CONSUMER);
  await until('the first message', async () => (await waiting()) < before, { everyMs: 5 });
}

/**
 * From the moment that ingest gets the first message until every row of every session can be queried.
 * @param ours pids of our own processes, by name
 * @param publish puts them there
 */
export async function passThrough(
  world: World,
  ours: Pids,
  sessions: number,
  events: number,
  publish: typeof publishSessions = publishSessions,
): Promise<Measurement> {
  const project = world.project();
  await pauseIngest(world);
  await publish(world, project, sessions, events);
  const pids = { ...world.pids, ...ours };
  await resumeIngest(world);
  const begin = cpuMs(pids);
  const start = process.hrtime.bigint();
  await untilCounted(
    `${sessions} sessions of ${events} events`,
    async () => (await endedIn(world, project)).events,
    sessions * events,
  );
  const ms = Number(process.hrtime.bigint() - start) / 1e6;
  return measurement(sessions, ms, cpuBetween(begin, cpuMs(pids)));
}

/** Sessions whose end can be queried, and their events. */
export async function endedIn(
  { admin }: World,
  project: string,
): Promise<{ readonly sessions: number; readonly events: number }> {
  const [row] = await select<{ sessions: string | number; events: string | number }>(
    admin,
    `SELECT count() AS sessions, sum(events) AS events FROM sojourn.sessions FINAL
     WHERE project = {project: String} AND state = 'ended'`,
    { project },
  );
  return { sessions: Number(row?.sessions ?? 0), events: Number(row?.events ?? 0) };
}

export function measurement(sessions: number, ms: number, cpu: Figures): Measurement {
  return {
    sessionsPerSecond: sessions / (ms / 1_000),
    cpuMsPerSession: Object.fromEntries(Object.entries(cpu).map(([k, v]) => [k, v / sessions])),
  };
}

/** CPU of all processes for one session. */
export function cpuOf({ cpuMsPerSession }: Measurement): number {
  return total(cpuMsPerSession);
}

/** A line of the result with median and spread. */
export function spreadResult(
  where: Pick<Result, 'scenario' | 'variant' | 'metric' | 'unit'>,
  figures: readonly number[],
): Result {
  const { median, min, max } = spreadOf(figures);
  return { ...where, value: median, min, max };
}

/** What each process takes, medians over the rounds. */
export function cpuByProcess(
  where: Pick<Result, 'scenario' | 'variant'>,
  measurements: readonly Measurement[],
): Result[] {
  const names = Object.keys(measurements[0]?.cpuMsPerSession ?? {});
  return names.map((name) =>
    spreadResult(
      { ...where, metric: `CPU of ${name}`, unit: 'CPU ms/session' },
      measurements.map((m) => m.cpuMsPerSession[name] ?? 0),
    ),
  );
}
