/**
 * Snapshots of closed sessions: the result of a run that ended, what a query says of one that was closed from
 * outside, and where nothing can be asked any more, its history read and folded again.
 */
import { type Client, WorkflowNotFoundError } from '@temporalio/client';
import type proto from '@temporalio/proto';
import type { SessionHistory } from '../activities/load-snapshot.ts';
import {
  asBegun,
  type RecognizedUser,
  type SessionInput,
  type SessionSnapshot,
  snapshotOf,
  snapshotWith,
} from '../shared/actor.ts';
import type { RollupLog } from '../activities/record-rollup.ts';
import {
  type Memory,
  nextSubject,
  rememberedSnapshot,
  takeRecord,
  toldActor,
} from '../shared/remembered.ts';
import { decodeRollup } from '../shared/rollup.ts';
import { isKnown } from '../shared/session.ts';
import { stateFromWire } from '../shared/session-wire.ts';
import type { WriteResult } from '../shared/write.ts';
import {
  endSignal,
  eventsSignal,
  excludeSignal,
  includeSignal,
  restateSignal,
  snapshotQuery,
} from '../workflows/messages.ts';
import { firstOf, readable } from './payloads.ts';
import { createSessionRuns, hasBeenReset, kinOf, successorOf } from './session-runs.ts';
import { isServerAway } from './temporal.ts';

type HistoryEvent = proto.temporal.api.history.v1.IHistoryEvent;

/** A worker replays the run to answer; where none does in this time, the history is read instead. */
const QUERY_MS_MAX = 3_000;
/** Runs of one chain that are followed. */
const RUNS_MAX = 1_000;

type ReadLog = RollupLog['read'];

/**
 * Snapshots of closed sessions.
 * @param log what a run wrote that can be asked no more
 */
export function createSessionHistory(client: Client, log: Pick<RollupLog, 'read'>): SessionHistory {
  const sessionRuns = createSessionRuns(client);

  /**
   * Of a chain of which a run was reset, or went back by one: another run may have come further, and each may have been
   * told what no other was. One that is open is nobody's past.
   */
  async function newestOf(
    workflowId: string,
    runIds: readonly string[],
    snapshot: SessionSnapshot,
  ): Promise<SessionSnapshot> {
    const closed = (await kinOf(client, workflowId, runIds)).filter(
      ({ status }) => status !== 'RUNNING',
    );
    const last = runIds.at(-1) ?? '';
    const ended = await sessionRuns.newestResult(workflowId, last, snapshot.identity);
    let newest = furtherOf(snapshot, ended?.snapshot);
    for (const { runId, status } of closed) {
      if (runId === last || status === 'COMPLETED' || status === 'CONTINUED_AS_NEW') continue;
      newest = furtherOf(newest, await askOrRead(client, log.read, workflowId, runId));
    }
    const told = [];
    for (const runId of new Set([...runIds, ...closed.map((run) => run.runId)])) {
      told.push(...(await sessionRuns.eventsOf(workflowId, runId)));
    }
    const state = stateFromWire(newest.state);
    return told.every((event) => isKnown(state, [event])) ? newest : snapshotWith(newest, told);
  }

  return {
    async snapshotOf(workflowId, firstRunId) {
      const runIds = [firstRunId];
      let wasReset = false;
      for (let runId = firstRunId; runIds.length <= RUNS_MAX; runIds.push(runId)) {
        const handle = client.workflow.getHandle(workflowId, runId);
        const description = await handle.describe();
        wasReset ||= hasBeenReset(description);
        const { name } = description.status;
        if (name === 'CONTINUED_AS_NEW') {
          runId = await successorOf(client, workflowId, runId);
          continue;
        }
        const snapshot =
          name === 'COMPLETED'
            ? ((await handle.result()) as SessionSnapshot)
            : await askOrRead(client, log.read, workflowId, runId);
        return wasReset ? newestOf(workflowId, runIds, snapshot) : snapshot;
      }
      throw new Error(`${workflowId} was continued more than ${RUNS_MAX} times`);
    },
  };
}

/** Which of two of the same session knows of more writes. */
function furtherOf(one: SessionSnapshot, other: SessionSnapshot | undefined): SessionSnapshot {
  if (other?.identity !== one.identity) return one;
  return other.writeNo > one.writeNo ? other : one;
}

/** Of a run that was terminated, failed or is running still. */
async function askOrRead(
  client: Client,
  readLog: ReadLog,
  workflowId: string,
  runId: string,
): Promise<SessionSnapshot> {
  const handle = client.workflow.getHandle(workflowId, runId);
  try {
    return await client.withDeadline(Date.now() + QUERY_MS_MAX, () => handle.query(snapshotQuery));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError || isServerAway(error)) throw error;
    // Closed before its first task was done, its tasks fail, or there is no worker to replay it.
  }
  const { events } = await handle.fetchHistory();
  return snapshotFromEvents(events ?? [], readLog);
}

/**
 * What a run would have left behind, by its history.
 * @param readLog what stands on a subject of the rollup log
 * @throws RangeError where it is not that of a session
 */
export async function snapshotFromEvents(
  events: readonly HistoryEvent[],
  readLog: ReadLog,
): Promise<SessionSnapshot> {
  const started = events[0]?.workflowExecutionStartedEventAttributes;
  const given = firstOf(started?.input) as SessionInput | undefined;
  if (given === undefined) throw new RangeError('the history does not begin with a session');
  const input = asBegun(given);
  const chain = started?.firstExecutionRunId ?? started?.originalExecutionRunId ?? '';
  const memories = memoriesOf(events);
  if (input.rides === undefined) return rememberedSnapshot(input, chain, memories);
  const actor = toldActor(input, chain, memories);
  const read = async () => {
    const text = await readLog(nextSubject(actor));
    return text === undefined ? undefined : decodeRollup(text);
  };
  while (takeRecord(actor, await read()));
  return snapshotOf(actor, actor.reopenedAfter);
}

function memoriesOf(events: readonly HistoryEvent[]): Memory[] {
  /** Types of activities, by the event that scheduled them. */
  const scheduled = new Map<string, string>();
  return events.flatMap((event, index): Memory[] => {
    const at = timeOf(event);
    const signal = event.workflowExecutionSignaledEventAttributes;
    if (signal?.signalName === eventsSignal.name) {
      return [{ kind: 'events', batch: readable(signal.input), at }];
    }
    const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest;
    const command = signal?.signalName ?? update?.input?.name;
    if (command === endSignal.name) {
      const note = readable(signal?.input ?? update?.input?.args);
      return [{ kind: 'to end', note, at: heardAt(events, index) }];
    }
    if (command === excludeSignal.name || command === includeSignal.name) {
      const note = readable(signal?.input ?? update?.input?.args);
      const isExcluded = command === excludeSignal.name;
      return [{ kind: 'wanted', isExcluded, note, at: heardAt(events, index) }];
    }
    if (command === restateSignal.name) {
      const request = readable(signal?.input ?? update?.input?.args);
      return [{ kind: 'restated', request }];
    }
    if (event.workflowTaskCompletedEventAttributes) return [{ kind: 'task done', at }];
    const activity = event.activityTaskScheduledEventAttributes;
    if (activity) scheduled.set(String(event.eventId), activity.activityType?.name ?? '');
    const done = event.activityTaskCompletedEventAttributes;
    if (done) {
      return resultOf(scheduled.get(String(done.scheduledEventId)), firstOf(done.result), at);
    }
    const marker = event.markerRecordedEventAttributes;
    if (marker?.markerName !== LOCAL_ACTIVITY || marker.failure) return [];
    const about = firstOf(marker.details?.['data']) as { readonly activity_type?: string };
    return resultOf(about.activity_type, firstOf(marker.details?.['result']), at);
  });
}

/**
 * When the session heard of it, by its own clock, so that it is known as one and the same: a signal with the next task that
 * is done, an update with the one before. One that it did not live to hear of: when it came.
 */
function heardAt(events: readonly HistoryEvent[], index: number): number {
  const isUpdate = events[index]?.workflowExecutionUpdateAcceptedEventAttributes != null;
  const doneAt = events.findIndex(
    (event, i) => i > index && event.workflowTaskCompletedEventAttributes,
  );
  const until = isUpdate ? index : doneAt;
  const started = events
    .slice(0, Math.max(0, until))
    .findLast((event) => event.workflowTaskStartedEventAttributes);
  return timeOf(started ?? events[index] ?? {});
}

/** The engine's name for what it keeps of a local activity. */
const LOCAL_ACTIVITY = 'core_local_activity';

function resultOf(activity: string | undefined, result: unknown, at: number): Memory[] {
  if (activity === 'writeDifference') {
    return [{ kind: 'written', result: result as WriteResult, at }];
  }
  if (activity === 'recognizeVisitor') {
    return [{ kind: 'recognized', user: result as RecognizedUser }];
  }
  if (activity === 'loadSnapshot') {
    return [{ kind: 'loaded', snapshot: (result ?? null) as SessionSnapshot | null }];
  }
  return [];
}

function timeOf({ eventTime }: HistoryEvent): number {
  return Number(eventTime?.seconds ?? 0) * 1_000 + Math.floor((eventTime?.nanos ?? 0) / 1e6);
}
