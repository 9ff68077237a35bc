/** CPU time and memory of processes, from /proc. Linux only: elsewhere the figures are NaN. */
import { readdirSync, readFileSync } from 'node:fs';

/** Clock ticks a second; 100 on every Linux that Node runs on. */
const TICKS = 100;

export type Pids = Readonly<Record<string, number>>;
export type Figures = Readonly<Record<string, number>>;

/** CPU time so far of each process and its children, milliseconds. */
export function cpuMs(pids: Pids): Figures {
  return mapPids(pids, (pid) => sumTree(pid, ticksOf) * (1_000 / TICKS));
}

/** A program by what its command line says; the embedded ClickHouse is hosted by a Node of its own. */
const PROGRAMS = [
  ['nats', /nats-server/],
  ['temporal', /temporal\b.*start-dev|temporal-server/],
  ['clickhouse', /clickhouse-host|clickhouse-server|clickhouse server/],
  ['redis', /redis-server|valkey-server/],
] as const;

/** CPU time so far of a process and all below it, by program, milliseconds; what is no server counts as `node`. */
export function cpuByProgram(root: number): Figures {
  const sums: Record<string, number> = { node: 0 };
  const visit = (pid: number): void => {
    const command = commandOf(pid);
    const name = PROGRAMS.find(([, pattern]) => pattern.test(command))?.[0] ?? 'node';
    sums[name] = (sums[name] ?? 0) + ticksOf(pid) * (1_000 / TICKS);
    for (const child of childrenOf(pid)) visit(child);
  };
  visit(root);
  return sums;
}

function commandOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

/** What CPU time went by between two readings, milliseconds. */
export function cpuBetween(before: Figures, after: Figures): Figures {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name] ?? 0)]),
  );
}

/** Resident memory of each process and its children, MiB. */
export function memoryMiB(pids: Pids): Figures {
  return mapPids(pids, (pid) => sumTree(pid, residentKiB) / 1_024);
}

export function total(figures: Figures): number {
  return Object.values(figures).reduce((a, b) => a + b, 0);
}

function mapPids(pids: Pids, measure: (pid: number) => number): Figures {
  return Object.fromEntries(Object.entries(pids).map(([name, pid]) => [name, measure(pid)]));
}

function sumTree(pid: number, measure: (pid: number) => number): number {
  return measure(pid) + childrenOf(pid).reduce((sum, child) => sum + sumTree(child, measure), 0);
}

function childrenOf(pid: number): number[] {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8')
        .split(' ')
        .filter(Boolean)
        .map(Number),
    );
  } catch {
    // Ended meanwhile, or no /proc here.
    return [];
  }
}

function ticksOf(pid: number): number {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // Fields after the command's closing bracket: user and system time are the 12th and 13th, those of
    // children that have ended the 14th and 15th.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0);
  } catch {
    return NaN;
  }
}

function residentKiB(pid: number): number {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+)/m.exec(status)?.[1] ?? 0);
  } catch {
    return NaN;
  }
}
