/**
 * What may be sent to a session: by ingest (events), by operators (end, exclude, include, restate), by anybody (queries). What it hands over
 * itself. And what may be sent to an import, and to a restatement of many sessions.
 */
import type { QueryDefinition, SignalDefinition, UpdateDefinition } from '@temporalio/common';
import type { Sinks } from '@temporalio/workflow';
import type { ActNote } from '../shared/acts.ts';
import type { SessionSnapshot } from '../shared/actor.ts';
import type { AnyBatch } from '../shared/batch.ts';
import type { SessionView } from '../shared/session-view.ts';
import type { ImportView } from '../shared/import-plan.ts';
import type { LoaderProgress } from '../shared/ranges.ts';
import type { RestateView } from '../shared/restate-job.ts';
import type { RestateRequest } from '../shared/restating.ts';
import type { EndReason, LogEntry } from '../shared/rollup.ts';

// As the SDK's functions of these names do, without all of the SDK's workflow library in a command that sends a query.
const defineSignal = <Args extends unknown[] = []>(name: string) =>
  ({ type: 'signal', name }) as SignalDefinition<Args>;
const defineQuery = <Ret>(name: string) => ({ type: 'query', name }) as QueryDefinition<Ret>;
const defineUpdate = <Ret, Args extends unknown[] = []>(name: string) =>
  ({ type: 'update', name }) as UpdateDefinition<Ret, Args>;

export interface WriteInQuestion {
  readonly writeNo: number;
}

/** Events of this session. */
export const eventsSignal = defineSignal<[AnyBatch]>('events');
/**
 * Under this number the log may hold another record than the session would write: it is to ask. Changes no
 * number, whoever sends it.
 */
export const askLogSignal = defineSignal<[WriteInQuestion]>('askLog');
/**
 * Settle now. The signal is for the Temporal UI, the update for who waits for the result. Both say who asks and why, where
 * whoever asks does; so do those of `exclude` and `include`.
 */
export const endSignal = defineSignal<[note?: ActNote]>('end');
export const endUpdate = defineUpdate<SessionView, [note: ActNote]>('end');
/** A bot or a test: all that the session has counted is taken back, and what comes later does not count. */
export const excludeSignal = defineSignal<[note?: ActNote]>('exclude');
export const excludeUpdate = defineUpdate<SessionView, [note: ActNote]>('exclude');
/** The reverse. */
export const includeSignal = defineSignal<[note?: ActNote]>('include');
export const includeUpdate = defineUpdate<SessionView, [note: ActNote]>('include');
/** From now on by the definitions of that version, and so all that it has counted. */
export const restateSignal = defineSignal<[RestateRequest]>('restate');
export const restateUpdate = defineUpdate<SessionView, [RestateRequest]>('restate');
/** The session as people read it. */
export const stateQuery = defineQuery<SessionView>('state');
/** The session as a run that reopens it needs it; for runs that left no result. Not offered in the UI. */
export const snapshotQuery = defineQuery<SessionSnapshot>('snapshot');

/** How far the loader has come. */
export const progressQuery = defineQuery<LoaderProgress>('progress');

/** What may be sent to an import; it holds on between two chunks. */
export const pauseSignal = defineSignal('pause');
export const pauseUpdate = defineUpdate<ImportView>('pause');
export const resumeSignal = defineSignal('resume');
export const resumeUpdate = defineUpdate<ImportView>('resume');
/** Takes back all that it has loaded; there is no way back from that. Where a life is named, only that one is. */
export const undoSignal = defineSignal<[life?: number]>('undo');
export const undoUpdate = defineUpdate<ImportView>('undo');
/** The import as people read it. */
export const importStateQuery = defineQuery<ImportView>('state');

/** What may be sent to a restatement of many sessions: pause and resume, as to an import. */
export const pauseRestateUpdate = defineUpdate<RestateView>('pause');
export const resumeRestateUpdate = defineUpdate<RestateView>('resume');
/** The restatement as people read it. */
export const restateStateQuery = defineQuery<RestateView>('state');

/** What a session hands over while a workflow task runs; the task ends after it has been taken. */
export interface SessionSinks extends Sinks {
  [ROLLUP_LOG]: { append(entry: LogEntry): void };
  /** For the worker's figures only. */
  [SESSION_ENDS]: { ended(reason: EndReason): void };
}
export const ROLLUP_LOG = 'rollupLog';
export const SESSION_ENDS = 'sessionEnds';

/** What the worker knows of a run besides what the SDK says, in the same object. */
export interface HostKnows {
  /**
   * The greatest number under which the run has handed a record over in this process, 0 where it has none. A run that
   * comes to such a number and has no task in its history that did so, does that task once more.
   */
  readonly handedOver: number;
}
