/** One action on each of many sessions that filters choose: with a bar, and what would be done first where that is asked. */
import { forEachSession, type ManySessions } from '../operations/for-each-session.ts';
import type { SessionFilter } from '../operations/session-filter.ts';
import type { SessionRow } from '../operations/temporal-sessions.ts';
import { SojournError } from '../shared/errors.ts';
import type { NoteOptions } from './act-note.ts';
import { printRows } from './find-sessions.ts';
import { onInterrupt } from './on-interrupt.ts';
import { formatCount, formatMany, print, printable } from './output.ts';
import { createProgress } from './progress.ts';

export interface ManyOptions extends Omit<SessionFilter, 'state'>, NoteOptions {
  readonly project: string;
  readonly dryRun?: true | undefined;
  readonly json?: true | undefined;
  readonly dataDir: string;
}

/** With a bar, and until Ctrl-C: what is under way then is waited for. */
export async function onEach<O extends string>(
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

/** The sessions that something would be done to, for people. @param word `end` */
export function printChosen(word: string, rows: readonly SessionRow[]): void {
  printRows(rows.slice(0, SHOWN_MAX));
  const more = rows.length > SHOWN_MAX ? `, of which the first ${SHOWN_MAX} are above` : '';
  print(`would ${word} ${formatMany(rows.length, 'session')}${more}`);
}

const SHOWN_MAX = 50;

/**
 * @param done `ended`
 * @throws SojournError `SJ_TIMEOUT` where it could not be done to some, or was stopped
 */
export function failWhereNotAll(done: string, { failed, left }: ManySessions<string>): void {
  const [first] = failed;
  if (first !== undefined) {
    throw new SojournError(
      'SJ_TIMEOUT',
      `${formatMany(failed.length, 'session')} could not be ${done}${failed.length === 1 ? ':' : ', the first of them'} ${printable(first.id)}: ${first.error}`,
    );
  }
  if (left > 0) {
    throw new SojournError('SJ_TIMEOUT', `stopped with ${formatMany(left, 'session')} left`);
  }
}
