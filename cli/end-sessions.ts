/** Ends many sessions. */
import { withTemporal } from '../operations/connect.ts';
import { forEachSession, type ManySessions } from '../operations/for-each-session.ts';
import type { SessionFilter } from '../operations/session-filter.ts';
import { type SessionRow, settle } from '../operations/temporal-sessions.ts';
import { SojournError } from '../shared/errors.ts';
import { commandConfig } from './command-config.ts';
import { findForCommand, printRows } from './find-sessions.ts';
import { onInterrupt } from './on-interrupt.ts';
import { asJson, formatCount, print, printable, printJson } from './output.ts';
import { createProgress } from './progress.ts';

export interface EndManyOptions extends Omit<SessionFilter, 'state'> {
  readonly project: string;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** Ends all open sessions that the filters choose. @throws SojournError where some could not be ended */
export async function endSessions(options: EndManyOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  await withTemporal(config, async (temporal) => {
    const selection = { ...options, state: 'open', limit: Infinity } as const;
    const rows = await findForCommand(config, temporal, selection);
    if (options.dryRun === true) {
      printDryRun(rows, options);
      return;
    }
    const result = await withBar('ending', rows, async ({ project, id }) => {
      const { already } = await settle(temporal, project, id);
      return already ? 'alreadyEnded' : 'ended';
    });
    const { matched, outcomes, failed, left } = result;
    const { ended = 0, alreadyEnded = 0 } = outcomes;
    if (asJson(options)) printJson({ matched, ended, alreadyEnded, failed, left });
    else print(`${formatCount(ended)} ended, ${formatCount(alreadyEnded)} had ended by themselves`);
    failWhere(result);
  });
}

/** With a bar, and until Ctrl-C: what is under way then is waited for. */
async function withBar<O extends string>(
  title: string,
  rows: readonly SessionRow[],
  action: (row: SessionRow) => Promise<O>,
): Promise<ManySessions<O>> {
  const stopping = new AbortController();
  const interrupt = onInterrupt(() => {
    stopping.abort();
  });
  const progress = createProgress(title, rows.length);
  try {
    return await forEachSession(rows, action, {
      signal: stopping.signal,
      onProgress(done, failed) {
        const note = failed === 0 ? '' : `, ${formatCount(failed)} failed`;
        progress.update(done, `${formatCount(done)} of ${formatCount(rows.length)}${note}`);
      },
    });
  } finally {
    progress.stop();
    interrupt.stop();
  }
}

function printDryRun(rows: readonly SessionRow[], options: EndManyOptions): void {
  if (asJson(options)) {
    printJson({
      dryRun: true,
      matched: rows.length,
      sessions: rows.map(({ project, id }) => ({ project, id })),
    });
    return;
  }
  printRows(rows.slice(0, SHOWN_MAX));
  const more = rows.length > SHOWN_MAX ? `, of which the first ${SHOWN_MAX} are above` : '';
  print(`would end ${formatCount(rows.length)} sessions${more}`);
}

const SHOWN_MAX = 50;

function failWhere({ failed, left }: ManySessions<string>): void {
  const [first] = failed;
  if (first !== undefined) {
    throw new SojournError(
      'SJ_TIMEOUT',
      `${failed.length} sessions could not be ended, the first of them ${printable(first.id)}: ${first.error}`,
    );
  }
  if (left > 0) throw new SojournError('SJ_TIMEOUT', `stopped with ${left} sessions left`);
}
