/** What something takes while it goes on: time, CPU and memory of every process that has a part in it. */
import { cpuBetween, cpuMs, type Figures, memoryMiB, type Pids, total } from './processes.ts';

const LOOK_EVERY_MS = 100;

export interface Taken {
  readonly seconds: number;
  /** Milliseconds, by process. */
  readonly cpu: Figures;
  /** The most that was seen of each process, MiB. */
  readonly memory: Figures;
}

/** Names a process that was started for it, so that it is looked at until it ends. */
export type Watch = (name: string, pid: number) => void;

/**
 * Does something and says what it took.
 * @param before processes that are there already
 */
export async function takenBy(before: Pids, run: (watch: Watch) => Promise<void>): Promise<Taken> {
  const started: Record<string, number> = {};
  const cpu: Record<string, number> = {};
  const memory: Record<string, number> = {};
  const look = () => {
    raise(cpu, cpuMs(started));
    raise(memory, memoryMiB({ ...before, ...started }));
  };
  const cpuBefore = cpuMs(before);
  const begin = performance.now();
  // A process that has ended has no figures any more: the last look, a tenth of a second before, is what counts.
  const ticker = setInterval(look, LOOK_EVERY_MS);
  try {
    await run((name, pid) => (started[name] = pid));
  } finally {
    clearInterval(ticker);
  }
  const seconds = (performance.now() - begin) / 1_000;
  look();
  return { seconds, cpu: { ...cpu, ...cpuBetween(cpuBefore, cpuMs(before)) }, memory };
}

function raise(most: Record<string, number>, now: Figures): void {
  for (const [name, value] of Object.entries(now)) {
    if (!Number.isNaN(value)) most[name] = Math.max(most[name] ?? 0, value);
  }
}

/** CPU of all processes for one of so many, microseconds. */
export function cpuMicros({ cpu }: Taken, count: number): number {
  return (total(cpu) * 1_000) / count;
}

/** The same, process by process, as a line for people. */
export function cpuDetail({ cpu }: Taken, count: number): string {
  return Object.entries(cpu)
    .map(([name, ms]) => `${name} ${((ms * 1_000) / count).toFixed(1)}`)
    .join(', ');
}
