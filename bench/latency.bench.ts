/**
 * How long after it was meant to be sent can an event be seen: in its session, in ClickHouse, by
 * subscribers? Open loop: events go out when they are due, whatever has become of those before, and
 * the clock of each starts then, so that a stall counts for everything it held up.
 */
import { WorkflowNotFoundError } from '@temporalio/client';
import { select } from '../platform/clickhouse.ts';
import { metricsUpdatedSubject, sessionWorkflowId } from '../shared/ids.ts';
import { stateQuery } from '../workflows/messages.ts';
import { type Due, EVENTS, planVisits, sendVisits, topRate, type Visit } from './open-loop.ts';
import { startUp } from './pass-through.ts';
import type { Result, Scenario } from './scenario.ts';
import { percentile } from './stats.ts';
import { until } from './until.ts';
import { sleep, type World } from './world.ts';

/** What a sample is the latency of, and what the p99 may be at 50 events/s, milliseconds. */
const GOALS_MS = {
  'publish -> query': 500,
  'session_end -> row': 1_500,
  'first event -> row': 2_500,
  'first event -> metrics.updated': 2_500,
} as const;
type Path = keyof typeof GOALS_MS;

/** Sessions that begin before this are the warm-up. */
const WARM_UP_MS = 8_000;
/** And what is measured follows. */
const MEASURED_MS = { quick: 5_000, default: 15_000, long: 60_000 };
/** Looked at this often at first; figures are too high by half of it on average. */
const POLL_ROWS_MS = 50;
const POLL_QUERY_MS = 20;
/**
 * And ever less often the longer it takes, by this part of it. Asked all the time, hundreds of sessions that are
 * seconds behind would be thousands of queries a second, and the benchmark would measure those.
 */
const POLL_SHARE = 0.1;
/** One event in each such time is followed by queries: asking costs the server as much as an event. */
const PROBE_EVERY_MS = 100;
/** What has not come after this is counted with this. */
const GIVE_UP_MS = 30_000;

export interface Sample {
  readonly path: Path;
  readonly dueAt: number;
  readonly ms: number;
}

interface WatchedVisit extends Visit {
  hasRow: boolean;
  hasEnded: boolean;
  announced: boolean;
}

export const latency: Scenario = {
  name: 'latency',
  question: 'How long after an event was due can it be seen?',
  async run(world, scale, say) {
    const up = await startUp(world);
    try {
      const closed = await topRate(world, up.pid, scale);
      say(`closed run: ${closed.toFixed(0)} events/s`);
      const results: Result[] = [
        {
          scenario: 'latency',
          variant: `closed run, K = ${EVENTS}`,
          metric: 'top rate',
          unit: 'events/s',
          value: closed,
        },
      ];
      const rates = [
        { variant: '50 events/s', rate: 50 },
        { variant: '50 % of the top rate', rate: closed * 0.5 },
        { variant: '70 % of the top rate', rate: closed * 0.7 },
      ];
      // One rate is enough to see that it works.
      for (const { variant, rate } of scale.size === 'quick' ? rates.slice(0, 1) : rates) {
        const samples = await openLoop(world, rate, scale.pick(MEASURED_MS));
        results.push(...summarise(variant, samples, scale.rounds));
        say(`${variant}: ${rate.toFixed(0)} events/s, ${samples.length} samples`);
      }
      return results;
    } finally {
      await up.stop();
    }
  },
};

/** @returns a sample for every session, and for some of the events */
export async function openLoop(world: World, rate: number, measuredMs: number): Promise<Sample[]> {
  const project = world.project();
  const start = Date.now() + 1_000;
  const visits = planVisits(start, rate, WARM_UP_MS + measuredMs).map((visit): WatchedVisit => ({
    ...visit,
    // A path of its own makes the first event's row findable in what subscribers get.
    entryPath: `/${visit.id}`,
    hasRow: false,
    hasEnded: false,
    announced: false,
  }));
  const samples: Sample[] = [];
  const take = (path: Path, dueAt: number, now: number) => {
    if (dueAt >= start + WARM_UP_MS) samples.push({ path, dueAt, ms: now - dueAt });
  };
  const stop = new AbortController();
  const watchers = [
    watchRows(world, project, visits, take, stop.signal),
    watchAnnouncements(world, project, visits, take, stop.signal),
  ];
  await send(world, project, visits, take);
  const lastAt = Math.max(...visits.map(({ endAt }) => endAt));
  const complete = () => visits.every((v) => v.hasRow && v.hasEnded && v.announced);
  await until(
    'every session',
    () => Promise.resolve(complete() || Date.now() > lastAt + GIVE_UP_MS),
    { everyMs: 50 },
  );
  stop.abort();
  await Promise.all(watchers);
  for (const visit of visits) giveUp(visit, take);
  return samples;
}

type Take = (path: Path, dueAt: number, now: number) => void;

function giveUp(visit: WatchedVisit, take: Take): void {
  if (!visit.hasRow) take('first event -> row', visit.firstAt, visit.firstAt + GIVE_UP_MS);
  if (!visit.hasEnded) take('session_end -> row', visit.endAt, visit.endAt + GIVE_UP_MS);
  if (!visit.announced) {
    take('first event -> metrics.updated', visit.firstAt, visit.firstAt + GIVE_UP_MS);
  }
}

/** Sends everything, and asks for some of it. */
async function send(
  world: World,
  project: string,
  visits: readonly WatchedVisit[],
  take: Take,
): Promise<void> {
  let probeAt = 0;
  await sendVisits(world, project, visits, (due) => {
    // The last event closes the session; what is asked for is a live one.
    if (due.at < probeAt || due.n === EVENTS - 1) return undefined;
    probeAt = due.at + PROBE_EVERY_MS;
    return probe(world, project, due, take);
  });
}

/** Asks the session until it shows the event. */
async function probe(
  { temporal }: World,
  project: string,
  { at, visit, n }: Due,
  take: Take,
): Promise<void> {
  const handle = temporal.workflow.getHandle(sessionWorkflowId(project, visit.id));
  while (Date.now() < at + GIVE_UP_MS) {
    try {
      const { events } = await handle.query(stateQuery);
      if (events > n) {
        take('publish -> query', at, Date.now());
        return;
      }
    } catch (error) {
      // Not started yet. Anything else is worth to be told.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    }
    await sleep(Math.max(POLL_QUERY_MS, (Date.now() - at) * POLL_SHARE));
  }
  take('publish -> query', at, at + GIVE_UP_MS);
}

async function watchRows(
  { admin }: World,
  project: string,
  visits: readonly WatchedVisit[],
  take: Take,
  stop: AbortSignal,
): Promise<void> {
  const byId = new Map(visits.map((visit) => [visit.id, visit]));
  let oldest = 0;
  while (!stop.aborted) {
    // Sessions end in the order they began, more or less: what the oldest one waits is the latency there is.
    const waitedMs = Date.now() - (visits[oldest]?.endAt ?? Infinity);
    await sleep(Math.max(POLL_ROWS_MS, waitedMs * POLL_SHARE));
    while (visits[oldest]?.hasEnded === true) oldest += 1;
    const from = visits[oldest]?.id;
    if (from === undefined) return;
    const rows = await select<{ session_id: string; ended: number }>(
      admin,
      `SELECT session_id, max(state = 'ended') AS ended FROM sojourn.sessions
       WHERE project = {project: String} AND session_id >= {from: String} GROUP BY session_id`,
      { project, from },
    );
    const now = Date.now();
    for (const { session_id: id, ended } of rows) {
      const visit = byId.get(id);
      if (visit === undefined) continue;
      if (!visit.hasRow) take('first event -> row', visit.firstAt, now);
      visit.hasRow = true;
      if (ended === 1 && !visit.hasEnded) take('session_end -> row', visit.endAt, now);
      visit.hasEnded ||= ended === 1;
    }
  }
}

async function watchAnnouncements(
  { nats }: World,
  project: string,
  visits: readonly WatchedVisit[],
  take: Take,
  stop: AbortSignal,
): Promise<void> {
  const byPath = new Map(visits.map((visit) => [`/${visit.id}`, visit]));
  const subscription = nats.connection.subscribe(metricsUpdatedSubject(project));
  stop.addEventListener('abort', () => {
    subscription.unsubscribe();
  });
  for await (const message of subscription) {
    const now = Date.now();
    const { metrics } = message.json<{ metrics: { dimensionValue: string }[] }>();
    for (const { dimensionValue } of metrics) {
      const visit = byPath.get(dimensionValue);
      if (visit === undefined || visit.announced) continue;
      visit.announced = true;
      take('first event -> metrics.updated', visit.firstAt, now);
    }
  }
}

/** Percentiles over all samples; their spread is that of as many windows of time as there are rounds. */
function summarise(variant: string, samples: readonly Sample[], windows: number): Result[] {
  return (Object.keys(GOALS_MS) as Path[]).flatMap((path) => {
    const mine = samples.filter((s) => s.path === path).sort((a, b) => a.dueAt - b.dueAt);
    if (mine.length === 0) return [];
    const size = Math.ceil(mine.length / windows);
    const parts = Array.from({ length: windows }, (_, i) => mine.slice(i * size, (i + 1) * size));
    // A percentile that fewer samples than this stand for would be the maximum under another name.
    const percentiles = [50, 99, 99.9].filter((p) => mine.length >= 100 / (100 - p));
    return percentiles.map((p): Result => {
      const value = percentileOf(mine, p);
      const ofParts = parts.filter((part) => part.length > 0).map((part) => percentileOf(part, p));
      const goal = p === 99 && variant === '50 events/s' ? GOALS_MS[path] : undefined;
      return {
        scenario: 'latency',
        variant,
        metric: `${path}, p${p} of ${mine.length}`,
        unit: 'ms',
        value,
        min: Math.min(...ofParts),
        max: Math.max(...ofParts),
        ...(goal !== undefined && { goal: `<= ${goal}`, reached: value <= goal }),
      };
    });
  });
}

export function percentileOf(samples: readonly Sample[], p: number): number {
  const sorted = samples.map(({ ms }) => ms).sort((a, b) => a - b);
  return percentile(sorted, p);
}
