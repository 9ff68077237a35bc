/**
 * Has a session do what an operator wants: one that is open is told so, one that has closed is opened once more to do it.
 * Safe to repeat.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import {
  ApplicationFailure,
  type Client,
  type WorkflowHandle,
  WorkflowIdReusePolicy,
  WorkflowUpdateFailedError,
} from '@temporalio/client';
import type { SessionHistory } from '../activities/load-snapshot.ts';
import { settingsAtStart } from './session-settings.ts';
import { shownAtStart } from './shown-at-start.ts';
import { ownStandstill } from './standstill.ts';
import { isWorkflowGone } from './temporal.ts';
import {
  type Actor,
  openActor,
  type SessionInput,
  type SessionSettings,
  type SessionSnapshot,
} from '../shared/actor.ts';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import { SojournError } from '../shared/errors.ts';
import {
  ROLLUP_PARTITIONS,
  SESSION_WORKFLOW,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../shared/ids.ts';
import type { SessionView } from '../shared/session-view.ts';
import { explain, stateOf } from './session-state.ts';

export interface SessionOf {
  readonly project: string;
  readonly sessionId: string;
}

/** What an operator wants of a session. */
export interface Wish {
  /** For a session that is opened again; and its argument, where it has one. */
  readonly signal: string;
  readonly signalArgs: readonly unknown[];
  /** For who waits until it is done. */
  readonly update: (handle: WorkflowHandle) => Promise<SessionView>;
  readonly isDone: (view: SessionView) => boolean;
}

/** Reading the histories of a large session takes its time; it goes on when nobody waits for it any more. */
const TOLD_MS_MAX = 120_000;

/**
 * @param history where a closed one left what it knew
 * @param before what it is
 * @returns what it is then, and whether it was so before
 * @throws SojournError `SJ_NOT_EXACT` where it is too late; `SJ_TIMEOUT`
 */
export async function fulfil(
  client: Client,
  history: SessionHistory,
  session: SessionOf,
  { wish, before }: { readonly wish: Wish; readonly before: SessionView },
): Promise<{ readonly view: SessionView; readonly already: boolean }> {
  if (wish.isDone(before)) return { view: before, already: true };
  const until = Date.now() + TOLD_MS_MAX;
  while (Date.now() < until) {
    const told = await tell(client, session, wish, until);
    const view = told ?? (await openAgain(client, history, session, wish, until));
    if (view !== undefined && wish.isDone(view)) return { view, already: false };
    await sleep(LOOK_EVERY_MS);
  }
  throw new SojournError('SJ_TIMEOUT', `session ${session.sessionId} is still at it; look again`);
}

/** It has no workflow, open or closed, that could work out what it counts. @param instead what to do with such a one */
export async function viewOfSession(
  client: Client,
  { project, sessionId }: SessionOf,
  instead: string,
): Promise<SessionView> {
  try {
    return await stateOf({ client }, project, sessionId);
  } catch (error) {
    if (!(error instanceof SojournError) || error.code !== 'SJ_NOT_FOUND') throw error;
    throw new SojournError('SJ_NOT_FOUND', `${error.message}. ${instead}`, { cause: error });
  }
}

/** @returns undefined where nobody could be told */
async function tell(
  client: Client,
  { project, sessionId }: SessionOf,
  { update }: Wish,
  until: number,
): Promise<SessionView | undefined> {
  const handle = client.workflow.getHandle(sessionWorkflowId(project, sessionId));
  try {
    return await client.withDeadline(until, () => update(handle));
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

/**
 * Opens a closed session once more, and tells it. It is looked at then, not told again: it closes soon after it has
 * refused, and one that is told at that moment would try once more, and so on.
 * @returns undefined where it is open after all, and is to be told; or where time is up
 */
async function openAgain(
  client: Client,
  history: SessionHistory,
  session: SessionOf,
  wish: Wish,
  until: number,
): Promise<SessionView | undefined> {
  if (!(await reopen(client, history, session, wish))) return undefined;
  for (;;) {
    const view = await viewBefore(client, session, until);
    const isOver = view !== undefined && view.turning === undefined;
    // What was refused may be something else that was wanted of it before.
    if (isOver && wish.isDone(view)) return view;
    if (view?.refused !== undefined) throw new SojournError('SJ_NOT_EXACT', view.refused);
    if (isOver) return view;
    if (Date.now() >= until) return undefined;
    await sleep(LOOK_EVERY_MS);
  }
}

/** @returns undefined where no worker answers, and there is time for one to come */
async function viewBefore(
  client: Client,
  { project, sessionId }: SessionOf,
  until: number,
): Promise<SessionView | undefined> {
  try {
    return await stateOf({ client }, project, sessionId);
  } catch (error) {
    const isUnanswered = error instanceof SojournError && error.code === 'SJ_TIMEOUT';
    if (isUnanswered && Date.now() < until) return undefined;
    throw error;
  }
}

const LOOK_EVERY_MS = 200;

/** @returns false where it is open after all */
async function reopen(
  client: Client,
  history: SessionHistory,
  { project, sessionId }: SessionOf,
  { signal, signalArgs }: Wish,
): Promise<boolean> {
  const workflowId = sessionWorkflowId(project, sessionId);
  try {
    const handle = client.workflow.getHandle(workflowId);
    const standstill = ownStandstill();
    const mark = standstill.mark();
    const { status, runId } = await handle.describe();
    if (status.name === 'RUNNING') return false;
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
      signal,
      signalArgs: [...signalArgs],
      ...shownAtStart(openActor(input, '', 0)),
    });
    return true;
  } catch (error) {
    throw explain(error, project, sessionId);
  }
}

function inputOf(
  session: SessionOf,
  snapshot: SessionSnapshot,
  settings: SessionSettings,
): SessionInput {
  return {
    version: 2,
    rides: { catalogue: CATALOGUE_VERSION },
    partitions: ROLLUP_PARTITIONS,
    project: session.project,
    sessionId: session.sessionId,
    settings,
    batch: { events: [], ackFloor: 0, sentAt: Date.now() },
    snapshot,
  };
}

/** A session as whoever looks at it knows it, without anything told. */
export function actorOf(session: SessionOf, snapshot: SessionSnapshot): Actor {
  const settings = { idleTimeoutMs: 0, checkpointMs: null, lateGraceMs: 0 };
  return openActor(inputOf(session, snapshot, settings), snapshot.identity, 0);
}
