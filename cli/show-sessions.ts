/** Shows sessions, live and closed. */
import pc from 'picocolors';
import { withTemporal } from '../operations/connect.ts';
import { type SessionSelection, settle } from '../operations/temporal-sessions.ts';
import { stateOf } from '../platform/session-state.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import type { Asked, SessionView } from '../shared/session-view.ts';
import { actNote, type NoteOptions } from './act-note.ts';
import { commandConfig } from './command-config.ts';
import { findForCommand, printRows } from './find-sessions.ts';
import { asJson, print, printable, printJson, printJsonArray, remark } from './output.ts';
import { whileUnderWay } from './progress.ts';

interface CommonOptions {
  readonly json?: true | undefined;
  readonly dataDir: string;
}

export interface ListOptions extends CommonOptions, SessionSelection {}

export interface OneOptions extends CommonOptions {
  readonly project: string;
}

/** Prints sessions in Temporal's order: the open ones first. */
export async function listSessions(options: ListOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const rows = await withTemporal(config, (temporal) => findForCommand(config, temporal, options));
  if (asJson(options)) {
    await printJsonArray(rows);
    return;
  }
  printRows(rows);
  const last = rows.at(-1);
  if (last !== undefined && rows.length === options.limit) {
    remark(`there may be more: the same again with --after ${last.cursor}`);
  }
}

/** Prints a session's state. @throws SojournError `SJ_NOT_FOUND` */
export async function showSession(sessionId: string, options: OneOptions): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const view = await whileUnderWay(
    'reading the session',
    () => withTemporal(config, (temporal) => stateOf(temporal, options.project, sessionId)),
    options,
  );
  printView(view, options);
}

/** Ends a session and prints what it came to. @throws SojournError `SJ_NOT_FOUND` */
export async function endSession(
  sessionId: string,
  options: OneOptions & NoteOptions,
): Promise<void> {
  const config = commandConfig(options, ['TEMPORAL_ADDRESS']);
  const ending = { project: options.project, sessionId, note: actNote(options) };
  const { view, already } = await whileUnderWay(
    'ending the session',
    () => withTemporal(config, (temporal) => settle(temporal, ending)),
    options,
  );
  if (already) remark('the session had already ended');
  printView(view, options);
}

/** What every other session goes by needs no line. */
function olderDefinitions({ catalogue = 1 }: SessionView): string | undefined {
  if (catalogue >= CATALOGUE_VERSION) return undefined;
  return `version ${catalogue}; new sessions go by ${CATALOGUE_VERSION} (sojourn restate)`;
}

/** Prints a session's state, for people or as JSON. */
export function printView(view: SessionView, options: CommonOptions): void {
  if (asJson(options)) {
    printJson(view);
    return;
  }
  const { attributes } = view;
  const lines: readonly (readonly [string, string | number | undefined])[] = [
    ['session', view.sessionId],
    ['project', view.project],
    ['status', statusOf(view)],
    ['definitions', olderDefinitions(view)],
    ['excluded', view.excluded ? 'yes, by an operator: it counts in nothing' : undefined],
    ...(view.asked ?? []).map((asked) => [ASKED[asked.act], whoAndWhen(asked)] as const),
    ['first event', view.firstEventAt],
    ['last event', view.lastEventAt],
    ['duration', `${view.durationSeconds} s`],
    ['events', view.events],
    ['page views', view.pageViews],
    ['conversions', view.conversions],
    ['revenue', view.revenue],
    ['engaged', view.engaged ? 'yes' : 'no'],
    ['bounced', view.bounced ? 'yes' : 'no'],
    ['entry path', view.entryPath],
    ['exit path', view.exitPath],
    ['user', attributes.userId],
    ['new user', view.newUser === undefined ? undefined : view.newUser ? 'yes' : 'no'],
    ['traffic source', attributes.trafficSource],
    ['country', attributes.country],
    ['device', attributes.deviceType],
    ['browser', attributes.browser],
    ['os', attributes.os],
    ['writes', view.writes],
    ['written', view.written ? 'all' : 'not yet all'],
    ['next step at', view.nextStepAt],
    ['first run', view.firstRunId],
  ];
  for (const [name, value] of lines) {
    if (value === undefined) continue;
    print(`${pc.dim(name.padEnd(LABEL_WIDTH))}${printable(String(value))}`);
  }
}

/** A session that had ended takes in what comes late, or what an operator has to say: it is nobody's visit again. */
export function statusOf({
  status,
  endReason,
  settling,
}: Pick<SessionView, 'status' | 'endReason' | 'settling'>): string {
  if (endReason !== undefined) return `${status} (${endReason})`;
  return settling ? 'settling (it had ended, and closes again by itself)' : status;
}

const ASKED = { exclude: 'to exclude', include: 'to include', end: 'to end' } as const;

/** `2026-11-30T10:00:00.000Z, anna@desk: a load test` */
function whoAndWhen({ at, by, reason, refused }: Asked): string {
  const why = reason === undefined ? '' : `: ${reason}`;
  return `${at}, ${by ?? 'nobody said who'}${why}${refused ? ' (refused)' : ''}`;
}

const LABEL_WIDTH = 16;
