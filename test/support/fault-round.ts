/** One round of a fault run: traffic and faults at the same time, then everything has to be right. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVER_NAMES } from '../../servers/index.ts';
import { eventually } from './eventually.ts';
import { type Fault, nameOf, type RoundPlan, type TimedFault } from './fault-plan.ts';
import type { Traffic } from './fault-traffic.ts';
import type { FaultWorld } from './fault-world.ts';
import { pick, type Random } from './random.ts';
import { type ReferenceEvent, referenceRows, type ReferenceRows } from './reference.ts';

export interface RoundResult {
  /** What happened and when, in the order it happened. */
  readonly diary: readonly string[];
  readonly messages: number;
  /** From the end of all faults until everything was right. */
  readonly recoveryMs: number;
  /** Ends of a process after SIGTERM that were not clean, or not soon. */
  readonly badStops: readonly string[];
}

/** A stop is waited for this long by whoever deploys. */
const STOP_MS_MAX = 25_000;

/** @throws an error that tells what is wrong, with the diary, where it does not come right in time */
export async function playRound(
  world: FaultWorld,
  project: string,
  { traffic, plan, random }: { traffic: Traffic; plan: RoundPlan; random: Random },
  recoveryMsMax: number,
): Promise<RoundResult> {
  const diary: string[] = [];
  const badStops: string[] = [];
  const began = Date.now();
  const note = (text: string) => {
    diary.push(`${((Date.now() - began) / 1_000).toFixed(1).padStart(6)} s  ${text}`);
  };
  const pair = plan.isCluster
    ? [world.run('worker', ['worker']), world.run('ingest', ['ingest'])]
    : [];

  const published = Promise.all(
    traffic.messages.map(async ({ atMs, payload, messageId }) => {
      await sleep(atMs);
      await world.publish(project, payload, messageId);
    }),
  );
  await inflictAll(world, plan.faults, random, note, badStops);
  await world.heal();
  note('everything heals');
  await published;
  note(`all ${traffic.messages.length} messages acknowledged`);
  const healedAt = Date.now();

  let ms = 0;
  try {
    await eventually(() => assertRight(world, project, traffic), {
      withinMs: recoveryMsMax,
      everyMs: 300,
    });
    ms = Date.now() - healedAt;
    note('everything is right');
  } catch (error) {
    throw new Error([(error as Error).message, ...diary].join('\n'), { cause: error });
  } finally {
    for (const process of pair) {
      const { code, tookMs } = await world.end(process);
      if (code !== 0) badStops.push(`${process.name} ended with ${code} after ${tookMs} ms`);
    }
  }
  return { diary, messages: traffic.messages.length, recoveryMs: ms, badStops };
}

async function inflictAll(
  world: FaultWorld,
  faults: readonly TimedFault[],
  random: Random,
  note: (text: string) => void,
  badStops: string[],
): Promise<void> {
  // Two faults of one target come one after the other.
  const queues = new Map<string, Promise<void>>();
  const inTurn = (targets: readonly string[], run: () => Promise<void>) => {
    const before = Promise.all(targets.map((target) => queues.get(target) ?? Promise.resolve()));
    const after = before.then(run);
    for (const target of targets) queues.set(target, after);
    return after;
  };
  await Promise.all(
    [...faults]
      .sort((a, b) => a.atMs - b.atMs)
      .map(async ({ fault, atMs, forMs }) => {
        await sleep(atMs);
        await inTurn(targetsOf(fault), async () => {
          note(`${nameOf(fault)}, for ${forMs} ms`);
          await inflict(world, fault, forMs, random, badStops);
          note(`${nameOf(fault)} is over`);
        });
      }),
  );
}

function targetsOf({ target }: Fault): readonly string[] {
  return target === 'all' ? [...SERVER_NAMES, 'process'] : [target];
}

async function inflict(
  world: FaultWorld,
  fault: Fault,
  forMs: number,
  random: Random,
  badStops: string[],
): Promise<void> {
  const processes = [...world.processes];
  switch (fault.kind) {
    case 'kill':
      if (fault.target === 'all') for (const one of processes) one.kill();
      if (fault.target === 'process') pick(random, processes).kill();
      else await world.crash(fault.target === 'all' ? SERVER_NAMES : [fault.target], forMs);
      return;
    case 'stop': {
      const victim = pick(random, processes);
      const { isReady } = victim;
      const { code, tookMs } = await victim.restart();
      // One that is still starting may as well fail at its start.
      if (isReady && (code !== 0 || tookMs > STOP_MS_MAX)) {
        badStops.push(`${victim.name}: exit code ${String(code)} ${tookMs} ms after SIGTERM`);
      }
      return;
    }
    default: {
      const proxy = world.proxies[fault.target];
      proxy.set(fault.kind);
      await sleep(forMs);
      proxy.set('pass');
    }
  }
}

interface SessionLine {
  readonly session_id: string;
  readonly runs: number;
  readonly lines: number;
  readonly open: number;
}

/** The metrics are those of the events, each session is one and has ended, and nothing waits. */
export async function assertRight(
  world: FaultWorld,
  project: string,
  traffic: Traffic,
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
    ...wrongRows(rows, traffic.events),
    ...wrongSessions(sessions, traffic.sessionIds),
  ];
  if (wrong.length > 0) throw new Error(wrong.slice(0, 40).join('\n'));
  const open = await world.openSessions(project);
  if (open > 0) throw new Error(`${open} sessions of ${project} still run in Temporal`);
}

/** Rows of one that the other does not have, or has otherwise. */
export function wrongRows(got: ReferenceRows, events: readonly ReferenceEvent[]): string[] {
  const want = referenceRows(events);
  const text = (rows: ReferenceRows, key: string) => {
    const amount = rows.get(key);
    return amount === undefined ? 'nothing' : `${amount.value} / ${amount.count}`;
  };
  return [...new Set([...got.keys(), ...want.keys()])]
    .filter((key) => text(got, key) !== text(want, key))
    .filter((key) => text(got, key) !== '0 / 0' || want.has(key))
    .map((key) => `row ${key}: ${text(got, key)}, should be ${text(want, key)}`);
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
