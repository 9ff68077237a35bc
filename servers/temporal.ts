/**
 * The Temporal development server on a SQLite file: one machine, one history shard, with UI.
 * Everything is found again at the next start on the same folder. A new folder begins with a
 * database that lacks most indexes of the list of workflows (temporal-template.ts); one that has
 * been started before is left as it is.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import type { Logger } from 'pino';
import { processEnvironment } from '../platform/config.ts';
import { toError } from '../shared/errors.ts';
import { launch, untilReady, type RunningServer } from './guard.ts';
import { findOrMakeTemplate } from './temporal-template.ts';

export interface TemporalServer extends RunningServer {
  readonly address: string;
  readonly uiUrl: string;
}

export interface TemporalOptions {
  readonly binary: string;
  readonly dataDir: string;
  /** Where the database of new data folders is kept, shared by all of them. */
  readonly cacheDir: string;
  readonly port: number;
  readonly uiPort: number;
  readonly namespace: string;
  /** Name → type (Text, Keyword, Int, Double, Bool, Datetime, KeywordList), of a new data folder. */
  readonly searchAttributes: Readonly<Record<string, string>>;
  /** Further server settings, or others than ours. */
  readonly dynamicConfig?: Readonly<Record<string, string | number | boolean>>;
  readonly log: Logger;
}

const READY_TIMEOUT_MS = 90_000;
const PROBE_TIMEOUT_MS = 2_000;

/**
 * The server's own rate limits protect a cluster shared by strangers; here they would only slow
 * down the one user there is. The jitter is what the retention of a closed session may be late by
 * (default 30 min); the retention itself is the namespace's (24 h when made here, at least 1 h:
 * that floor is a constant of the server), which `sojourn migrate` sets to LATE_WINDOW.
 */
export const DYNAMIC_CONFIG: Readonly<Record<string, string | number | boolean>> = {
  'frontend.rps': 100_000,
  'frontend.namespaceRPS': 100_000,
  'frontend.namespaceRPS.visibility': 1_000,
  'frontend.namespaceCount': 20_000,
  'frontend.persistenceMaxQPS': 100_000,
  'history.rps': 100_000,
  'history.persistenceMaxQPS': 200_000,
  'history.retentionTimerJitterDuration': '1m',
  'matching.rps': 100_000,
  'matching.persistenceMaxQPS': 100_000,
  'worker.persistenceMaxQPS': 10_000,
  'system.enableActivityEagerExecution': true,
  'system.enableEagerWorkflowStart': true,
  // The list of workflows is brought up to date three times a second, not twenty: a session that ends
  // meanwhile is written into it once, not twice.
  'history.visibilityProcessorMaxPollRPS': 3,
  'history.visibilityTaskBatchSize': 1_000,
  // The development server reads them from its database for each start and each end of a workflow, three times.
  'system.forceSearchAttributesCacheRefreshOnRead': false,
  'system.visibilityPersistenceMaxReadQPS': 100_000,
  'system.visibilityPersistenceMaxWriteQPS': 100_000,
};

export async function startTemporal(options: TemporalOptions): Promise<TemporalServer> {
  const { dataDir, log } = options;
  const folder = join(dataDir, 'temporal');
  if (existsSync(join(folder, 'started'))) return await startOn(folder, options);

  clear(folder);
  const template = await findOrMakeTemplate(options);
  if (template === undefined) return await startOn(folder, options);
  try {
    writeFileSync(join(folder, DATABASE), template.content);
    return await startOn(folder, options);
  } catch (error) {
    // A port that was taken is for the caller to choose anew.
    if (/in use/i.test(toError(error).message)) throw error;
    log.warn(
      { path: template.path, err: toError(error) },
      'the Temporal server did not start on its template, going on without',
    );
    rmSync(template.path, { force: true });
    clear(folder);
    return await startOn(folder, options);
  }
}

const DATABASE = 'temporal.db';

/**
 * Killed while it made its tables, the server would fail on them for ever. Until it has been up once
 * there is nothing in the file that anybody could miss.
 */
function clear(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
}

async function startOn(folder: string, options: TemporalOptions): Promise<TemporalServer> {
  const { binary, dataDir, port, uiPort, namespace, log } = options;
  const server = await launch({
    name: 'temporal',
    file: binary,
    args: temporalArguments(options, join(folder, DATABASE)),
    dataDir,
    // Memory for CPU: Go's collector runs a third as often, and takes up to twice the memory.
    env: { GOGC: '300', ...processEnvironment() },
    log,
  });
  const address = `127.0.0.1:${port}`;
  await untilReady(server, () => serves(address, namespace), { timeoutMs: READY_TIMEOUT_MS });
  writeFileSync(join(folder, 'started'), '');
  return Object.assign(server, { address, uiUrl: `http://127.0.0.1:${uiPort}` });
}

function temporalArguments(options: TemporalOptions, database: string): string[] {
  const { port, uiPort, namespace, searchAttributes, dynamicConfig } = options;
  const config = Object.entries({ ...DYNAMIC_CONFIG, ...dynamicConfig });
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1'],
    ...['--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', database, '--namespace', namespace],
    ...['--sqlite-pragma', 'journal_mode=WAL', '--sqlite-pragma', 'synchronous=NORMAL'],
    ...['--log-level', 'error', '--log-format', 'json', '--color', 'never'],
    ...Object.entries(searchAttributes).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
    ...config.flatMap(([name, value]) => [
      '--dynamic-config-value',
      `${name}=${JSON.stringify(value)}`,
    ]),
  ];
}

/**
 * A list has to be read for it, and of that one place: to count all workflows of some days takes seconds in which the
 * server does nothing else, since it has one connection to its database.
 */
const CHEAP = "WorkflowId = 'sojourn-probe'";

/** The port opens before the services behind it are there, so ask for what the first client needs. */
async function serves(address: string, namespace: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: PROBE_TIMEOUT_MS });
  try {
    await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, async () => {
      await connection.workflowService.describeNamespace({ namespace });
      await connection.workflowService.countWorkflowExecutions({ namespace, query: CHEAP });
    });
    return true;
  } finally {
    await connection.close();
  }
}

/** How SQLite says that a request was given up; the driver of some of Temporal's releases goes on saying so for ever. */
const INTERRUPTED = /interrupted \(9\)/;

export interface TemporalWatch {
  /** Why the server can only go on after a new start; undefined where that is not so, or cannot be told. */
  faultOf(): Promise<string | undefined>;
  stop(): Promise<void>;
}

/** Asks a server something that it has to read from its database. */
export function watchTemporal(address: string, namespace: string): TemporalWatch {
  const connection = Connection.lazy({ address });
  return {
    async faultOf() {
      try {
        await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, () =>
          connection.workflowService.countWorkflowExecutions({ namespace, query: CHEAP }),
        );
        return undefined;
      } catch (error) {
        // Whatever else is wrong passes, or ends the server.
        const { message } = toError(error);
        return INTERRUPTED.test(message) ? message : undefined;
      }
    },
    stop: () => connection.close(),
  };
}
