/** Sessions one by one: a list, and one with its timeline, what Temporal knows of it, and a link there. */
import type { SessionView } from '../shared/session-view.ts';
import { sessionWorkflowId } from '../shared/ids.ts';
import { SojournError } from '../shared/errors.ts';
import type { AnswerDeps, Asked, Head } from './answers.ts';
import { AddressError } from './address.ts';
import { clockAt, type Span } from './period.ts';
import { findProject } from './projects.ts';
import { type Cursor, sessionOf, type SessionRow, sessionsOf } from './session-queries.ts';

/** A session as the page shows it; times are told by the clocks of the project. */
export interface ShownSession extends SessionRow {
  /** `2026-10-25 02:00:07 +02:00` */
  readonly started: string;
  readonly ended: string;
  readonly updated: string;
}

export interface SessionList extends Head {
  readonly sessions: readonly ShownSession[];
  /** What to ask for the next ones with; null at the end. */
  readonly next: string | null;
}

export const SESSIONS_A_PAGE = 25;

export async function listSessions(
  { database, zones, now }: AnswerDeps,
  asked: Asked,
  after: string | undefined,
  signal?: AbortSignal,
): Promise<SessionList> {
  const cursor = after === undefined ? undefined : parseCursor(after);
  const newest = Math.min(asked.current.end, (cursor?.startedMs ?? now()) / 1_000);
  let rows: readonly SessionRow[] = [];
  for (const span of growing(asked.current, newest)) {
    rows = await database.rows<SessionRow>(
      sessionsOf(asked, span, SESSIONS_A_PAGE + 1, cursor),
      signal,
    );
    if (rows.length > SESSIONS_A_PAGE) break;
  }
  const shown = rows.slice(0, SESSIONS_A_PAGE);
  const last = shown.at(-1);
  return {
    ...asked.head,
    sessions: shown.map((row) => shownOf(row, asked.settings.timeZone, zones)),
    next:
      rows.length > SESSIONS_A_PAGE && last !== undefined
        ? `${last.started_ms}_${last.first_run_id}`
        : null,
  };
}

const DAY_SECONDS = 86_400;
const GROWTH = 8;

/** The newest sessions need no look at a year: the range from a day before on, from eight days before, and so on to all of it. */
function* growing(span: Span, newest: number): Generator<Span> {
  const start = span.starts[0] ?? span.end;
  for (let seconds = DAY_SECONDS; newest - seconds > start; seconds *= GROWTH) {
    yield { ...span, starts: [Math.floor(newest - seconds)] };
  }
  yield span;
}

function shownOf(row: SessionRow, timeZone: string, zones: AnswerDeps['zones']): ShownSession {
  const at = (ms: string | number) => withSeconds(Number(ms), timeZone, zones);
  return {
    ...row,
    started: at(row.started_ms),
    ended: at(row.last_event_ms),
    updated: at(row.updated_ms),
  };
}

function withSeconds(ms: number, timeZone: string, zones: AnswerDeps['zones']): string {
  const clock = clockAt(ms, timeZone, zones);
  // No offset of today has seconds of its own.
  const seconds = new Date(ms).toISOString().slice(17, 19);
  return `${clock.slice(0, 16)}:${seconds}${clock.slice(16)}`;
}

/** @throws AddressError */
function parseCursor(text: string): Cursor {
  const [, startedMs, firstRunId] = /^(-?\d{1,15})_([\w-]{1,64})$/.exec(text) ?? [];
  if (startedMs === undefined || firstRunId === undefined) {
    throw new AddressError('after must be what an earlier answer gave as next');
  }
  return { startedMs: Number(startedMs), firstRunId };
}

/** Without who has asked what of it: that is for operators, and more people than they see the page. */
type LiveSession = Omit<SessionView, 'asked'>;

export interface OneSession {
  readonly project: string;
  readonly timeZone: string;
  readonly session: ShownSession;
  /** What Temporal says; null where it was not asked or does not know it any more. */
  readonly live: LiveSession | null;
  /** Why there is nothing live: a sentence for a person. */
  readonly liveMissing: string | null;
  /** The session in the Temporal UI; null where nobody has said where that is. */
  readonly temporalUrl: string | null;
}

export interface SessionDeps extends AnswerDeps {
  /** Asks the session itself; undefined where no Temporal is configured. */
  readonly stateOf: ((project: string, sessionId: string) => Promise<SessionView>) | undefined;
  readonly temporalUiUrl: string | undefined;
  readonly temporalNamespace: string;
}

/** @throws SojournError `SJ_NOT_FOUND` */
export async function oneSession(
  deps: SessionDeps,
  {
    project,
    sessionId,
    firstRunId,
  }: {
    readonly project: string;
    readonly sessionId: string;
    readonly firstRunId: string | undefined;
  },
  signal?: AbortSignal,
): Promise<OneSession> {
  const { database, zones } = deps;
  const [settings, [row], asked] = await Promise.all([
    findProject(database, zones, project, signal),
    database.rows<SessionRow>(sessionOf(project, sessionId, firstRunId), signal),
    askLive(deps, project, sessionId),
  ]);
  if (row === undefined) {
    throw new SojournError(
      'SJ_NOT_FOUND',
      `there is no session ${sessionId} in project ${project}`,
    );
  }
  // After LATE_WINDOW another session may have its id.
  const isSame = asked.live?.firstRunId === row.first_run_id;
  return {
    project,
    timeZone: settings.timeZone,
    session: shownOf(row, settings.timeZone, zones),
    live: isSame ? asked.live : null,
    liveMissing: asked.live === null || isSame ? asked.missing : 'a later session has its id now',
    temporalUrl: temporalUrlOf(deps, project, sessionId),
  };
}

async function askLive(
  { stateOf }: SessionDeps,
  project: string,
  sessionId: string,
): Promise<{ readonly live: LiveSession | null; readonly missing: string | null }> {
  if (stateOf === undefined) return { live: null, missing: 'TEMPORAL_ADDRESS is not set' };
  try {
    const { asked: _, ...live } = await stateOf(project, sessionId);
    return { live, missing: null };
  } catch (error) {
    if (!(error instanceof SojournError)) throw error;
    return { live: null, missing: error.message };
  }
}

export function temporalUrlOf(
  { temporalUiUrl, temporalNamespace }: Pick<SessionDeps, 'temporalUiUrl' | 'temporalNamespace'>,
  project: string,
  sessionId: string,
): string | null {
  if (temporalUiUrl === undefined) return null;
  const id = encodeURIComponent(sessionWorkflowId(project, sessionId));
  return `${temporalUiUrl.replace(/\/$/, '')}/namespaces/${encodeURIComponent(temporalNamespace)}/workflows/${id}`;
}
