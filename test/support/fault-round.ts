/** One round of a fault run: traffic and faults at the same time, then everything has to be right. */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from './eventually.ts';
import { inflictAll, inflictQuietly, type Scene } from './fault-inflict.ts';
import type { RoundPlan } from './fault-plan.ts';
import type { Traffic } from './fault-traffic.ts';
import type { FaultWorld } from './fault-world.ts';
import type { Random } from './random.ts';
import type { ReferenceEvent } from './reference.ts';
import { wrongRows } from './wrong-rows.ts';

export interface RoundResult {
  /** What happened and when, in the order it happened. */
  readonly diary: readonly string[];
  readonly messages: number;
  /** From the end of all faults until everything was right. */
  readonly recoveryMs: number;
  /** Ends of a process after SIGTERM that were not clean, or not soon. */
  readonly badStops: readonly string[];
  /** What has to be right from then on: the round's traffic, and what operators added. */
  readonly expected: Expected;
}

export type Expected = Pick<Traffic, 'events' | 'sessionIds'> & {
  /** Other projects, whose rows only are compared. */
  readonly beside?: ReadonlyMap<string, readonly ReferenceEvent[]>;
};

interface Round {
  readonly traffic: Traffic;
  readonly plan: RoundPlan;
  readonly random: Random;
}

/** @throws an error that tells what is wrong, with the diary, where it does not come right in time */
export async function playRound(
  world: FaultWorld,
  project: string,
  { traffic, plan, random }: Round,
  recoveryMsMax: number,
): Promise<RoundResult> {
  const { scene, diary, expected } = openScene(world, project, traffic, random);
  const pair = plan.isCluster
    ? [world.run('worker', ['worker']), world.run('ingest', ['ingest'])]
    : [];
  const untilRight = async () => {
    await world.heal();
    scene.note('everything heals');
    await published;
    const healedAt = Date.now();
    await eventually(() => assertRight(world, project, expected), {
      withinMs: recoveryMsMax,
      everyMs: 300,
    });
    scene.note('everything is right');
    return Date.now() - healedAt;
  };

  const published = publishAll(world, project, traffic);
  let recoveryMs = 0;
  try {
    await inflictAll(scene, plan.faults);
    recoveryMs = await untilRight();
    if (await inflictQuietly(scene, plan.faults)) {
      recoveryMs = Math.max(recoveryMs, await untilRight());
    }
  } catch (error) {
    throw new Error([(error as Error).message, ...diary].join('\n'), { cause: error });
  } finally {
    for (const process of pair) {
      const { code, tookMs } = await world.end(process);
      if (code !== 0) scene.badStops.push(`${process.name} ended with ${code} after ${tookMs} ms`);
    }
  }
  return {
    diary,
    messages: traffic.messages.length,
    recoveryMs,
    badStops: scene.badStops,
    expected,
  };
}

function openScene(
  world: FaultWorld,
  project: string,
  { events, sessionIds }: Traffic,
  random: Random,
): { scene: Scene; diary: readonly string[]; expected: Expected } {
  const diary: string[] = [];
  const began = Date.now();
  const all = [...events];
  const beside = new Map<string, readonly ReferenceEvent[]>();
  const scene: Scene = {
    world,
    project,
    random,
    badStops: [],
    note: (text) => {
      diary.push(`${((Date.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
    },
    expectEvent: (event) => {
      all.push(event);
    },
    expectBeside: (other, its) => {
      beside.set(other, its);
    },
  };
  return { scene, diary, expected: { events: all, sessionIds, beside } };
}

async function publishAll(world: FaultWorld, project: string, { messages }: Traffic) {
  await Promise.all(
    messages.map(async ({ atMs, payload, messageId }) => {
      await sleep(atMs);
      await world.publish(project, payload, messageId);
    }),
  );
}

interface SessionLine {
  readonly session_id: string;
  readonly runs: number;
  readonly lines: number;
  readonly open: number;
}

/** What is asked whether everything is right. */
export type Asked = Pick<
  FaultWorld,
  'around' | 'unfinishedEvents' | 'deadLetters' | 'openSessions'
>;

/** The metrics are those of the events, each session is one and has ended, and nothing waits. */
export async function assertRight(
  world: Asked,
  project: string,
  { events, sessionIds, beside = new Map() }: Expected,
): Promise<void> {
  const [unfinished, deadLetters, rows, sessions] = await Promise.all([
    world.unfinishedEvents(),
    world.deadLetters(),
    world.around.rows(project),
    world.around.select<SessionLine>(
      `SELECT session_id, toUInt32(uniqExact(first_run_id)) AS runs, toUInt32(count()) AS lines,
         toUInt32(countIf(state = 'open')) AS open
       FROM sojourn.sessions_current WHERE project = '${project}' GROUP BY session_id`,
    ),
  ]);
  const wrong = [
    ...(unfinished > 0 ? [`${unfinished} messages of EVENTS are not acknowledged`] : []),
    ...(deadLetters > 0 ? [`${deadLetters} dead letters`] : []),
    ...wrongRows(rows, events),
    ...wrongSessions(sessions, sessionIds),
    ...(await wrongBeside(world, beside)),
  ];
  if (wrong.length > 0) throw new Error(wrong.slice(0, 40).join('\n'));
  const open = await world.openSessions(project);
  if (open > 0) throw new Error(`${open} sessions of ${project} still run in Temporal`);
}

async function wrongBeside(
  world: Pick<FaultWorld, 'around'>,
  beside: ReadonlyMap<string, readonly ReferenceEvent[]>,
): Promise<string[]> {
  const wrong: string[] = [];
  for (const [project, events] of beside) {
    const rows = wrongRows(await world.around.rows(project), events);
    wrong.push(...rows.map((text) => `${project}: ${text}`));
  }
  return wrong;
}

function wrongSessions(lines: readonly SessionLine[], expected: ReadonlySet<string>): string[] {
  const found = new Set(lines.map(({ session_id }) => session_id));
  return [
    ...[...expected].filter((id) => !found.has(id)).map((id) => `session ${id} is missing`),
    ...[...found].filter((id) => !expected.has(id)).map((id) => `session ${id} is a ghost`),
    ...lines.flatMap(({ session_id, runs, lines: n, open }) => [
      ...(runs > 1 || n > 1 ? [`session ${session_id} was split: ${runs} runs, ${n} lines`] : []),
      ...(open > 0 ? [`session ${session_id} has not ended`] : []),
    ]),
  ];
}
