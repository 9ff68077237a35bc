/** Finding sessions for commands: with progress, and without ClickHouse where that is away. */
import type { Temporal } from '../operations/connect.ts';
import { createSessionTimes } from '../operations/session-times.ts';
import {
  findSessions,
  type SessionRow,
  type SessionSelection,
} from '../operations/temporal-sessions.ts';
import type { Config } from '../platform/config.ts';
import { reasonOf } from '../platform/unreachable.ts';
import { printTable, remark } from './output.ts';
import { createProgress } from './progress.ts';

/** @throws SojournError as `findSessions` does */
export async function findForCommand(
  config: Config,
  { client }: Temporal,
  selection: SessionSelection,
): Promise<SessionRow[]> {
  const progress = createProgress('listing sessions');
  const times = createSessionTimes(config);
  let isAway = false;
  try {
    return await findSessions(client, selection, {
      onFound: (count) => {
        progress.update(0, `${count}`);
      },
      async withTimes(rows) {
        if (isAway) return rows;
        try {
          return await times.add(rows);
        } catch (error) {
          isAway = true;
          remark(`started: of the latest run, as ClickHouse does not answer (${reasonOf(error)})`);
          return rows;
        }
      },
    });
  } finally {
    progress.stop();
    await times.close();
  }
}

export function printRows(rows: readonly SessionRow[]): void {
  if (rows.length === 0) {
    remark('no sessions');
    return;
  }
  printTable(
    [
      'ID',
      'PROJECT',
      'STATE',
      'USER',
      'SOURCE',
      'COUNTRY',
      'DEVICE',
      'ENGAGED',
      'PAGES',
      'FIRST EVENT',
      'LAST EVENT',
      'CLOSED',
    ],
    rows.map((row) => [
      row.id,
      row.project,
      row.state,
      row.user ?? '',
      row.source ?? '',
      row.country ?? '',
      row.device ?? '',
      row.engaged === null ? '' : row.engaged ? 'yes' : 'no',
      row.pageViews === null ? '' : String(row.pageViews),
      shortTime(row.started),
      shortTime(row.lastEvent),
      shortTime(row.closed),
    ]),
  );
}

function shortTime(time: string | null): string {
  return time === null ? '' : time.slice(0, 19).replace('T', ' ');
}
