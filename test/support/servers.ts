/**
 * The four real servers for integration tests. `useServers()` starts them once for a whole run,
 * before the first test that wants them, on free ports and in a folder of their own; the test files
 * share them and keep apart by names. A test that kills servers takes a private set.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  startServers,
  type ClickhouseServer,
  type NatsServer,
  type RedisServer,
  type Servers,
  type StartOptions,
  type TemporalServer,
} from '../../servers/index.ts';
import { onInterrupt } from './on-interrupt.ts';
import { testStartOptions } from './servers-options.ts';

export { TEST_NAMESPACE, testStartOptions } from './servers-options.ts';

/** A first run may have to build the Temporal server. */
const FIRST_START_TIMEOUT_MS = 20 * 60_000;
const STOP_TIMEOUT_MS = 60_000;

/** All four, running. */
export interface TestServers extends Servers {
  readonly nats: NatsServer;
  readonly temporal: TemporalServer;
  readonly clickhouse: ClickhouseServer;
  readonly redis: RedisServer;
  readonly dataDir: string;
}

let shared: Promise<TestServers> | undefined;
const folders = new Set<string>();

/** Call it in a `describe`; the servers are there once its tests run. */
export function useServers(): () => TestServers {
  let servers: TestServers | undefined;
  before('start the servers', async function () {
    this.timeout(FIRST_START_TIMEOUT_MS);
    shared ??= startPrivateServers();
    servers = await shared;
  });
  return () => {
    if (servers === undefined) throw new Error('the servers are there in tests and hooks only');
    return servers;
  };
}

/** A set that no other test sees; the caller stops it. */
export async function startPrivateServers(
  options: Partial<StartOptions> = {},
): Promise<TestServers> {
  const dataDir = options.dataDir ?? temporaryFolder();
  const servers = await startServers({ ...testStartOptions(dataDir), ...options });
  onInterrupt(() => servers.stop());
  return Object.defineProperties(
    {},
    {
      ...Object.getOwnPropertyDescriptors(servers),
      dataDir: { value: dataDir },
    },
  ) as TestServers;
}

/** A folder that is removed at the end of the run. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sojourn-test-'));
  folders.add(folder);
  return folder;
}

// At the top of a file this is a hook of the whole run, after the last test. If Mocha dies before
// it, the servers' guards end them all the same.
// (The recorder of histories uses private sets, outside Mocha.)
if (typeof after === 'function') {
  after('stop the servers', async function () {
    this.timeout(STOP_TIMEOUT_MS);
    await (await shared)?.stop();
  });
}

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
