/** Lets the faults of a round happen: at their times, and those that would undo each other one after the other. */
import { setTimeout as sleep } from 'node:timers/promises';
import { SERVER_NAMES } from '../../servers/index.ts';
import { type Kind, type KindName, kindOf } from './fault-kinds.ts';
import { type Fault, nameOf, type TimedFault } from './fault-plan.ts';
import type { FaultWorld } from './fault-world.ts';
import type { Doing } from './operators/doing.ts';
import { pick } from './random.ts';

/** Where faults happen, and what is written down about them. */
export interface Scene extends Omit<Doing, 'forMs'> {
  readonly badStops: string[];
}

/** A stop is waited for this long by whoever deploys. */
const STOP_MS_MAX = 25_000;

/** Everything but what operators do in quiet. */
export async function inflictAll(scene: Scene, faults: readonly TimedFault[]): Promise<void> {
  const turns = createTurns();
  const began = Date.now();
  const loud = faults.filter(({ fault }) => quietKind(fault) === undefined);
  // What failed is told once all is over: what it left behind must not go on into the next round.
  const results = await Promise.allSettled(
    [...loud]
      .sort((a, b) => a.atMs - b.atMs)
      .map(async ({ fault, atMs, forMs }) => {
        await sleep(began + atMs - Date.now());
        await turns.take(claimOf(fault), () => noted(scene, fault, forMs));
      }),
  );
  for (const result of results) if (result.status === 'rejected') throw result.reason;
}

/** What operators do in quiet, one after the other. @returns whether there was any */
export async function inflictQuietly(
  scene: Scene,
  faults: readonly TimedFault[],
): Promise<boolean> {
  const quiet = faults.filter(({ fault }) => quietKind(fault) !== undefined);
  for (const { fault, forMs } of quiet) await noted(scene, fault, forMs);
  return quiet.length > 0;
}

function quietKind(fault: Fault): Kind | undefined {
  const kind = fault.kind === 'operator' ? kindOf(fault.target) : undefined;
  return kind?.isQuiet === true ? kind : undefined;
}

async function noted(scene: Scene, fault: Fault, forMs: number): Promise<void> {
  scene.note(`${nameOf(fault)}, for ${forMs} ms`);
  try {
    await inflict(scene, fault, forMs);
  } catch (error) {
    throw new Error(`${nameOf(fault)}: ${(error as Error).message}`, { cause: error });
  }
  scene.note(`${nameOf(fault)} is over`);
}

/** Whom a fault stops, and whom it needs to be there. */
interface Claim {
  readonly stops: readonly string[];
  readonly needs: readonly string[];
}

function claimOf(fault: Fault): Claim {
  if (fault.kind === 'operator') {
    const { needs, stops = [] } = kindOf(fault.target);
    return { stops, needs };
  }
  const { target } = fault;
  return { stops: target === 'all' ? [...SERVER_NAMES, 'process'] : [target], needs: [] };
}

/** Whoever stops something waits for everybody before him, whoever needs it for those who stop it. */
function createTurns(): { take(claim: Claim, run: () => Promise<void>): Promise<void> } {
  const stopping = new Map<string, Promise<unknown>>();
  const needing = new Map<string, Promise<unknown>[]>();
  return {
    take({ stops, needs }, run) {
      const before = [
        ...[...stops, ...needs].flatMap((name) => stopping.get(name) ?? []),
        ...stops.flatMap((name) => needing.get(name) ?? []),
      ];
      const turn = Promise.allSettled(before).then(run);
      for (const name of stops) stopping.set(name, turn);
      for (const name of needs) needing.set(name, [...(needing.get(name) ?? []), turn]);
      return turn;
    },
  };
}

async function inflict(scene: Scene, fault: Fault, forMs: number): Promise<void> {
  const { world, random } = scene;
  const processes = [...world.processes];
  switch (fault.kind) {
    case 'operator':
      await actAs(fault.target, { ...scene, forMs });
      return;
    case 'kill':
      if (fault.target === 'all') for (const one of processes) one.kill();
      if (fault.target === 'process') pick(random, processes).kill();
      else await world.crash(fault.target === 'all' ? SERVER_NAMES : [fault.target], forMs);
      return;
    case 'stop':
      await stopOne(scene);
      return;
    default:
      await disturb(world, fault, forMs);
  }
}

function actAs(name: KindName, doing: Doing): Promise<void> {
  return kindOf(name).act(doing);
}

async function stopOne({ world, random, badStops }: Scene): Promise<void> {
  const victim = pick(random, [...world.processes]);
  const { isReady } = victim;
  const { code, tookMs } = await victim.restart();
  // One that is still starting may as well fail at its start.
  if (isReady && (code !== 0 || tookMs > STOP_MS_MAX)) {
    badStops.push(`${victim.name}: exit code ${String(code)} ${tookMs} ms after SIGTERM`);
  }
}

async function disturb(
  world: FaultWorld,
  { kind, target }: Exclude<Fault, { readonly kind: 'operator' | 'kill' | 'stop' }>,
  forMs: number,
): Promise<void> {
  const proxy = world.proxies[target];
  proxy.set(kind);
  await sleep(forMs);
  proxy.set('pass');
}
