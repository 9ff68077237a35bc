/**
 * What does live traffic cost, and how fresh are its rows? Events come one by one, each when it is due, and
 * a whole `up` with its servers takes them: this checkout's, and in turns with it those of the checkouts
 * named by `--against`.
 */
import { basename } from 'node:path';
import { select } from '../platform/clickhouse.ts';
import { planVisits, sendVisits, type Shape, type Visit } from './open-loop.ts';
import { cpuBetween, type Figures, total } from './processes.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { percentile, spreadOf } from './stats.ts';
import { HERE, startTree, type Tree } from './tree.ts';
import { sleep } from './world.ts';

export interface Traffic extends Shape {
  /** Events a second; 0: nothing comes at all. */
  readonly rate: number;
}

/* prettier-ignore */
const USUAL: readonly Traffic[] = [
  { rate: 0, events: 5, gapMs: 2_000 },
  { rate: 4, events: 5, gapMs: 2_000 },
  { rate: 50, events: 5, gapMs: 2_000 },
  { rate: 23, events: 5, gapMs: 8_000 },
  { rate: 185, events: 5, gapMs: 8_000 },
  { rate: 27, events: 5, gapMs: 15_000 },
];

/* prettier-ignore */
const TRAFFIC: Readonly<Record<Scale['size'], readonly Traffic[]>> = {
  quick: [{ rate: 20, events: 5, gapMs: 2_000 }],
  default: USUAL,
  long: [
    ...USUAL,
    { rate: 100, events: 5, gapMs: 15_000 },
    { rate: 200, events: 5, gapMs: 15_000 },
    { rate: 50, events: 20, gapMs: 2_000 },
    { rate: 50, events: 20, gapMs: 15_000 },
    { rate: 27, events: 5, gapMs: 60_000 },
  ],
};
/** As many sessions end as begin once the first has gone by; then it is measured. */
const SETTLES_MS = 3_000;
/** The CPU for so long while nobody asks for rows, then for as long how fresh they are, which costs ClickHouse CPU. */
const MEASURED_MS = { quick: 5_000, default: 20_000, long: 60_000 };
const POLL_MS = 100;
/** What has not come after this is counted with this. */
const GIVE_UP_MS = 60_000;

export const FIRST_ROW = 'first event -> row';
export const END_ROW = 'session_end -> row';
const PATHS = [FIRST_ROW, 'later event -> row', END_ROW] as const;
type Path = (typeof PATHS)[number];

/** What one build did in one round. */
export interface Round {
  readonly cpuMs: Figures;
  readonly measuredMs: number;
  readonly events: number;
  readonly samples: Readonly<Record<Path, number[]>>;
}

export const liveRate: Scenario = {
  name: 'live-rate',
  question: 'What does live traffic cost, and how fresh are its rows?',
  needsTime: true,
  async run(_world, scale, say) {
    const roots = [...scale.against, HERE];
    const rounds = new Map<string, Round[]>();
    for (let round = 0; round < scale.rounds; round += 1) {
      for (const root of round % 2 === 0 ? roots : roots.toReversed()) {
        const tree = await startTree(root);
        try {
          for (const traffic of scale.pick(TRAFFIC)) {
            const key = keyOf(root, traffic);
            const found = await play(tree, traffic, scale.pick(MEASURED_MS));
            rounds.set(key, [...(rounds.get(key) ?? []), found]);
            say(`${key}: ${describe(found)}`);
          }
        } finally {
          await tree.stop();
        }
      }
    }
    return [...rounds].flatMap(([key, list]) => resultsOf('live-rate', key, list));
  },
};

function keyOf(root: string, { rate, events, gapMs }: Traffic): string {
  const build = root === HERE ? 'this build' : basename(root);
  return rate === 0
    ? `nothing to do, ${build}`
    : `${rate} events/s, K = ${events}, ${gapMs / 1_000} s apart, ${build}`;
}

/** What traffic is played to. */
export type Played = Pick<Tree, 'nats' | 'tables' | 'cpu'>;

let projects = 0;

/** @param pollMs how often rows are asked for, which costs ClickHouse the more the more sessions there are */
export async function play(
  tree: Played,
  traffic: Traffic,
  measuredMs: number,
  pollMs = POLL_MS,
): Promise<Round> {
  projects += 1;
  const project = `live-rate-${projects}`;
  const warmUpMs = (traffic.events - 1) * traffic.gapMs + SETTLES_MS;
  const start = Date.now() + 1_000;
  const from = start + warmUpMs;
  const middle = from + measuredMs;
  const to = middle + (traffic.rate === 0 ? 0 : measuredMs);
  const visits =
    traffic.rate === 0 ? [] : planVisits(start, traffic.rate, to - start, traffic).map(watched);
  const samples = { [PATHS[0]]: [], [PATHS[1]]: [], [PATHS[2]]: [] } as Record<Path, number[]>;
  const take: Take = (path, dueAt, now) => {
    if (dueAt >= middle && dueAt < to) samples[path].push(now - dueAt);
  };
  const stop = new AbortController();
  const sent = sendVisits(tree, project, visits);
  await sleep(from - Date.now());
  const before = tree.cpu();
  await sleep(middle - Date.now());
  const cpuMs = cpuBetween(before, tree.cpu());
  const watcher = watchRows(tree, { project, visits, pollMs, take, stop: stop.signal });
  await sent;
  const deadline = Date.now() + GIVE_UP_MS;
  while (visits.some(({ hasEnded }) => !hasEnded) && Date.now() < deadline) await sleep(POLL_MS);
  stop.abort();
  await watcher;
  for (const visit of visits) takeUpTo(visit, traffic.events, deadline, take);
  return { cpuMs, measuredMs, events: (traffic.rate * measuredMs) / 1_000, samples };
}

type Take = (path: Path, dueAt: number, now: number) => void;

interface WatchedVisit extends Visit {
  /** Events that its row shows. */
  shown: number;
  hasEnded: boolean;
}

function watched(visit: Visit): WatchedVisit {
  return { ...visit, shown: 0, hasEnded: false };
}

/** Takes the samples of all events that a row shows now and did not before. */
function takeUpTo(visit: WatchedVisit, shown: number, now: number, take: Take): void {
  const { events, gapMs } = visit.shape;
  for (; visit.shown < shown; visit.shown += 1) {
    const dueAt = visit.firstAt + visit.shown * gapMs;
    const last = visit.shown === events - 1;
    take(visit.shown === 0 ? PATHS[0] : last ? PATHS[2] : PATHS[1], dueAt, now);
  }
}

interface Watch {
  readonly project: string;
  readonly visits: readonly WatchedVisit[];
  readonly pollMs: number;
  readonly take: Take;
  readonly stop: AbortSignal;
}

async function watchRows(
  { tables }: Played,
  { project, visits, pollMs, take, stop }: Watch,
): Promise<void> {
  const byId = new Map(visits.map((visit) => [visit.id, visit]));
  let oldest = 0;
  while (!stop.aborted && visits.length > 0) {
    await sleep(pollMs);
    while (visits[oldest]?.hasEnded === true) oldest += 1;
    const from = visits[oldest]?.id;
    if (from === undefined) return;
    const rows = await select<{ session_id: string; shown: string; ended: number }>(
      tables,
      `SELECT session_id, max(events) AS shown, max(state = 'ended') AS ended FROM sojourn.sessions
       WHERE project = {project: String} AND session_id >= {from: String} GROUP BY session_id`,
      { project, from },
    );
    const now = Date.now();
    for (const { session_id: id, shown, ended } of rows) {
      const visit = byId.get(id);
      if (visit === undefined) continue;
      takeUpTo(visit, Number(shown), now, take);
      visit.hasEnded ||= ended === 1;
    }
  }
}

export function describe({ cpuMs, measuredMs, events, samples }: Round): string {
  const cores = (total(cpuMs) / measuredMs).toFixed(3);
  if (events === 0) return `${cores} of a core`;
  const late = PATHS.map((path) => `${path} p99 ${p99(samples[path]).toFixed(0)} ms`).join(', ');
  const parts = Object.entries(cpuMs).map(([name, ms]) => `${name} ${(ms / events).toFixed(1)}`);
  return `${(total(cpuMs) / events).toFixed(1)} ms CPU an event (${parts.join(', ')}), ${cores} of a core; ${late}`;
}

export function p99(samples: readonly number[]): number {
  return samples.length === 0
    ? NaN
    : percentile(
        [...samples].sort((a, b) => a - b),
        99,
      );
}

export function resultsOf(scenario: string, variant: string, rounds: readonly Round[]): Result[] {
  const line = (metric: string, unit: string, values: readonly number[]): Result => {
    const { median: value, min, max } = spreadOf(values);
    return { scenario, variant, metric, unit, value, min, max };
  };
  const results = [
    line(
      'CPU',
      'of a core',
      rounds.map(({ cpuMs, measuredMs }) => total(cpuMs) / measuredMs),
    ),
  ];
  if (rounds.some(({ events }) => events === 0)) return results;
  results.push(
    line(
      'CPU',
      'ms/event',
      rounds.map(({ cpuMs, events }) => total(cpuMs) / events),
    ),
  );
  for (const name of Object.keys(rounds[0]?.cpuMs ?? {})) {
    const ofOne = rounds.map(({ cpuMs, events }) => (cpuMs[name] ?? NaN) / events);
    results.push(line(`CPU of ${name}`, 'ms/event', ofOne));
  }
  for (const path of PATHS) {
    const late = rounds.map(({ samples }) => p99(samples[path]));
    if (!late.some(Number.isNaN)) results.push(line(`${path}, p99`, 'ms', late));
  }
  return results;
}
