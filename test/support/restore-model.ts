/**
 * Visits in four phases, and what the tables hold of them where stores were put back after the third one, each to the
 * end of a phase of its own. Worked out from three things, as the table of docs/operating.md (Restoring) says it:
 *
 *   known      what Temporal has: the events of phases up to its moment. A session that it does not know begins anew.
 *   believed   what its sessions take for written: what they wrote themselves, or find in the log under their numbers,
 *              so it is of the later one of Temporal's moment and NATS's.
 *   there      what ClickHouse has.
 *
 * A session that gets another event writes the difference between what it knows and what it believes to be written, and
 * that is added to what is there. So what lies between `believed` and `there` is missing for good, or there twice.
 */
import type { ServerName } from '../../servers/index.ts';
import { aVisit } from './operators/doing.ts';
import { publishedRows } from './published.ts';
import { addTo, type ReferenceEvent, type ReferenceRows } from './reference.ts';

export type Phase = 1 | 2 | 3 | 4;
/** The end of a phase; 3 is now, 0 before there was anything. */
export type Moment = 0 | 1 | 2 | 3;
export type Moments = Readonly<Record<ServerName, Moment>>;

export const NOW: Moments = { nats: 3, temporal: 3, clickhouse: 3, redis: 3 };

/** One session: in which phases it has events, and in which it says that it ends. */
export interface Visit {
  readonly sessionId: string;
  readonly phases: readonly Phase[];
  readonly endsIn?: Phase;
  readonly userId?: string;
}

const once = (sessionId: string, phase: Phase, userId = `user of ${sessionId}`): Visit => ({
  ...{ sessionId, phases: [phase], endsIn: phase, userId },
});

/** Each sort of session in a project of its own, so that rows tell which it was. */
export const PROJECTS: Readonly<Record<string, readonly Visit[]>> = {
  'ended-in-1': [once('s', 1)],
  'ended-in-2': [once('s', 2)],
  'ended-in-3': [once('s', 3)],
  'new-in-4': [once('s', 4)],
  'open-since-1': [{ sessionId: 's', phases: [1, 4] }],
  'open-all-the-time': [{ sessionId: 's', phases: [1, 2, 3, 4] }],
  'open-since-2': [{ sessionId: 's', phases: [2, 4] }],
  'open-since-3': [{ sessionId: 's', phases: [3, 4] }],
  // Events after the end: reopened in 4, and for the second one in 2 as well.
  'late-in-4': [{ sessionId: 's', phases: [1, 4], endsIn: 1 }],
  'late-in-2-and-4': [{ sessionId: 's', phases: [1, 2, 4], endsIn: 1 }],
  'ended-in-2-late-in-4': [{ sessionId: 's', phases: [1, 2, 4], endsIn: 2 }],
  // Each user comes again in phase 4, in a session of its own.
  users: [
    ...([1, 2, 3] as const).map((phase) => once(`first-${phase}`, phase, `u${phase}`)),
    ...([1, 2, 3] as const).map((phase) => once(`again-${phase}`, 4, `u${phase}`)),
  ],
};
export const PROJECT_NAMES = Object.keys(PROJECTS);

/** What a project's producers send in a phase: one page view a session, and perhaps its end. */
export function eventsIn(project: string, phase: Phase): ReferenceEvent[] {
  return visitsOf(project).flatMap((visit) => eventsOf(project, visit, phase));
}

function visitsOf(project: string): readonly Visit[] {
  return PROJECTS[project] ?? [];
}

function eventsOf(project: string, visit: Visit, phase: Phase): ReferenceEvent[] {
  const { sessionId, phases, endsIn, userId } = visit;
  if (!phases.includes(phase)) return [];
  const shape = { from: 20 * phase, views: 1, ends: endsIn === phase };
  const events = aVisit(project, sessionId, shape);
  return userId === undefined ? events : events.map((event) => ({ ...event, userId }));
}

const PHASES: readonly Phase[] = [1, 2, 3, 4];

function eventsUpTo(project: string, visit: Visit, moment: number): ReferenceEvent[] {
  return PHASES.filter((phase) => phase <= moment).flatMap((phase) =>
    eventsOf(project, visit, phase),
  );
}

export interface Restored extends Moments {
  /** The log has been purged of what sessions had written that were over at moment 3. */
  readonly isPurged?: true;
}

/** How far a session believes its rows to be written. */
function believedUpTo({ phases, endsIn }: Visit, { nats, temporal, isPurged }: Restored): number {
  const isOver = endsIn !== undefined || phases.every((phase) => phase > 3);
  return isPurged === true && isOver ? temporal : Math.max(nats, temporal);
}

/** What sessions are told after the restore, that they do not know: phase 4, and what is published again. */
function laterIn(project: string, visit: Visit, { temporal }: Restored, again: readonly Phase[]) {
  const phases = PHASES.filter((phase) => phase === 4 || again.includes(phase));
  return phases
    .filter((phase) => phase > temporal)
    .flatMap((phase) => eventsOf(project, visit, phase));
}

/**
 * The rows of a project once phase 4 has come after the restore.
 * @param again phases that were published again after that
 */
export function rowsAfter(
  project: string,
  restored: Restored,
  again: readonly Phase[] = [],
): ReferenceRows {
  const rows: ReferenceRows = new Map();
  for (const visit of visitsOf(project)) {
    const upTo = (moment: number) => eventsUpTo(project, visit, moment);
    addRows(rows, upTo(restored.clickhouse), 1);
    const known = upTo(restored.temporal);
    const later = laterIn(project, visit, restored, again);
    if (later.length === 0) continue;
    addRows(rows, [...known, ...later], 1);
    if (known.length > 0) addRows(rows, upTo(believedUpTo(visit, restored)), -1);
  }
  return rows;
}

/** The rows of a project of which nothing was lost and nothing is there twice, after a phase. */
export function rowsOfAll(project: string, phase: Phase = 4): ReferenceRows {
  const rows: ReferenceRows = new Map();
  for (const visit of visitsOf(project)) addRows(rows, eventsUpTo(project, visit, phase), 1);
  return rows;
}

function addRows(rows: ReferenceRows, events: readonly ReferenceEvent[], sign: 1 | -1): void {
  for (const [key, { value, count }] of publishedRows(events)) {
    addTo(rows, key, { value: BigInt(sign) * value, count: sign * count });
  }
}

/**
 * Projects that `audit` names: with sessions that have written again, and for which what was believed to be written is
 * not what was there.
 */
export function driftingAfter(restored: Restored, again: readonly Phase[] = []): string[] {
  return PROJECT_NAMES.filter((project) =>
    visitsOf(project).some((visit) => {
      const { phases } = visit;
      const isKnown = phases.some((phase) => phase <= restored.temporal);
      const believed = believedUpTo(visit, restored);
      const [from, to] = [believed, restored.clickhouse].sort((a, b) => a - b) as [number, number];
      const writesAgain = laterIn(project, visit, restored, again).length > 0;
      return writesAgain && isKnown && phases.some((phase) => phase > from && phase <= to);
    }),
  );
}

/** New users of the project `users` after phase 4: those of before that are there, and those whom Redis has forgotten. */
export function newUsersAfter({ clickhouse, redis }: Restored): number {
  return clickhouse + (3 - redis);
}
