/** Takes many sessions out of the numbers, or lets them count again. */
import { withNats, withTemporal } from '../operations/connect.ts';
import { lookBefore, readableRows, turnSession } from '../operations/exclude.ts';
import type { SessionRow } from '../operations/temporal-sessions.ts';
import { createRollupLog } from '../platform/nats.ts';
import { createSessionHistory } from '../platform/session-history.ts';
import { addAll, type Contributions } from '../shared/contributions.ts';
import { actNote } from './act-note.ts';
import { commandConfig } from './command-config.ts';
import { printTurned } from './exclude-session.ts';
import { findForCommand } from './find-sessions.ts';
import { failWhereNotAll, type ManyOptions, onEach, printChosen } from './many-sessions.ts';
import { asJson, formatCount, formatMany, print, printJson } from './output.ts';

/**
 * Turns all sessions that the filters choose, open and closed ones.
 * @throws SojournError where some could not be turned, with the reason of the first
 */
export async function turnSessions(isExcluded: boolean, options: ManyOptions): Promise<void> {
  if (options.dryRun === true) {
    await showTurns(isExcluded, options);
    return;
  }
  const config = commandConfig(options, ['TEMPORAL_ADDRESS', 'NATS_URL']);
  const words = isExcluded ? EXCLUDING : INCLUDING;
  const note = actNote(options);
  await withTemporal(config, (temporal) =>
    withNats(config, async (nats) => {
      const rows = await findForCommand(config, temporal, chosenBy(options));
      const history = createSessionHistory(temporal.client, createRollupLog(nats));
      const result = await onEach(words.doing, rows, async ({ project, id }) => {
        const turn = { project, sessionId: id, isExcluded, note };
        const { already } = await turnSession(temporal, history, turn);
        return already ? 'already' : 'turned';
      });
      const { matched, outcomes, failed, left } = result;
      const { turned = 0, already = 0 } = outcomes;
      if (asJson(options)) printJson({ matched, [words.done]: turned, already, failed, left });
      else print(`${formatCount(turned)} ${words.done}, ${formatMany(already, ...words.already)}`);
      failWhereNotAll(words.done, result);
    }),
  );
}

/** What would be added to the numbers, by all of them together. */
async function showTurns(isExcluded: boolean, options: ManyOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const words = isExcluded ? EXCLUDING : INCLUDING;
  await withTemporal(config, async (temporal) => {
    const found = await findForCommand(config, temporal, chosenBy(options));
    const chosen: SessionRow[] = [];
    const sums: Contributions = new Map();
    const result = await onEach('looking at', found, async (session) => {
      const { project, id: sessionId } = session;
      const { excluded, rows } = await lookBefore(temporal, { project, sessionId, isExcluded });
      if (excluded === isExcluded) return 'already';
      chosen.push(session);
      addAll(sums, rows);
      return 'turned';
    });
    const { already = 0 } = result.outcomes;
    const rows = readableRows(sums);
    if (asJson(options)) {
      const sessions = chosen.map(({ project, id }) => ({ project, id }));
      const { failed, left } = result;
      const matched = found.length;
      printJson({ dryRun: true, matched, already, sessions, rows, failed, left });
    } else {
      printTurned(rows.filter(({ dimension }) => dimension === ''));
      printChosen(words.verb, chosen);
      print(`${formatMany(already, ...words.already)}; the rows of dimensions are in --json`);
    }
    failWhereNotAll(words.done, result);
  });
}

interface Words {
  readonly verb: string;
  readonly doing: string;
  readonly done: string;
  /** Of one, and of more. */
  readonly already: readonly [string, string];
}

const EXCLUDING: Words = {
  verb: 'exclude',
  doing: 'excluding',
  done: 'excluded',
  already: ['was excluded already', 'were excluded already'],
};
const INCLUDING: Words = {
  verb: 'include',
  doing: 'including',
  done: 'included',
  already: ['counted already', 'counted already'],
};

function chosenBy(options: ManyOptions) {
  return { ...options, state: 'all', limit: Infinity } as const;
}
