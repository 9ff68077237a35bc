/**
 * Brings a batch to its session: starts it, signals it, or reopens it where it has closed. Returns
 * only after Temporal has taken the batch. Doing it twice is harmless: the fold knows event ids.
 */
import {
  type Client,
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdReusePolicy,
} from '@temporalio/client';
import { LRUCache } from 'lru-cache';
import type { SessionHistory } from '../../activities/load-snapshot.ts';
import type { ClaimedUser } from '../../activities/recognize-visitor.ts';
import {
  openActor,
  type SessionInput,
  type SessionSettings,
  type SessionSnapshot,
} from '../../shared/actor.ts';
import { groupEvents } from '../../shared/batch.ts';
import { CATALOGUE_VERSION } from '../../shared/catalogue.ts';
import {
  ROLLUP_PARTITIONS,
  SESSION_WORKFLOW,
  sessionWorkflowId,
  TASK_QUEUE,
} from '../../shared/ids.ts';
import type { VisitorEvent } from '../../shared/event.ts';
import { isKnown } from '../../shared/session.ts';
import { stateFromWire } from '../../shared/session-wire.ts';
import { shownAtStart } from '../../platform/shown-at-start.ts';
import type { Standstill } from '../../platform/standstill.ts';
import { isWorkflowGone } from '../../platform/temporal.ts';
import { eventsSignal } from '../../workflows/messages.ts';
import { createClaimsInDoubt } from './claims-in-doubt.ts';
import type { Delivery } from './gather.ts';
import type { Opener } from './opening.ts';

export interface DeliverDeps {
  readonly client: Client;
  readonly history: SessionHistory;
  /** Works out the first write of a session that may be new. */
  readonly opener: Opener;
  /** Milliseconds; undefined: as the settings say. */
  readonly stretchedCheckpointMs: () => number | undefined;
  readonly now: () => number;
  readonly standstill: Standstill;
}

export interface DeliverOptions {
  readonly settings: SessionSettings;
  /** An event that comes to EVENTS later than this after a session's end begins a new session. */
  readonly lateWindowMs: number;
  /** The worker shares this process's connection, so a start may bring its task right along. */
  readonly eagerStart: boolean;
}

export type Outcome = 'started' | 'signalled' | 'reopened' | 'known';

/** Sessions known to be open, so that their next batch skips the attempt to start them. */
const OPEN_SESSIONS_MAX = 50_000;
/** Clocks of ingest and of Temporal are no further apart. */
const CLOCKS_APART_MS = 60_000;
/** A session that opens and closes again under our hands this often is left to the next try. */
const ROUNDS_MAX = 5;

export function createDeliver(
  { client, history, opener, stretchedCheckpointMs, now, standstill }: DeliverDeps,
  { settings, lateWindowMs, eagerStart }: DeliverOptions,
): (delivery: Delivery, ackFloor: number) => Promise<Outcome> {
  const open = new LRUCache<string, true>({ max: OPEN_SESSIONS_MAX });
  const claims = createClaimsInDoubt({ opener, thereSince });

  async function deliver(delivery: Delivery, ackFloor: number): Promise<Outcome> {
    const { project, sessionId, events, sinceLastMs, traces } = delivery;
    const workflowId = sessionWorkflowId(project, sessionId);
    const at = now();
    const stretched = stretchedCheckpointMs();
    // It was left alone for as long as it should be: by now it may write.
    const checkpointMs =
      stretched &&
      Math.min(stretched, Math.max(sinceLastMs ?? stretched, settings.checkpointMs ?? 0));
    const input: SessionInput = {
      version: 2,
      rides: { catalogue: CATALOGUE_VERSION },
      partitions: ROLLUP_PARTITIONS,
      project,
      sessionId,
      settings,
      batch: {
        groups: groupEvents(events),
        ackFloor,
        sentAt: at,
        ...(checkpointMs !== undefined && { checkpointMs }),
        ...(traces !== undefined && { traces }),
      },
      visitorsSince: at - lateWindowMs,
    };

    if (!open.has(workflowId)) {
      const actor = openActor(input, '', at);
      const planned = await claims.plan(actor, at);
      const { opening } = planned;
      const fresh = opening === undefined ? input : { ...input, opening };
      if (await start(workflowId, fresh, WorkflowIdReusePolicy.REJECT_DUPLICATE, actor)) {
        planned.begun();
        remember(workflowId, events);
        return 'started';
      }
      // Before it is told, and asks for its user itself.
      await planned.found();
    }
    for (let round = 0; round < ROUNDS_MAX; round += 1) {
      if (await signal(workflowId, input)) {
        remember(workflowId, events);
        return 'signalled';
      }
      open.delete(workflowId);
      const outcome = await reopen(workflowId, input, delivery);
      if (outcome !== undefined) return outcome;
    }
    throw new Error(`${workflowId} opened and closed ${ROUNDS_MAX} times in a row`);
  }

  /** A session that is about to end is not worth remembering. */
  function remember(workflowId: string, events: readonly VisitorEvent[]): void {
    if (events.some(({ type }) => type === 'session_end')) open.delete(workflowId);
    else open.set(workflowId, true);
  }

  /**
   * Since when the latest run of a session certainly was there: no later try can have begun it, nor an earlier run, for
   * runs follow one another.
   * @returns Infinity where there is none; undefined where that is not known: whether a user is new holds up nothing else
   */
  async function thereSince({ project, sessionId }: ClaimedUser): Promise<number | undefined> {
    const workflowId = sessionWorkflowId(project, sessionId);
    try {
      const { startTime } = await client.workflow.getHandle(workflowId).describe();
      return startTime.getTime() + CLOCKS_APART_MS;
    } catch (error) {
      return isWorkflowGone(error) ? Infinity : undefined;
    }
  }

  async function start(
    workflowId: string,
    input: SessionInput,
    workflowIdReusePolicy: WorkflowIdReusePolicy,
    actor = openActor(input, '', 0),
  ): Promise<boolean> {
    try {
      await client.workflow.start(SESSION_WORKFLOW, {
        workflowId,
        taskQueue: TASK_QUEUE,
        args: [input],
        workflowIdReusePolicy,
        requestEagerStart: eagerStart,
        ...shownAtStart(actor),
      });
      return true;
    } catch (error) {
      if (error instanceof WorkflowExecutionAlreadyStartedError) return false;
      throw error;
    }
  }

  async function signal(workflowId: string, { batch }: SessionInput): Promise<boolean> {
    try {
      await client.workflow.getHandle(workflowId).signal(eventsSignal, batch);
      return true;
    } catch (error) {
      if (isWorkflowGone(error)) return false;
      throw error;
    }
  }

  /** @returns undefined where the session is open after all */
  async function reopen(
    workflowId: string,
    input: SessionInput,
    { events, messages }: Delivery,
  ): Promise<Outcome | undefined> {
    // Not by how long they waited in the stream or here: they may have been delivered before, or come in time.
    const cameAt = Math.min(now(), ...messages.map(({ receivedAt }) => receivedAt));
    const mark = standstill.mark();
    const snapshot = await latestSnapshot(workflowId, cameAt);
    if (snapshot === 'open') return undefined;
    // Another one may have opened it from there, and it may have written and closed again.
    standstill.assertNoneSince(mark);
    if (snapshot === undefined) {
      const started = await start(workflowId, input, WorkflowIdReusePolicy.ALLOW_DUPLICATE);
      if (started) remember(workflowId, events);
      return started ? 'started' : undefined;
    }
    if (isKnown(stateFromWire(snapshot.state), events)) return 'known';
    const late: SessionInput = { ...input, snapshot };
    const started = await start(workflowId, late, WorkflowIdReusePolicy.ALLOW_DUPLICATE);
    return started ? 'reopened' : undefined;
  }

  /** @returns undefined where the session is forgotten, or closed too long before the events came */
  async function latestSnapshot(
    workflowId: string,
    cameAt: number,
  ): Promise<SessionSnapshot | 'open' | undefined> {
    try {
      const { status, runId, closeTime } = await client.workflow.getHandle(workflowId).describe();
      if (status.name === 'RUNNING') return 'open';
      if (closeTime !== undefined && cameAt - closeTime.getTime() > lateWindowMs) return undefined;
      return await history.snapshotOf(workflowId, runId);
    } catch (error) {
      // The retention's end came first.
      if (isWorkflowGone(error)) return undefined;
      throw error;
    }
  }

  return deliver;
}
