/**
 * Does memory stay where it is? Live traffic in open loop at a rate that is kept up with, for as long
 * as there is time; what every process holds is written down again and again, and the end is compared
 * with what it was after the warm-up.
 */
import { EVENTS_CONSUMER, EVENTS_STREAM } from '../shared/ids.ts';
import { planVisits, sendVisits, topRate } from './open-loop.ts';
import { endedIn, startUp } from './pass-through.ts';
import { type Figures, memoryMiB, type Pids } from './processes.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { type Spread, spreadOf } from './stats.ts';
import { sleep, type World } from './world.ts';

const MINUTES = { quick: 0.5, default: 1, long: 30 };
const SAMPLE_EVERY_MS = { quick: 1_000, default: 5_000, long: 15_000 };
/** Of the top rate; and of the rate before, where that was too much. */
const SHARE = 0.7;
const TRIALS_MAX = 4;
const TRIAL_MS = { quick: 4_000, default: 15_000, long: 60_000 };
/** A rate is kept up with when the last session has ended this soon after its last event. */
const KEPT_UP_MS = 3_000;
/** What has not come after this is counted as missing. */
const GIVE_UP_MS = 300_000;
const POLL_MS = 250;
/** Last quarter against the second. */
const RATIO_MAX = 1.1;

export const endurance: Scenario = {
  name: 'endurance',
  question: 'Does memory stay where it is under steady load?',
  needsTime: true,
  async run(world, scale, say) {
    const up = await startUp(world);
    const pids = { ...world.pids, node: up.pid };
    try {
      if (Object.values(memoryMiB(pids)).some(Number.isNaN)) {
        say('left out: what a process holds is read from /proc, which is not here');
        return [];
      }
      const top = await topRate(world, up.pid, scale);
      say(`closed run: ${top.toFixed(0)} events/s`);
      const rate = await findRate(world, top, scale, say);
      const minutes = scale.pick(MINUTES);
      const samples: Sample[] = [];
      const sampler = setInterval(() => {
        samples.push({ at: Date.now(), memory: memoryMiB(pids) });
      }, scale.pick(SAMPLE_EVERY_MS));
      const stopSampling = () => {
        clearInterval(sampler);
      };
      const load = await play(world, rate, minutes * 60_000, stopSampling).finally(stopSampling);
      say(
        `${rate.toFixed(0)} events/s: ${load.waiting} messages waited when the last one was sent`,
      );
      const variant = `${minutes} min at ${rate.toFixed(0)} events/s`;
      return [
        ...loadResults(variant, rate / top, load),
        ...memoryResults(variant, pids, samples, scale),
      ];
    } finally {
      await up.stop();
    }
  },
};

interface Sample {
  readonly at: number;
  readonly memory: Figures;
}

interface Load {
  /** Messages that were not acknowledged when the last one had been sent. */
  readonly waiting: number;
  /** From the last event until the last session could be seen to have ended, or giving up. */
  readonly behindMs: number;
  readonly missing: number;
}

/** The backlog's top rate is no live one: events that come one by one cost more. */
async function findRate(
  world: World,
  top: number,
  scale: Scale,
  say: (line: string) => void,
): Promise<number> {
  let rate = top * SHARE;
  for (let trial = 1; trial <= TRIALS_MAX; trial += 1) {
    const { behindMs, waiting } = await play(world, rate, scale.pick(TRIAL_MS));
    say(
      `trial with ${rate.toFixed(0)} events/s: ${(behindMs / 1_000).toFixed(1)} s behind, ${waiting} messages waiting`,
    );
    if (behindMs <= KEPT_UP_MS) break;
    rate *= SHARE;
  }
  return rate;
}

/** @param onSent when the last event has been sent, and what is behind is waited for */
async function play(
  world: World,
  rate: number,
  ms: number,
  onSent: () => void = () => undefined,
): Promise<Load> {
  const project = world.project();
  const visits = planVisits(Date.now() + 1_000, rate, ms);
  await sendVisits(world, project, visits);
  onSent();
  const { num_pending: pending, num_ack_pending: held } = await world.nats.jsm.consumers.info(
    EVENTS_STREAM,
    EVENTS_CONSUMER,
  );
  const lastAt = Math.max(visits.at(-1)?.endAt ?? 0, Date.now());
  let ended = 0;
  while (ended < visits.length && Date.now() < lastAt + GIVE_UP_MS) {
    await sleep(POLL_MS);
    ended = (await endedIn(world, project)).sessions;
  }
  return {
    waiting: pending + held,
    behindMs: Date.now() - lastAt,
    missing: visits.length - ended,
  };
}

function loadResults(variant: string, share: number, load: Load): Result[] {
  const where = { scenario: 'endurance', variant };
  return [
    { ...where, metric: 'load, of the top rate of a backlog', unit: '%', value: share * 100 },
    { ...where, metric: 'waiting at the end', unit: 'messages', value: load.waiting },
    { ...where, metric: 'last end seen after it', unit: 's', value: load.behindMs / 1_000 },
    { ...where, metric: 'never seen to end', unit: 'sessions', value: load.missing },
  ];
}

function memoryResults(
  variant: string,
  pids: Pids,
  samples: readonly Sample[],
  { size }: Scale,
): Result[] {
  // The first quarter is the warm-up.
  const quarter = Math.floor(samples.length / 4);
  const second = samples.slice(quarter, 2 * quarter);
  const last = samples.slice(-quarter);
  return Object.keys(pids).flatMap((name): Result[] => {
    const of = (list: readonly Sample[]) => list.map(({ memory }) => memory[name] ?? NaN);
    const [before, after] = [spreadOf(of(second)), spreadOf(of(last))];
    const ratio = after.median / before.median;
    const where = { scenario: 'endurance', variant };
    const rss = (when: string, { median, min, max }: Spread): Result => ({
      ...where,
      metric: `RSS of ${name}, ${when} quarter`,
      unit: 'MiB',
      value: median,
      min,
      max,
    });
    return [
      rss('second', before),
      rss('last', after),
      {
        ...where,
        metric: `RSS of ${name}, last / second`,
        unit: 'x',
        value: ratio,
        // In less than half an hour caches still fill.
        ...(size === 'long' && { goal: `<= ${RATIO_MAX}`, reached: ratio <= RATIO_MAX }),
      },
      {
        ...where,
        metric: `RSS of ${name}, slope after the warm-up`,
        unit: 'MiB/10 min',
        value: slope(samples.slice(quarter), name) * 600_000,
      },
    ];
  });
}

/** Of the straight line with the least squares, MiB a millisecond. */
function slope(samples: readonly Sample[], name: string): number {
  const points = samples.map(({ at, memory }) => ({ x: at, y: memory[name] ?? NaN }));
  const mean = (list: readonly number[]) => list.reduce((a, b) => a + b, 0) / list.length;
  const x = mean(points.map((p) => p.x));
  const y = mean(points.map((p) => p.y));
  const over = points.reduce((sum, p) => sum + (p.x - x) * (p.y - y), 0);
  return over / points.reduce((sum, p) => sum + (p.x - x) ** 2, 0);
}
