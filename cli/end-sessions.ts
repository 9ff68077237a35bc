/** Ends many sessions. */
import { withTemporal } from '../operations/connect.ts';
import { settle } from '../operations/temporal-sessions.ts';
import { actNote } from './act-note.ts';
import { commandConfig } from './command-config.ts';
import { findForCommand } from './find-sessions.ts';
import { failWhereNotAll, type ManyOptions, onEach, printChosen } from './many-sessions.ts';
import { asJson, formatCount, formatMany, print, printJson } from './output.ts';

/** Ends all open sessions that the filters choose. @throws SojournError where some could not be ended */
export async function endSessions(options: ManyOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  await withTemporal(config, async (temporal) => {
    const selection = { ...options, state: 'open', limit: Infinity } as const;
    const rows = await findForCommand(config, temporal, selection);
    if (options.dryRun === true) {
      const sessions = rows.map(({ project, id }) => ({ project, id }));
      if (asJson(options)) printJson({ dryRun: true, matched: rows.length, sessions });
      else printChosen('end', rows);
      return;
    }
    const note = actNote(options);
    const result = await onEach('ending', rows, async ({ project, id }) => {
      const { already } = await settle(temporal, { project, sessionId: id, note });
      return already ? 'alreadyEnded' : 'ended';
    });
    const { matched, outcomes, failed, left } = result;
    const { ended = 0, alreadyEnded = 0 } = outcomes;
    if (asJson(options)) printJson({ matched, ended, alreadyEnded, failed, left });
    else {
      const byThemselves = formatMany(
        alreadyEnded,
        'had ended by itself',
        'had ended by themselves',
      );
      print(`${formatCount(ended)} ended, ${byThemselves}`);
    }
    failWhereNotAll('ended', result);
  });
}
