/** A restatement of many sessions: what is wanted and how far it has come, for its workflow, its command and operators. */

/** Decided once, when it begins. */
export interface RestatePlan {
  /** Only sessions whose first event is of then or later, epoch milliseconds. */
  readonly from: number;
  /** Only of this project. */
  readonly project?: string;
  /** The version of the catalogue that they are to go by. */
  readonly catalogue: number;
  /** So many sessions a second at the most. */
  readonly perSecond: number;
}

/** A session of older definitions. */
export interface OldSession {
  readonly project: string;
  readonly sessionId: string;
  /** Its first run: by the time in this, and by project, the table `sessions` is ordered. */
  readonly identity: string;
}

/** How many sessions are of older definitions. */
export interface OldSessions {
  /** Temporal knows them, as far as one can tell by when they wrote last. */
  readonly known: number;
  /** They closed longer ago than it keeps them, or have come by an import. */
  readonly beyond: number;
}

export interface RestateCounts {
  /** They go by the wanted definitions now. */
  readonly restated: number;
  /** They did so before, and ClickHouse had not heard of it. */
  readonly already: number;
  /** Temporal does not know them any more. */
  readonly gone: number;
  /** What they have counted cannot be told exactly: they stay as they were. */
  readonly refused: number;
  /** They may be restated on another try. */
  readonly failed: number;
}

/** A session that was not restated, and why. */
export interface RestateTrouble {
  readonly project: string;
  readonly sessionId: string;
  readonly reason: string;
}

/** What came of a chunk. */
export interface RestatedChunk extends RestateCounts {
  /** Refused and failed ones, the first of them. */
  readonly troubles: readonly RestateTrouble[];
}

/** The argument of the workflow. */
export interface RestateInput {
  readonly plan: RestatePlan;
  /** Present where the same restatement goes on in a new run. */
  readonly state?: RestateState;
}

export type RestatePhase = 'counting' | 'restating' | 'done';

/** What the workflow remembers. */
export interface RestateState {
  readonly phase: RestatePhase;
  readonly isPaused: boolean;
  readonly old: OldSessions;
  readonly counts: RestateCounts;
  readonly troubles: readonly RestateTrouble[];
  /** The last session that was looked at. */
  readonly after?: OldSession;
  /** By the workflow's clock, epoch milliseconds. */
  readonly startedAt: number;
}

/** So many are told of; the rest is in their number. */
export const TROUBLES_MAX = 20;
export const NO_COUNTS: RestateCounts = {
  ...{ restated: 0, already: 0, gone: 0, refused: 0, failed: 0 },
};
/** A chunk of no sessions. */
export const NO_CHUNK: RestatedChunk = { ...NO_COUNTS, troubles: [] };

export function openRestate({ state }: RestateInput, now: number): RestateState {
  return (
    state ?? {
      phase: 'counting',
      isPaused: false,
      old: { known: 0, beyond: 0 },
      counts: NO_COUNTS,
      troubles: [],
      startedAt: now,
    }
  );
}

export function countedOld(state: RestateState, old: OldSessions): RestateState {
  return { ...state, phase: 'restating', old };
}

/** How many sessions make a chunk: between two of them it can be paused. */
export function chunkMax({ perSecond }: RestatePlan): number {
  return Math.min(CHUNK_MAX, Math.max(1, Math.ceil(perSecond * CHUNK_SECONDS)));
}

/** Their names stand in the history. */
const CHUNK_MAX = 200;
const CHUNK_SECONDS = 10;

/** @param sessions that were found; none where there are no more */
export function withChunk(
  state: RestateState,
  sessions: readonly OldSession[],
  chunk: RestatedChunk,
): RestateState {
  const after = sessions.at(-1);
  return {
    ...state,
    phase: after === undefined ? 'done' : 'restating',
    counts: addCounts(state.counts, chunk),
    troubles: [...state.troubles, ...chunk.troubles].slice(0, TROUBLES_MAX),
    ...(after && { after }),
  };
}

function addCounts(a: RestateCounts, b: RestateCounts): RestateCounts {
  return {
    restated: a.restated + b.restated,
    already: a.already + b.already,
    gone: a.gone + b.gone,
    refused: a.refused + b.refused,
    failed: a.failed + b.failed,
  };
}

/** The restatement as people read it. */
export interface RestateView extends RestateCounts {
  readonly phase: RestatePhase;
  readonly isPaused: boolean;
  /** RFC 3339, UTC. */
  readonly from: string;
  readonly project?: string;
  readonly catalogue: number;
  /** Sessions of older definitions that Temporal knows; more may turn up, and some have been restated meanwhile. */
  readonly known: number;
  readonly beyond: number;
  readonly troubles: readonly RestateTrouble[];
  /** Seconds; absent where nobody can tell. */
  readonly secondsLeft?: number;
}

export function restateViewOf(plan: RestatePlan, state: RestateState, now: number): RestateView {
  const { from, project, catalogue } = plan;
  const { phase, isPaused, old, counts, troubles, startedAt } = state;
  const done = doneOf(counts);
  const perMs = done / Math.max(1, now - startedAt);
  const isGoing = phase === 'restating' && !isPaused && done > 0;
  return {
    ...{ phase, isPaused, from: new Date(from).toISOString() },
    ...(project !== undefined && { project }),
    ...{ catalogue, ...old, ...counts, troubles },
    ...(isGoing && { secondsLeft: Math.ceil(Math.max(0, old.known - done) / perMs / 1_000) }),
  };
}

/** How many sessions have been looked at. */
export function doneOf({ restated, already, gone, refused, failed }: RestateCounts): number {
  return restated + already + gone + refused + failed;
}

/** For the Temporal UI, whose panel is low: which sessions they are its summary says. */
export function describeRestate(view: RestateView): string {
  const { phase, isPaused, known, beyond, secondsLeft } = view;
  const done = doneOf(view);
  const share = known === 0 ? 100 : Math.min(100, Math.floor((done / known) * 100));
  const left = secondsLeft === undefined ? '' : `, some ${count(secondsLeft)} s left`;
  return [
    `**${isPaused ? `${phase}, paused` : phase}**: ${phase === 'counting' ? 0 : share} %${left}`,
    '',
    `* ${count(done)} of ${count(known)}: ${count(view.restated)} restated, ${count(view.already)} were already`,
    `* stay: ${count(view.refused)} refused, ${count(view.gone)} gone, ${count(view.failed)} failed, ${count(beyond)} too old or imported`,
    ...view.troubles.slice(0, SHOWN_MAX).map((trouble) => `* ${describeTrouble(trouble)}`),
  ].join('\n');
}

const SHOWN_MAX = 3;

/** Text from producers must not become markup. */
function describeTrouble({ project, sessionId, reason }: RestateTrouble): string {
  return `\`${`${project}/${sessionId}`.slice(0, 100).replace(/[`\r\n]/g, '?')}\`: ${reason}`;
}

function count(value: number): string {
  return value.toLocaleString('en-US');
}
