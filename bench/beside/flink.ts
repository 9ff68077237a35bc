/** Apache Flink with the job in `flink/`: built by Maven when it is asked for, run in a process of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { processEnvironment } from '../../platform/config.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import type { EventFile } from '../import-file.ts';
import { type Taken, takenBy } from '../taken.ts';
import type { World } from '../world.ts';
import { emptyDatabase } from './database.ts';

export const FLINK_DATABASE = 'sojourn_beside_flink';

const SOURCES = fileURLToPath(new URL('flink/', import.meta.url));
/** Flink's serializers look into these. */
const OPENED = ['java.base/java.lang', 'java.base/java.util', 'java.base/java.time'];
/** A usual task manager has 1,728 MiB in all. */
const HEAP = '-Xmx1g';

export interface Flink {
  /** @throws Error where the job fails */
  run(file: EventFile, project: string): Promise<FlinkTaken>;
  remove(): void;
}

export interface FlinkTaken extends Taken {
  /** Until the job is handed to the cluster, seconds. */
  readonly startSeconds: number;
}

/** Builds the job. @returns why not, where there is no JDK, no Maven, or Maven gets no libraries */
export function buildFlink(world: World): Flink | string {
  const { PATH = '', HOME = '' } = processEnvironment();
  for (const [program, word] of [
    ['javac', '-version'],
    ['mvn', '-version'],
  ] as const) {
    try {
      execFileSync(program, [word], { stdio: 'ignore' });
    } catch {
      return `no ${program} here`;
    }
  }
  const built = mkdtempSync(join(tmpdir(), 'sojourn-bench-flink-'));
  try {
    execFileSync('mvn', ['-q', '-B', 'package', `-Dbuilt=${built}`], {
      cwd: SOURCES,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
  } catch (error) {
    rmSync(built, { recursive: true, force: true });
    const { stdout } = error as { readonly stdout?: Buffer };
    return `Maven could not build the job: ${stdout?.toString().split('\n')[0] ?? String(error)}`;
  }
  return {
    async run({ path, disorderMs }, project) {
      await emptyDatabase(world, FLINK_DATABASE);
      const checkpoints = mkdtempSync(join(tmpdir(), 'sojourn-bench-checkpoints-'));
      const { clickhouse = 0 } = world.pids;
      const begin = performance.now();
      let startSeconds = NaN;
      try {
        const taken = await takenBy({ clickhouse }, async (watch) => {
          const words = [
            ...[HEAP, ...OPENED.map((name) => `--add-opens=${name}=ALL-UNNAMED`)],
            ...['-cp', [join(built, 'beside-flink.jar'), join(built, 'lib', '*')].join(':')],
            ...['beside.Job', path, checkpoints, String(disorderMs)],
          ];
          const child = spawn('java', words, {
            env: {
              ...{ PATH, HOME, CLICKHOUSE_URL: world.config.CLICKHOUSE_URL },
              CLICKHOUSE_USER: CLICKHOUSE_ADMIN,
              CLICKHOUSE_PASSWORD: world.servers.secrets.clickhouse.adminPassword,
              ...{ CLICKHOUSE_DATABASE: FLINK_DATABASE, PROJECT: project },
            },
            stdio: ['ignore', 'pipe', 'pipe'],
          });
          watch('flink', child.pid ?? 0);
          let errors = '';
          child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
          child.stdout.once('data', () => (startSeconds = (performance.now() - begin) / 1_000));
          const [code] = (await once(child, 'close')) as [number | null];
          if (code !== 0) throw new Error(`Flink ended with ${code}: ${errors.slice(0, 2_000)}`);
        });
        return { ...taken, startSeconds };
      } finally {
        rmSync(checkpoints, { recursive: true, force: true });
      }
    },
    remove() {
      rmSync(built, { recursive: true, force: true });
    },
  };
}
