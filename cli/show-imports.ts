/** Shows imports, and takes one back. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { createImportActivities } from '../imports/activities.ts';
import { hostImport, startImport } from '../imports/host-import.ts';
import { type ImportRow, listImports } from '../imports/import-tables.ts';
import { failWhereOthersLoad } from '../imports/one-at-a-time.ts';
import { openServers } from '../imports/servers.ts';
import { failWhereReplaced } from '../imports/take-back.ts';
import { createWait } from '../imports/wait.ts';
import { commandLog } from '../operations/connect.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportPlan } from '../shared/import-plan.ts';
import { undoSignal } from '../workflows/messages.ts';
import { installTemporalRuntime } from '../workers/host/session-worker.ts';
import { commandConfig } from './command-config.ts';
import { onInterrupt } from './on-interrupt.ts';
import { asJson, formatCount, formatMany, print, printJson, printTable } from './output.ts';
import { createProgress } from './progress.ts';

interface ShowOptions {
  readonly project?: string | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** @throws SojournError `SJ_SERVER_UNREACHABLE` */
export async function showImports(options: ShowOptions): Promise<void> {
  const client = connectClickHouse(commandConfig(options, ['CLICKHOUSE_URL']), 'bi');
  try {
    const { project } = options;
    const rows = await listImports(client, project === undefined ? {} : { project });
    if (asJson(options)) {
      printJson(rows.map(shown));
      return;
    }
    printTable(
      [
        'ID',
        'PROJECT',
        'STATE',
        'BEGAN',
        'EVENTS',
        'SESSIONS',
        'LOADED',
        'LEFT',
        'LIVE',
        'BAD',
        'FILES',
      ],
      rows.map((row) => [
        ...[row.id, row.project, row.state.replace('_', ' ')],
        new Date(row.beganAt).toISOString().slice(0, 16).replace('T', ' '),
        ...[row.events, row.sessions, row.loaded, row.left, row.live, row.badRecords].map(
          formatCount,
        ),
        row.files.join(' '),
      ]),
    );
  } finally {
    await client.close();
  }
}

function shown({ plan: _plan, beganAt, ...row }: ImportRow): object {
  return { ...row, beganAt: new Date(beganAt).toISOString() };
}

/**
 * Takes an import back, whether it is done or not; by this process, or by that which imports it just now.
 * @throws SojournError `SJ_NOT_FOUND` where there is none; `SJ_USAGE` where another one has replaced sessions of it, or loads
 */
export async function undoImport(id: string, options: ShowOptions): Promise<void> {
  const config = commandConfig(options, [
    'NATS_URL',
    'TEMPORAL_ADDRESS',
    'CLICKHOUSE_URL',
    'REDIS_URL',
  ]);
  const log = commandLog(config);
  installTemporalRuntime(log);
  const stopping = new AbortController();
  const interruption = onInterrupt(() => {
    stopping.abort();
  });
  const progress = createProgress('taking back');
  const servers = await openServers(config, log);
  try {
    const [row] = await listImports(servers.reader, { id });
    if (row === undefined) throw new SojournError('SJ_NOT_FOUND', `there is no import ${id}`);
    const plan = JSON.parse(row.plan) as ImportPlan;
    if (row.state === 'taken_back') {
      say(options, row, 'was taken back before');
      return;
    }
    await failWhereReplaced(servers.reader, plan);
    failWhereOthersLoad(await listImports(servers.reader, { project: row.project }), row);
    const activities = createImportActivities({
      ...servers,
      source: undefined,
      publishLive: () => Promise.resolve(),
      onLoaded: () => undefined,
      onTakenBack: ({ chunk }) => {
        progress.update(0, `chunk ${formatCount(chunk)}`);
      },
      wait: createWait(log),
    });
    const { signal } = stopping;
    for (let isOver = false; !isOver;) {
      const handle = await startImport(servers, { plan, takesBack: true });
      // Where it runs already. One that ends just now does not hear of it: then it is begun once more.
      await handle.signal(undoSignal).catch(ignoreNotFound);
      const { phase } = await hostImport(servers, handle, { id, activities, signal, log });
      isOver = phase === 'taken back';
    }
    progress.stop();
    say(options, row, 'is taken back');
  } finally {
    interruption.stop();
    progress.stop();
    await servers.close();
  }
}

function ignoreNotFound(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

function say(options: ShowOptions, { id, live, loaded }: ImportRow, what: string): void {
  if (asJson(options)) {
    printJson({ id, state: 'taken_back' });
    return;
  }
  const published =
    live > 0
      ? `; ${formatMany(live, 'session was published, and stays', 'sessions were published, and stay')}`
      : '';
  print(`import ${id} ${what}: ${formatMany(loaded, 'session')}${published}`);
}
