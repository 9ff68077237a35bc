/** One of the processes that people and trackers speak to, alone, with its health. */
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { eventually } from './eventually.ts';
import type { FaultWorld } from './fault-world.ts';
import { spawnSojourn } from './pipeline.ts';

export interface DoorProcess {
  readonly url: string;
  /** Where its health is. */
  readonly health: string;
  /** SIGTERM, and wait. @returns the exit code */
  stop(): Promise<number | null>;
}

const ADDRESSES = { collect: 'COLLECT_URL', dashboard: 'DASHBOARD_URL' } as const;
const START_MS_MAX = 150_000;

/** @param children where the process is noted at once: whoever ends a test that failed kills it */
export async function startDoor(
  world: FaultWorld,
  command: keyof typeof ADDRESSES,
  children: ChildProcess[],
): Promise<DoorProcess> {
  const child = spawnSojourn(
    [command, '--port', '0', '--health-port', '0', '--data-dir', join(world.folder, command)],
    world.environment,
  );
  children.push(child);
  const exited = new Promise<number | null>((resolve) => child.once('close', resolve));
  let said = '';
  child.stdout?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr?.on('data', (chunk: Buffer) => (said += chunk.toString()));
  const found = await eventually(
    () => {
      const [url, health] = [ADDRESSES[command], 'HEALTH_URL'].map(
        (of) => new RegExp(`^${of}=(\\S+)`, 'm').exec(said)?.[1],
      );
      if (url === undefined || health === undefined) throw new Error(`not ready: ${said}`);
      return { url, health };
    },
    { withinMs: START_MS_MAX },
  );
  return {
    ...found,
    stop() {
      child.kill('SIGTERM');
      return exited;
    },
  };
}
