/** What an import is and how far it has come, for its workflow, its command and operators. */
import type { ProjectSettings } from './project.ts';

/** One life of an import: taken back and begun again it is another one, whose rows are told apart. */
export interface ImportLife {
  readonly project: string;
  /** The same records of the same project and format have the same. */
  readonly id: string;
  /** From 1. */
  readonly life: number;
}

/** How large chunks are: the same sessions in the same order make the same chunks only by the same of these. */
export interface ChunkMax {
  readonly sessionsMax: number;
  /** More only where one session has more. */
  readonly eventsMax: number;
}

/** Decided once, when the import begins: whoever goes on with it goes by this. */
export interface ImportPlan extends ImportLife {
  readonly format: string;
  /** As they were named, the first of them where there are many. */
  readonly files: readonly string[];
  readonly settings: ProjectSettings;
  /** The version of the catalogue that its rows are of. */
  readonly catalogue: number;
  /** Epoch milliseconds: what is a day later is in the future, what is not older than the late window may be live. */
  readonly beganAt: number;
  readonly lateWindowMs: number;
  readonly idleTimeoutMs: number;
  /** Whether a visit that is cut out of a visitor's events may begin with a heartbeat; absent, and so, in plans of earlier versions. */
  readonly heartbeatsBegin?: boolean;
  /** How many values of a dimension have rows of their own, a project and day. */
  readonly valuesMax: number;
  /** How large chunks are; 5,000 sessions and 50,000 events where nobody says. */
  readonly chunkMax?: ChunkMax;
  /** Takes the place of sessions that other imports have brought. */
  readonly replace: boolean;
  /** SHA-256 of the salt that ids of visitors are made with; absent where the format makes none with it, or an earlier version began it. */
  readonly saltHash?: string;
  /** SHA-256 of the site that was named, of nothing where none was; absent as {@link saltHash} is. */
  readonly hostHash?: string;
  readonly records: number;
  readonly badRecords: number;
  readonly events: number;
  readonly sessions: number;
  /** Which list of the forgotten its files were read by (`imports/forgotten-now.ts`); plans of earlier versions do not say it. */
  readonly forgotten?: string;
}

/** The argument of the workflow. */
export interface ImportInput {
  readonly plan: ImportPlan;
  /** The import is done, and to be taken back. */
  readonly takesBack?: true;
  /** Present where the same import goes on in a new run. */
  readonly state?: ImportState;
}

export type ImportPhase = 'loading' | 'done' | 'taking back' | 'taken back';

/** What the workflow remembers. */
export interface ImportState {
  phase: ImportPhase;
  isPaused: boolean;
  /** The last chunk that is loaded. */
  chunk: number;
  sessions: number;
  events: number;
  /** Chunks that are taken back. */
  takenBack: number;
  /** When it began by the workflow's clock, epoch milliseconds. */
  readonly startedAt: number;
  /** Of that time it was paused for so long, milliseconds. */
  pausedMs: number;
}

export function openImport({ takesBack, state }: ImportInput, now: number): ImportState {
  return {
    phase: takesBack === true ? 'taking back' : 'loading',
    isPaused: false,
    chunk: 0,
    sessions: 0,
    events: 0,
    takenBack: 0,
    startedAt: now,
    pausedMs: 0,
    ...state,
  };
}

/** A chunk that is loaded. */
export interface LoadedChunk {
  readonly number: number;
  readonly sessions: number;
  readonly events: number;
  readonly isLast: boolean;
}

/** Some of it that is taken back. */
export interface TakenBack {
  /** The last chunk that is. */
  readonly chunk: number;
  readonly isOver: boolean;
}

/** The import as people read it. */
export interface ImportView {
  readonly project: string;
  readonly id: string;
  readonly life: number;
  readonly phase: ImportPhase;
  readonly isPaused: boolean;
  readonly waitsFor: string;
  readonly format: string;
  readonly files: readonly string[];
  readonly sessions: number;
  readonly sessionsInAll: number;
  readonly events: number;
  readonly eventsInAll: number;
  /** Whole numbers; 0 before the first chunk. */
  readonly eventsPerSecond: number;
  /** Seconds; absent where nobody can tell. */
  readonly secondsLeft?: number;
}

export function importViewOf(plan: ImportPlan, state: ImportState, now: number): ImportView {
  const { project, id, life, format, files, sessions: sessionsInAll, events: eventsInAll } = plan;
  const { phase, isPaused, sessions, events, startedAt, pausedMs } = state;
  const seconds = Math.max(0, now - startedAt - pausedMs) / 1_000;
  const eventsPerSecond = seconds > 0 ? Math.round(events / seconds) : 0;
  const secondsLeft = Math.ceil((eventsInAll - events) / Math.max(1, eventsPerSecond));
  const isGoing = phase === 'loading' && !isPaused && eventsPerSecond > 0;
  return {
    ...{ project, id, life, phase, isPaused, waitsFor: waitsFor(state), format, files },
    ...{ sessions, sessionsInAll, events, eventsInAll, eventsPerSecond },
    ...(isGoing && { secondsLeft }),
  };
}

/** Whether a workflow was that of this life; those of earlier versions do not say it. */
export function isOfLife(
  { life }: Pick<Partial<ImportView>, 'life'>,
  of: Pick<ImportLife, 'life'>,
): boolean {
  return life === undefined || life === of.life;
}

function waitsFor({ phase, isPaused, chunk, takenBack }: ImportState): string {
  if (phase === 'done' || phase === 'taken back') return 'nothing';
  if (phase === 'taking back') {
    return `whoever runs \`sojourn import\` or \`sojourn import undo\`, to take back chunk ${takenBack + 1}`;
  }
  if (isPaused) return 'somebody to send `resume`';
  return `the command \`sojourn import\`, which has the files, to load chunk ${chunk + 1}`;
}

/** For the Temporal UI. */
export function describeImport(view: ImportView): string {
  const { phase, isPaused, sessions, sessionsInAll, events, eventsInAll, secondsLeft } = view;
  const share = eventsInAll === 0 ? 100 : Math.floor((events / eventsInAll) * 100);
  const left = secondsLeft === undefined ? '' : `, some ${secondsLeft} s left`;
  return [
    `**${isPaused ? `${phase}, paused` : phase}**: ${share} %`,
    '',
    `* ${count(events)} of ${count(eventsInAll)} events, ${count(sessions)} of ${count(sessionsInAll)} sessions`,
    `* ${count(view.eventsPerSecond)} events/s${left}`,
    `* waits for ${view.waitsFor}`,
    `* ${view.format}: ${view.files.map((file) => file.replace(/[`\r\n]/g, '?')).join(', ')}`,
  ].join('\n');
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
