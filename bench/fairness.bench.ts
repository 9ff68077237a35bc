/** Does a project wait for another one's queue, or for a session of it that takes nothing? */
import { EVENTS_STREAM, SESSION_WORKFLOW, sessionWorkflowId } from '../shared/ids.ts';
import { openLoop, percentileOf, type Sample } from './latency.bench.ts';
import { passThrough, pauseIngest, resumeIngest, startUp } from './pass-through.ts';
import type { Result, Scale, Scenario } from './scenario.ts';
import { publishSessions } from './traffic.ts';
import type { World } from './world.ts';

/** The small project's traffic. */
const RATE = 50;
const MEASURED_MS = { quick: 5_000, default: 20_000, long: 60_000 };
/** Messages of the session that takes nothing. */
const STUCK_MESSAGES = { quick: 3_000, default: 50_000, long: 50_000 };
/** Events of the project with the long queue, and of each of its sessions. */
const QUEUED_EVENTS = { quick: 5_000, default: 100_000, long: 100_000 };
const QUEUED_PER_SESSION = 20;

const PATHS = ['first event -> row', 'session_end -> row'] as const;

export const fairness: Scenario = {
  name: 'fairness',
  question: 'Does a project wait for another one’s queue, or for a session that takes nothing?',
  async run(world, scale, say) {
    const results: Result[] = [];
    const beside: readonly Beside[] = [
      ['alone', 2_000],
      [
        `beside a stuck session of ${scale.pick(STUCK_MESSAGES)} messages`,
        2_000,
        (project) => publishStuck(world, project, scale),
      ],
      [
        `beside ${scale.pick(QUEUED_EVENTS)} queued events`,
        3_000,
        (project) => publishQueue(world, project, scale),
      ],
    ];
    for (const [variant, goalMs, fill] of beside) {
      const samples = await measure(world, scale, fill);
      results.push(...summarise(variant, goalMs, samples));
      say(`${variant}: ${samples.length} samples`);
    }
    return results;
  },
};

/** What it is, what a p99 may be, milliseconds, and what to fill the queue with. */
type Beside = readonly [variant: string, goalMs: number, fill?: (project: string) => Promise<void>];

/** In a process of its own: what the last one still held must not be in the way. */
async function measure(world: World, scale: Scale, fill: Beside[2]): Promise<Sample[]> {
  const up = await startUp(world);
  const other = world.project();
  try {
    await passThrough(
      world,
      { node: up.pid },
      scale.pick({ quick: 20, default: 100, long: 100 }),
      5,
    );
    if (fill !== undefined) {
      await pauseIngest(world);
      await fill(other);
      await resumeIngest(world);
    }
    return await openLoop(world, RATE, scale.pick(MEASURED_MS));
  } finally {
    await up.stop();
    await world.nats.jsm.streams.purge(EVENTS_STREAM, { filter: `events.${other}.>` });
  }
}

async function publishQueue(world: World, project: string, scale: Scale): Promise<void> {
  const sessions = scale.pick(QUEUED_EVENTS) / QUEUED_PER_SESSION;
  await publishSessions(world, project, sessions, QUEUED_PER_SESSION);
}

/** Its workflow id belongs to a run that is no session's and can be asked nothing. */
async function publishStuck(world: World, project: string, scale: Scale): Promise<void> {
  const stranger = await world.temporal.workflow.start(SESSION_WORKFLOW, {
    workflowId: sessionWorkflowId(project, 's-0'),
    taskQueue: 'nobody-works-here',
  });
  await stranger.terminate();
  await publishSessions(world, project, 1, scale.pick(STUCK_MESSAGES));
}

function summarise(variant: string, goalMs: number, samples: readonly Sample[]): Result[] {
  return PATHS.flatMap((path) => {
    const mine = samples.filter((sample) => sample.path === path);
    return [50, 99].map((p): Result => {
      const value = percentileOf(mine, p);
      return {
        scenario: 'fairness',
        variant,
        metric: `${path}, p${p} of ${mine.length}`,
        unit: 'ms',
        value,
        ...(p === 99 && { goal: `<= ${goalMs}`, reached: value <= goalMs }),
      };
    });
  });
}
