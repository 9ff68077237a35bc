/**
 * A whole Sojourn as a user starts it: `up` of this tree or of another checkout, on free ports and a fresh
 * data folder, seen from outside only. So two builds can be measured in turns, each with its own servers.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import {
  type Environment,
  loadConfig,
  parseEnvFile,
  processEnvironment,
  requireServers,
} from '../platform/config.ts';
import { silentLog } from '../platform/log.ts';
import { connectNats, type Nats } from '../platform/nats.ts';
import { cpuByProgram, type Figures } from './processes.ts';
import { sleep } from './world.ts';

/** This checkout. */
export const HERE = fileURLToPath(new URL('..', import.meta.url));
const START_MS_MAX = 10 * 60_000;
const STOP_MS_MAX = 60_000;
const ANY_PORT = ['nats', 'temporal', 'temporal-ui', 'clickhouse', 'redis'].flatMap((name) => [
  `--${name}-port`,
  '0',
]);

export interface Tree {
  readonly nats: Nats;
  readonly tables: ClickHouseClient;
  /** CPU time so far, milliseconds, by program; all processes. */
  cpu(): Figures;
  stop(): Promise<void>;
}

/** A tree from before the page, the way in for trackers, or `/metrics`, does not know the flag. */
export function ownPorts(root: string): readonly string[] {
  return ['dashboard', 'collect', 'health'].flatMap((name) =>
    existsSync(join(root, name)) ? [`--${name}-port`, '0'] : [],
  );
}

/** @throws Error where `up` ends by itself or does not get going */
export async function startTree(root: string): Promise<Tree> {
  const dataDir = mkdtempSync(join(tmpdir(), 'sojourn-bench-tree-'));
  const { PATH = '', HOME = '' } = processEnvironment();
  const child = spawn(
    process.execPath,
    [join(root, 'bin', 'sojourn.mjs'), 'up', '--data-dir', dataDir, ...ANY_PORT, ...ownPorts(root)],
    { cwd: root, env: { PATH, HOME }, stdio: ['ignore', 'pipe', 'pipe'] },
  );
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => (log = (log + chunk.toString()).slice(-20_000)));
  }
  const killAtExit = () => child.kill('SIGKILL');
  process.once('exit', killAtExit);
  const exited = new Promise((resolve) => child.once('close', resolve));
  const deadline = Date.now() + START_MS_MAX;
  while (!log.includes('ingest started')) {
    if (child.exitCode !== null || Date.now() > deadline) {
      child.kill('SIGTERM');
      throw new Error(`up of ${root} did not start: ${log}`);
    }
    await sleep(50);
  }
  const environment: Environment = parseEnvFile(readFileSync(join(dataDir, 'env'), 'utf8'));
  const config = requireServers(loadConfig(environment), ['NATS_URL', 'CLICKHOUSE_URL']);
  const nats = await connectNats(config, 'bench', silentLog);
  const tables = createClient({
    url: config.CLICKHOUSE_URL,
    username: config.CLICKHOUSE_BI_USER,
    password: environment['CLICKHOUSE_BI_PASSWORD'] ?? '',
    database: 'sojourn',
  });
  return {
    nats,
    tables,
    cpu: () => cpuByProgram(child.pid ?? 0),
    async stop() {
      await nats.connection.close();
      await tables.close();
      child.kill('SIGTERM');
      const timer = setTimeout(killAtExit, STOP_MS_MAX);
      await exited;
      clearTimeout(timer);
      process.off('exit', killAtExit);
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}
