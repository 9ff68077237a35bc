/** Shows imports, and takes one back. */
import { type ImportRow, listImports } from '../imports/import-tables.ts';
import { openServers } from '../imports/servers.ts';
import { undoImport } from '../imports/undo-import.ts';
import { commandLog } from '../operations/connect.ts';
import { connectClickHouse } from '../platform/clickhouse.ts';
import { installTemporalRuntime } from '../workers/host/session-worker.ts';
import { commandConfig } from './command-config.ts';
import { onInterrupt } from './on-interrupt.ts';
import { asJson, formatCount, formatMany, print, printJson, printTable, remark } from './output.ts';
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
    if (rows.length === 0) {
      remark('no imports');
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

/** Takes an import back. @throws SojournError as `imports/undo-import.ts` does */
export async function takeBackImport(id: string, options: ShowOptions): Promise<void> {
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
    const { row, already } = await undoImport(servers, id, {
      ...{ signal: stopping.signal, log },
      onTakenBack: ({ chunk }) => {
        progress.update(0, `chunk ${formatCount(chunk)}`);
      },
    });
    progress.stop();
    say(options, row, already ? 'was taken back before' : 'is taken back');
  } finally {
    interruption.stop();
    progress.stop();
    await servers.close();
  }
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
