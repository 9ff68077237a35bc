/**
 * An installation on a data folder as `up` keeps it, whose stores can be copied and put back one by one while it stands
 * still. Servers and pipeline start apart, so that something can be done to the stores before anybody works on them.
 */
import { cpSync, existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { type JetStreamManager, jetstreamManager } from '@nats-io/jetstream';
import type { Status } from '../../operations/observe.ts';
import type { Audit } from '../../operations/audit-tables.ts';
import { parseEnvFile } from '../../platform/config.ts';
import { SERVER_NAMES, type ServerName } from '../../servers/index.ts';
import {
  ANY_PORTS,
  type Around,
  connectAround,
  environmentOf,
  type KnownServers,
  type PipelineProcess,
  sojourn,
  startPipelineProcess,
} from './pipeline.ts';
import { startPrivateServers, temporaryFolder } from './servers.ts';

/** The stores, running, with nobody at work on them. */
export interface Stores {
  readonly servers: KnownServers;
  readonly around: Around;
  readonly jsm: JetStreamManager;
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

export interface Installation {
  /** Starts the four servers on what lies in the folder. */
  openStores(): Promise<Stores>;
  /** Ingest and worker; the schema is brought up to date first, as at every start of `up`. */
  startPipeline(stores: Stores): Promise<PipelineProcess>;
  /** What `/readyz` of that process answers with. */
  readiness(): Promise<{ readonly code: number; readonly body: string }>;
  /** Copies all stores, which stand still. */
  copyAs(name: string): Promise<void>;
  /** One store as it was when it was copied; without a name as a new one. */
  putBack(store: ServerName, name: string | undefined): Promise<void>;
}

export function createInstallation(settings: Readonly<Record<string, string>>): Installation {
  const dataDir = join(temporaryFolder(), 'data');
  const copies = temporaryFolder();
  return {
    async openStores() {
      const servers = await startPrivateServers({ dataDir });
      return connectStores(servers, () => servers.stop());
    },
    ...pipelineIn(join(dataDir, 'up'), settings),
    copyAs(name) {
      for (const store of SERVER_NAMES) copyFolder(join(dataDir, store), join(copies, name, store));
      return Promise.resolve();
    },
    putBack(store, name) {
      rmSync(join(dataDir, store), { recursive: true, force: true });
      if (name !== undefined) copyFolder(join(copies, name, store), join(dataDir, store));
      return Promise.resolve();
    },
  };
}

export async function connectStores(
  servers: KnownServers,
  stop: () => Promise<void>,
): Promise<Stores> {
  const around = await connectAround(servers);
  const jsm = await jetstreamManager(around.nc, { checkAPI: false });
  return {
    servers,
    around,
    jsm,
    environment: environmentOf(servers),
    async stop() {
      await around.close();
      await stop();
    },
  };
}

/** Ingest and worker of an installation, in one process. */
export function pipelineIn(
  upDir: string,
  settings: Readonly<Record<string, string>>,
): Pick<Installation, 'startPipeline' | 'readiness'> {
  return {
    startPipeline: ({ servers }) =>
      startPipelineProcess(servers, settings, ['up', '--data-dir', upDir, ...ANY_PORTS]),
    async readiness() {
      const { HEALTH_URL = '' } = parseEnvFile(readFileSync(join(upDir, 'env'), 'utf8'));
      const answer = await fetch(`${HEALTH_URL}/readyz`);
      return { code: answer.status, body: await answer.text() };
    },
  };
}

/** Links of ClickHouse's folder stay as they are, as `cp -a` leaves them. */
function copyFolder(from: string, to: string): void {
  if (!existsSync(from)) throw new Error(`there is no folder ${from}`);
  cpSync(from, to, { recursive: true, verbatimSymlinks: true });
}

export async function statusOf({ environment }: Stores): Promise<Status> {
  const { code, stdout, stderr } = await sojourn(['status', '--json'], environment);
  if (code !== 0) throw new Error(`status ended with ${String(code)}: ${stderr}`);
  return JSON.parse(stdout) as Status;
}

/** What `sojourn audit` finds in all projects, and its exit code. */
export async function auditOf({
  environment,
}: Stores): Promise<Audit & { readonly code: number | null }> {
  const { code, stdout, stderr } = await sojourn(['audit', '--json'], environment);
  if (stdout === '') throw new Error(`audit ended with ${String(code)}: ${stderr}`);
  return { code, ...(JSON.parse(stdout) as Audit) };
}
