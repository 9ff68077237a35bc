/** What tests of `sojourn import` stand on: servers, a pipeline process, commands, and the rows of a project. */
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type ClickHouseClient, createClient } from '@clickhouse/client';
import type { Client } from '@temporalio/client';
import { expect } from 'chai';
import { findImportFiles, type ImportFilesOptions, importFound } from '../../cli/import-files.ts';
import { createImportView } from '../../cli/import-view.ts';
import type { ImportOutcome } from '../../imports/run-import.ts';
import { type ImportServers, openServers } from '../../imports/servers.ts';
import { undoImport } from '../../imports/undo-import.ts';
import { auditTables } from '../../operations/audit-tables.ts';
import { loadConfig } from '../../platform/config.ts';
import { silentLog } from '../../platform/log.ts';
import { CLICKHOUSE_ADMIN } from '../../servers/index.ts';
import {
  type Around,
  type CommandResult,
  connectAround,
  connectTemporalOf,
  environmentOf,
  sojourn,
  spawnSojourn,
  startPipelineProcess,
  untilLoaded,
} from './pipeline.ts';
import { temporaryFolder, useServers } from './servers.ts';
import { quietTemporal } from './quiet-temporal.ts';

export type Outcome = ImportOutcome;

export type Fields = Readonly<Record<string, unknown>>;

export interface ProjectRows {
  readonly metrics: object[];
  readonly sessions: Fields[];
}

export const NO_ROWS: ProjectRows = { metrics: [], sessions: [] };

/** Nobody interrupts. */
const never = () => new AbortController().signal;

/** Call it in a `describe`; what it gives is there once its tests run. */
export function useImports() {
  const servers = useServers();
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  let around: Around;
  let admin: ClickHouseClient;
  let temporal: Client;
  let importServers: ImportServers | undefined;
  const closers: (() => unknown)[] = [];
  const opened = () => importServers ?? expect.fail('the servers are there in tests only');

  before('start a pipeline', async () => {
    const running = await startPipelineProcess(servers());
    closers.unshift(async () => {
      expect(await running.stop()).to.equal(0);
    });
    around = await connectAround(servers());
    closers.unshift(() => around.close());
    admin = createClient({
      url: servers().clickhouse.url,
      username: CLICKHOUSE_ADMIN,
      password: servers().secrets.clickhouse.adminPassword,
    });
    closers.unshift(() => admin.close());
    const { client, connection } = await connectTemporalOf(servers());
    temporal = client;
    closers.unshift(() => connection.close());
    quietTemporal();
    importServers = await openServers(config(), silentLog);
    closers.unshift(() => importServers?.close());
  });

  after('stop it', async () => {
    for (const close of closers) await close();
  });

  const environment = () => environmentOf(servers());
  const config = () => {
    const { CLICKHOUSE_URL = '', ...rest } = loadConfig(environment());
    return { ...rest, CLICKHOUSE_URL };
  };
  const run = (...words: readonly string[]): Promise<CommandResult> =>
    sojourn([...words, '--data-dir', dataDir, '--json'], environment());

  /** As the command does it, in this process: to start one for each import would be most of the time. */
  async function imported(
    files: string | readonly string[],
    project: string,
    more: Partial<ImportFilesOptions> = {},
  ): Promise<Outcome> {
    const options = { project, format: 'sojourn', dataDir, ...more };
    const found = findImportFiles(typeof files === 'string' ? [files] : files, options);
    return importFound(found, options, {
      ...{ servers: opened(), config: config(), log: silentLog, signal: never() },
      view: createImportView(found.sources),
    });
  }

  return {
    folder,
    dataDir,
    around: () => around,
    admin: () => admin,
    temporal: () => temporal,
    environment,
    run,
    imported,

    /** Starts a command, and returns at once. Without its servers it would wait for ever: it ends with the tests. */
    start: (
      words: readonly string[],
      more: Readonly<Record<string, string>> = {},
    ): ChildProcess => {
      const child = spawnSojourn([...words, '--data-dir', dataDir, '--json'], {
        ...environment(),
        ...more,
      });
      closers.unshift(() => child.kill('SIGKILL'));
      return child;
    },

    /** As the command does it, in this process. */
    undone: async (id: string): Promise<void> => {
      const options = { signal: never(), log: silentLog, onTakenBack: () => undefined };
      await undoImport(opened(), id, options);
    },

    fileOf: (name: string, events: readonly object[]): string => {
      const path = join(folder, name);
      const text = `${events.map((event) => JSON.stringify(event)).join('\n')}\n`;
      writeFileSync(path, name.endsWith('.gz') ? gzipSync(text) : text);
      return path;
    },

    /** Rows of a project, but for ids and times of writing. */
    rowsOf: async (project: string): Promise<ProjectRows> => {
      const metrics = await around.select<object>(
        `SELECT metric_type, granularity, toString(bucket) AS at, dimension, dimension_value,
           toString(sum(metrics.value)) AS total, toString(sum(metrics.count)) AS counted
         FROM sojourn.metrics WHERE project = '${project}' GROUP BY ALL
         HAVING total != '0' OR counted != '0' ORDER BY ALL`,
      );
      const sessions = await around.select<Fields>(
        `SELECT * EXCEPT (project, first_run_id, updated_at, version) FROM sojourn.sessions_current
         WHERE project = '${project}' ORDER BY session_id`,
      );
      return { metrics, sessions };
    },

    expectClean: async (project: string): Promise<void> => {
      const audit = await auditTables(config(), project, () => undefined);
      expect(audit.rows).to.deep.equal([]);
      expect(audit).to.include({ differing: 0 });
      expect(audit.compared).to.be.above(0);
    },

    /** Until all that was published is in the tables. */
    loaded: (): Promise<void> => untilLoaded(environment()),
  };
}

export type ImportWorld = ReturnType<typeof useImports>;

/** The end of a process. @returns its exit code, and what it said */
export async function endOf(
  child: ChildProcess,
): Promise<{ code: number; stdout: string; stderr: string }> {
  let stdout = '';
  let stderr = '';
  child.stderr?.on('data', (part: Buffer) => (stderr += part.toString()));
  child.stdout?.on('data', (part: Buffer) => (stdout += part.toString()));
  const [code] = (await once(child, 'close')) as [number];
  return { code, stdout, stderr };
}

const BEGAN = Date.UTC(2024, 0, 10, 8);

/** A page view, so many steps of 20 seconds after eight o'clock of a day in 2024. */
export function visit(sessionId: string, n: number, fields: object = {}): object {
  return {
    eventType: 'pageview',
    sessionId,
    eventId: `${sessionId}-${n}`,
    timestamp: new Date(BEGAN + n * 20_000).toISOString(),
    properties: { path: `/${n % 5}`, country: 'DE', revenue: 3 },
    ...fields,
  };
}
