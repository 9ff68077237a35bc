/**
 * The four real servers for integration tests. `useServers()` starts them once for a process,
 * before the first test that wants them, on free ports and in a folder of their own; the test files
 * that run in it, one after the other, share them and keep apart by names. A test that kills servers
 * takes a private set.
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
import { atEnd } from './at-end.ts';
import { onInterrupt } from './on-interrupt.ts';
import { loaderSays } from './loader-says.ts';
import { TEST_NAMESPACE, testStartOptions } from './servers-options.ts';

export { TEST_NAMESPACE, testStartOptions } from './servers-options.ts';

/** A first run may have to build the Temporal server. */
const FIRST_START_TIMEOUT_MS = 20 * 60_000;

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
    shared ??= startShared();
    servers = await shared;
  });
  afterEach('say what the loader waits for, where a test failed', async function () {
    const { currentTest: test } = this;
    if (test?.state !== 'failed' || test.err === undefined || servers === undefined) return;
    this.timeout(30_000);
    const said = await loaderSays(servers.temporal.address, TEST_NAMESPACE);
    test.err.stack = `${test.err.stack ?? test.err.message}\nthe loader: ${said}`;
  });
  return () => {
    if (servers === undefined) throw new Error('the servers are there in tests and hooks only');
    return servers;
  };
}

/** If the process dies before its end, the servers' guards stop them all the same. */
function startShared(): Promise<TestServers> {
  const starting = startPrivateServers();
  atEnd(async () => (await starting).stop());
  return starting;
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

process.once('exit', () => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
