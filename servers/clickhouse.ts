/**
 * ClickHouse for one machine: a `clickhouse` that is on PATH, else the real server inside the npm
 * package chdb, in a host process of our own (`clickhouse-host.ts`). Both get the same two files.
 */
import { get } from 'node:http';
import { totalmem } from 'node:os';
import { extname } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { fileURLToPath } from 'node:url';
import type { Logger } from 'pino';
import { readAnalysts } from './analysts-file.ts';
import {
  writeClickhouseFiles,
  type ClickhouseFiles,
  type ClickhousePasswords,
} from './clickhouse-config.ts';
import { launch, untilReady, type RunningServer } from './guard.ts';
import { freePort } from './ports.ts';

export const CLICKHOUSE_ADMIN = 'sojourn_admin';
export const CLICKHOUSE_WRITER = 'sojourn_writer';
export const CLICKHOUSE_BI = 'sojourn_bi';
export const CLICKHOUSE_MARTS = 'sojourn_marts';

export interface ClickhouseServer extends RunningServer {
  readonly url: string;
  /** Of the native protocol, which Grafana and clickhouse-client like better. */
  readonly tcpPort: number;
  /** Whether its analysts are others by now: it takes them in when it starts. */
  areAnalystsChanged(): boolean;
}

export interface ClickhouseOptions {
  /** A `clickhouse` program. @default the embedded one */
  readonly binary?: string | undefined;
  readonly dataDir: string;
  readonly port: number;
  /** @default a free one */
  readonly tcpPort?: number | undefined;
  readonly users: ClickhousePasswords;
  readonly log: Logger;
}

const READY_TIMEOUT_MS = 120_000;
const PROBE_TIMEOUT_MS = 5_000;
/** A clean stop takes 1.5 s, and 5 s while a client keeps a connection open. */
const STOP_TIMEOUT_MS = 30_000;
const GIB = 1024 ** 3;

export async function startClickhouse(options: ClickhouseOptions): Promise<ClickhouseServer> {
  const { dataDir, port, users, log } = options;
  const tcpPort = options.tcpPort ?? (await freePort());
  // A quarter of the machine, but never so little that a large report fails for want of it.
  const memoryBytesMax = Math.round(Math.min(4 * GIB, Math.max(1.5 * GIB, totalmem() / 4)));
  const analysts = readAnalysts(dataDir);
  const files = writeClickhouseFiles({
    ...{ dataDir, httpPort: port, tcpPort, users, analysts, memoryBytesMax },
  });
  const { file, args } = commandFor(options.binary, files);
  const server = await launch({
    name: 'clickhouse',
    file,
    args,
    dataDir,
    log,
    stopTimeoutMs: STOP_TIMEOUT_MS,
  });
  const url = `http://127.0.0.1:${port}`;
  await untilReady(server, () => answers(port, users.adminPassword), {
    timeoutMs: READY_TIMEOUT_MS,
    explain: (lines) => explainFailure(lines, dataDir, port, tcpPort),
  });
  const areAnalystsChanged = () => !isDeepStrictEqual(readAnalysts(dataDir), analysts);
  return Object.assign(server, { url, tcpPort, areAnalystsChanged });
}

/** What the engine's error numbers mean to the person who started us. */
export function explainFailure(
  lines: string,
  dataDir: string,
  port: number,
  tcpPort: number,
): string | undefined {
  if (/Code: 76\b|Cannot lock file/.test(lines)) {
    return `the data folder ${dataDir} is in use by another ClickHouse server; stop it, or choose another folder with --data-dir`;
  }
  if (/Code: 210\b|Address already in use/.test(lines)) {
    return `ClickHouse could not listen: port ${port} or ${tcpPort} is in use; choose another with --clickhouse-port N`;
  }
  if (/ERR_MODULE_NOT_FOUND|MODULE_NOT_FOUND|Cannot find (package|module)/.test(lines)) {
    return 'the embedded ClickHouse is not installed: run `npm ci` without --omit=optional, or put `clickhouse` on PATH';
  }
  return undefined;
}

function commandFor(
  binary: string | undefined,
  files: ClickhouseFiles,
): { file: string; args: string[] } {
  if (binary !== undefined) {
    // Tested with a stand-in only: no machine of ours has had the program.
    return { file: binary, args: ['server', `--config-file=${files.config}`] };
  }
  const extension = extname(import.meta.url);
  const host = fileURLToPath(new URL(`./clickhouse-host${extension}`, import.meta.url));
  const loader = extension === '.ts' ? ['--import', import.meta.resolve('tsx/esm')] : [];
  return {
    file: process.execPath,
    args: [...loader, host, files.config, files.folder, files.startSql],
  };
}

/** Logged in, so that a stranger's server on this port is not taken for ours. */
function answers(port: number, adminPassword: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const request = get({
      ...{ host: '127.0.0.1', port, path: '/?query=SELECT%201' },
      headers: { 'X-ClickHouse-User': CLICKHOUSE_ADMIN, 'X-ClickHouse-Key': adminPassword },
      // No connection kept open: the server would wait for it when it stops.
      agent: false,
      timeout: PROBE_TIMEOUT_MS,
    });
    request.once('timeout', () => request.destroy(new Error('no answer')));
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      response.once('error', reject);
      response.once('end', () => {
        resolve(response.statusCode === 200);
      });
    });
  });
}
