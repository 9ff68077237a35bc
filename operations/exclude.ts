/**
 * Takes a session out of the numbers, or lets it count again: one that is open is told so, one that has closed is opened
 * once more to do it. Safe to repeat.
 */
import {
  ApplicationFailure,
  WorkflowIdReusePolicy,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import { NOT_THE_SAME } from '../activities/event-rows.ts';
import type { SessionHistory } from '../activities/load-snapshot.ts';
import { settingsAtStart } from '../platform/session-settings.ts';
import { createToldSessions } from '../platform/session-runs.ts';
import { shownAtStart } from '../platform/shown-at-start.ts';
import { ownStandstill } from '../platform/standstill.ts';
import { isWorkflowGone } from '../platform/temporal.ts';
import {
  type Actor,
  openActor,
  type SessionInput,
  type SessionSettings,
  type SessionSnapshot,
} from '../shared/actor.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import { type Contributions, parseRowKey } from '../shared/contributions.ts';
import { formatDecimal } from '../shared/decimal.ts';
import { SojournError } from '../shared/errors.ts';
import { foldAgain, isSameProof, proofOf, rowsOfTurn } from '../shared/exclusion.ts';
import {
  ROLLUP_PARTITIONS,
  SESSION_WORKFLOW,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../shared/ids.ts';
import type { SessionView } from '../shared/session-view.ts';
import {
  excludeSignal,
  excludeUpdate,
  includeSignal,
  includeUpdate,
  snapshotQuery,
} from '../workflows/messages.ts';
import type { Temporal } from './connect.ts';
import { explain, stateOf } from './temporal-sessions.ts';

export interface Turn {
  readonly project: string;
  readonly sessionId: string;
  /** What it is to be. */
  readonly isExcluded: boolean;
}

/** A row of `metrics`, as it would be added. */
export interface TurnedRow {
  readonly metricType: string;
  readonly granularity: string;
  /** RFC 3339, UTC. */
  readonly bucket: string;
  readonly dimension: string;
  readonly dimensionValue: string;
  readonly value: string;
  readonly count: number;
}

export interface DryRun {
  readonly project: string;
  readonly sessionId: string;
  /** Whether it is excluded now. */
  readonly excluded: boolean;
  /** What would be added to `metrics`; nothing where it is already so. */
  readonly rows: readonly TurnedRow[];
}

/** Reading the histories of a large session takes its time; it goes on when nobody waits for it any more. */
const TURN_MS_MAX = 120_000;

/**
 * Excludes a session, or includes it.
 * @param history where a closed one left what it knew
 * @returns what it is then, and whether it was so before
 * @throws SojournError `SJ_NOT_FOUND`; `SJ_NOT_EXACT` where it is too late; `SJ_TIMEOUT`
 */
export async function turnSession(
  temporal: Temporal,
  history: SessionHistory,
  turn: Turn,
): Promise<{ readonly view: SessionView; readonly already: boolean }> {
  const before = await viewOfSession(temporal, turn);
  if (isDone(before, turn)) return { view: before, already: true };
  const until = Date.now() + TURN_MS_MAX;
  while (Date.now() < until) {
    const view = await tell(temporal, turn, until);
    if (view === undefined) await openAgain(temporal, history, turn);
    else if (isDone(view, turn)) return { view, already: false };
  }
  throw new SojournError('SJ_TIMEOUT', `session ${turn.sessionId} is still at it; look again`);
}

function isDone({ excluded, turning }: SessionView, { isExcluded }: Turn): boolean {
  return (excluded ?? false) === isExcluded && turning === undefined;
}

/** It has no workflow, open or closed, that could work out what it counts. */
const OF_AN_IMPORT =
  'A session that came by `sojourn import` can be neither excluded nor included: take its import back (`sojourn import undo ID`; `sojourn import list` has the id) and import files without it, or import it anew as it should be, for instance as that of a bot, with `sojourn import FILE --replace`';

async function viewOfSession(
  temporal: Temporal,
  { project, sessionId }: Turn,
): Promise<SessionView> {
  try {
    return await stateOf(temporal, project, sessionId);
  } catch (error) {
    if (!(error instanceof SojournError) || error.code !== 'SJ_NOT_FOUND') throw error;
    throw new SojournError('SJ_NOT_FOUND', `${error.message}. ${OF_AN_IMPORT}`, { cause: error });
  }
}

/** @returns undefined where nobody could be told */
async function tell(
  { client, connection }: Temporal,
  { project, sessionId, isExcluded }: Turn,
  until: number,
): Promise<SessionView | undefined> {
  const handle = client.workflow.getHandle(sessionWorkflowId(project, sessionId));
  try {
    return await connection.withDeadline(until, () =>
      handle.executeUpdate(isExcluded ? excludeUpdate : includeUpdate),
    );
  } catch (error) {
    const cause = error instanceof WorkflowUpdateFailedError ? error.cause : undefined;
    if (cause instanceof ApplicationFailure && cause.type === 'SJ_NOT_EXACT') {
      throw new SojournError('SJ_NOT_EXACT', cause.message, { cause: error });
    }
    // It closed just now, or went on in a new run.
    if (isWorkflowGone(error) || error instanceof WorkflowUpdateFailedError) return undefined;
    throw explain(error, project, sessionId);
  }
}

/** Opens a closed session once more, and tells it; one that is open after all is told. */
async function openAgain(
  { client }: Temporal,
  history: SessionHistory,
  { project, sessionId, isExcluded }: Turn,
): Promise<void> {
  const workflowId = sessionWorkflowId(project, sessionId);
  try {
    const handle = client.workflow.getHandle(workflowId);
    const standstill = ownStandstill();
    const mark = standstill.mark();
    const { status, runId } = await handle.describe();
    if (status.name === 'RUNNING') return;
    const snapshot = await history.snapshotOf(workflowId, runId);
    const input = inputOf(
      { project, sessionId },
      snapshot,
      await settingsAtStart(client, { workflowId, runId }),
    );
    standstill.assertNoneSince(mark);
    await client.workflow.signalWithStart(SESSION_WORKFLOW, {
      workflowId,
      taskQueue: TASK_QUEUE,
      args: [input],
      workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
      signal: isExcluded ? excludeSignal : includeSignal,
      signalArgs: [],
      ...shownAtStart(openActor(input, '', 0)),
    });
  } catch (error) {
    throw explain(error, project, sessionId);
  }
}

function inputOf(
  session: Pick<Turn, 'project' | 'sessionId'>,
  snapshot: SessionSnapshot,
  settings: SessionSettings,
): SessionInput {
  return {
    version: 2,
    rides: { catalogue: CATALOGUE_VERSION },
    partitions: ROLLUP_PARTITIONS,
    ...session,
    settings,
    batch: { events: [], ackFloor: 0, sentAt: Date.now() },
    snapshot,
  };
}

/** A session that is told more while it is looked at is looked at again. */
const LOOKS_MAX = 5;

/**
 * What a turn would add to the numbers. Changes nothing.
 * @throws SojournError `SJ_NOT_FOUND`; `SJ_NOT_EXACT` where it would be refused
 */
export async function dryRunOf(temporal: Temporal, turn: Turn): Promise<DryRun> {
  const { project, sessionId } = turn;
  const { excluded, rows } = await lookBefore(temporal, turn);
  return { project, sessionId, excluded, rows: readableRows(rows) };
}

/** As {@link dryRunOf} does it, in rows that can be summed. */
export async function lookBefore(
  temporal: Temporal,
  turn: Turn,
): Promise<{ readonly excluded: boolean; readonly rows: Contributions }> {
  const { excluded = false } = await viewOfSession(temporal, turn);
  if (excluded === turn.isExcluded) return { excluded, rows: new Map() };
  for (let look = 1; look <= LOOKS_MAX; look += 1) {
    const rows = await lookAt(temporal, turn);
    if (rows !== undefined) return { excluded, rows };
  }
  throw new SojournError('SJ_NOT_EXACT', NOT_THE_SAME);
}

/** @returns undefined where the session went on meanwhile, or its histories do not add up */
async function lookAt(
  { client }: Temporal,
  { project, sessionId }: Turn,
): Promise<Contributions | undefined> {
  const workflowId = sessionWorkflowId(project, sessionId);
  const handle = client.workflow.getHandle(workflowId);
  const { runId } = await handle.describe();
  const actor = actorOf({ project, sessionId }, await handle.query(snapshotQuery));
  const upTo = { runId, batches: Infinity };
  const told = await createToldSessions(client).toldUpTo(workflowId, actor.identity, upTo);
  const { version: catalogue } = actor.state.catalogue;
  const again = foldAgain(told.batches, { catalogue, isBounded: actor.isBounded });
  return isSameProof(again.proof, proofOf(actor.state)) ? rowsOfTurn(actor, again) : undefined;
}

function actorOf(session: Pick<Turn, 'project' | 'sessionId'>, snapshot: SessionSnapshot): Actor {
  const settings = { idleTimeoutMs: 0, checkpointMs: null, lateGraceMs: 0 };
  return openActor(inputOf(session, snapshot, settings), snapshot.identity, 0);
}

/** Rows for people, those that come to nothing left out. */
export function readableRows(rows: Contributions): TurnedRow[] {
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, { value, count }]) => {
      const { metric, granularity, bucket, dimension, dimensionValue } = parseRowKey(key);
      return {
        metricType: metric,
        granularity,
        bucket: new Date(bucket).toISOString(),
        dimension,
        dimensionValue,
        value: formatDecimal(value),
        count,
      };
    });
}
