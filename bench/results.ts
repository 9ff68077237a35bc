/**
 * The files of results, one for each size. Each scenario stands there with when, where and at which
 * commit it was measured, so that one of them can be measured again without the others.
 */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Result, Scale, Size } from './scenario.ts';

/** What was measured of one scenario, and under which circumstances. */
export interface Measured {
  readonly scenario: string;
  readonly date: string;
  readonly commit: string;
  readonly machine: object;
  readonly versions: Readonly<Record<string, string | undefined>>;
  readonly size: Size;
  readonly rounds: number;
  readonly seconds: number;
  readonly failed: boolean;
  readonly results: readonly Omit<Result, 'scenario'>[];
}

const FOLDER = fileURLToPath(new URL('results/', import.meta.url));
const FILES: Readonly<Record<Size, string>> = {
  quick: 'quick.json',
  default: 'latest.json',
  long: 'long.json',
};

/**
 * Puts one scenario in the place of what was there of it.
 * @param order names of all scenarios: the file has them in this order, and no others
 * @returns the file, as the reader knows it
 */
export function keep(measured: Measured, order: readonly string[]): string {
  const name = FILES[measured.size];
  const others = read(name).filter(({ scenario }) => scenario !== measured.scenario);
  const scenarios = [...others, measured]
    .filter(({ scenario }) => order.includes(scenario))
    .sort((a, b) => order.indexOf(a.scenario) - order.indexOf(b.scenario));
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(join(FOLDER, name), `${JSON.stringify({ scenarios }, null, 2)}\n`);
  return `bench/results/${name}`;
}

function read(name: string): readonly Measured[] {
  try {
    const text = readFileSync(join(FOLDER, name), 'utf8');
    const { scenarios } = JSON.parse(text) as { scenarios?: readonly Measured[] };
    return scenarios ?? [];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

/** Date, commit, machine and the versions of our libraries; the servers' come from themselves. */
export function circumstances(
  { size, rounds }: Scale,
  servers: Readonly<Record<string, string>>,
): Omit<Measured, 'scenario' | 'seconds' | 'failed' | 'results'> {
  const lock = JSON.parse(
    readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8'),
  ) as { packages: Record<string, { version?: string }> };
  const versionOf = (name: string) => lock.packages[`node_modules/${name}`]?.version;
  return {
    date: new Date().toISOString(),
    commit: commit(),
    machine: {
      cores: cpus().length,
      model: cpus()[0]?.model,
      memoryGiB: Math.round(totalmem() / 1024 ** 3),
      platform: `${process.platform} ${process.arch}`,
    },
    versions: {
      node: process.version,
      temporalSdk: versionOf('@temporalio/worker'),
      natsClient: versionOf('@nats-io/jetstream'),
      clickhouseClient: versionOf('@clickhouse/client'),
      ...servers,
    },
    size,
    rounds,
  };
}

/** With a mark where files that are measured differ from it. */
function commit(): string {
  const git = (args: readonly string[]) => execFileSync('git', args, { encoding: 'utf8' }).trim();
  try {
    const head = git(['rev-parse', '--short', 'HEAD']);
    const changed = git(['status', '--porcelain', '--untracked-files=no', '--', '*.ts', '*.sql']);
    return changed === '' ? head : `${head} (with changes)`;
  } catch {
    return 'unknown';
  }
}
