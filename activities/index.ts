/** All activities, over the clients they need. A worker makes them once. */
import { activityInfo, Context, sleep } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import { CATALOGUE_VERSION } from '../shared/catalogue.ts';
import type { RecognizedUser, SessionSnapshot, Visit } from '../shared/actor.ts';
import type { EventRowsPage, EventRowsRequest, Refusal } from '../shared/exclusion.ts';
import type { AnyRequest, WriteResult } from '../shared/write.ts';
import type { Standstill } from '../platform/standstill.ts';
import type { Watch } from '../platform/watch.ts';
import { sessionWorkflowId } from '../shared/ids.ts';
import {
  chunkMax,
  type OldSession,
  type OldSessions,
  type RestatedChunk,
  type RestatePlan,
} from '../shared/restate-job.ts';
import { endOf, type LogPosition, type LogRange, rangeToken, streamOf } from '../shared/ranges.ts';
import { type Announcer, announceBatch } from './announce-batch.ts';
import { createAnnouncing } from './announce-or-go-on.ts';
import { createBoundValues, type ValueStore } from './bound-values.ts';
import { createEventRows, newerThanKnown, type ToldSessions } from './event-rows.ts';
import {
  isLackingBefore,
  isLessThanLoaded,
  isLoadedBeyond,
  isOver,
  type LoadedTables,
  type LoadLedger,
  resume,
} from './load-ledger.ts';
import { loadBatch, type ReadableLog, type TableWriter } from './load-batch.ts';
import type { LoadTraces } from './load-traces.ts';
import { type SessionHistory, type SnapshotRequest, snapshotUnlessLost } from './load-snapshot.ts';
import { gatherTime, planBatch, type PlannableLog, type PlanRequest } from './plan-batch.ts';
import {
  createPurging,
  type PurgeableLog,
  purgeLoaded,
  type PurgeRequest,
  type SessionIsOver,
} from './purge-loaded.ts';
import { createReadOnce } from './read-once.ts';
import type { RollupLog } from './record-rollup.ts';
import {
  type FindOldRequest,
  type RestateChunkRequest,
  type RestateDeps,
  restateChunk,
} from './restate-chunk.ts';
import { type ResetGuard, supersededBy } from './reset-runs.ts';
import type { Visitors } from './visitors.ts';
import { whileBeating } from './while-beating.ts';
import { writeDifference } from './write-difference.ts';

export interface ActivityDeps {
  readonly visitors: Visitors;
  readonly log: RollupLog & PlannableLog & ReadableLog & PurgeableLog;
  readonly ledger: LoadLedger;
  readonly standstill: Standstill;
  readonly tables: TableWriter;
  readonly loaded: LoadedTables;
  readonly values: ValueStore;
  /** How many values of a dimension have rows of their own, a project and day. */
  readonly valuesMax: number;
  readonly announcer: Announcer;
  readonly history: SessionHistory;
  /** Whether an error says that Temporal does not know the run that was asked for. */
  readonly isUnknownRun: (error: unknown) => boolean;
  readonly resets: ResetGuard;
  readonly told: ToldSessions;
  readonly restating: RestateDeps;
  readonly sessionIsOver: SessionIsOver;
  readonly watch: Watch;
  /** Where traces are recorded. */
  readonly traces?: LoadTraces | undefined;
  /** The worker is about to stop: activities that only wait come to an end. */
  readonly stopping: AbortSignal;
}

/** The loader breathes at least this often, to purge and to continue as new. */
const PATIENCE_MS = 50_000;
/** A range that comes within this time after another needs no activity of its own to be planned. */
const LINGER_MS = 1_000;
/** Nobody puts servers back to a copy in so short a time: until it is over, who loads range after range asks nothing more. */
const COMPARED_FOR_MS = 10_000;
const DAY_MS = 86_400_000;

/** What a heartbeat tells a later attempt: the range by this token is loaded and announced. */
interface Carried {
  readonly carried: string;
}

export function createActivities(deps: ActivityDeps) {
  const bound = createBoundValues(
    deps.values,
    ({ set: { project, day, dimension }, valuesMax }) => {
      Context.current().log.warn(
        'dimension has too many values, more of this day are filed under (other)',
        { project, dimension, day: new Date(day * DAY_MS).toISOString().slice(0, 10), valuesMax },
      );
    },
  );
  const { toLoad, toAnnounce } = createReadOnce(deps.log, bound);
  const eventRows = createEventRows(deps.told);
  const purging = createPurging(deps.sessionIsOver, Date.now);
  const announcing = createAnnouncing(() => performance.now());
  /** When this worker last planned a range of a partition; that of another worker only costs a moment. */
  const plannedAt = new Map<number, number>();
  /** When the place of a partition was last compared with ClickHouse's, by the steady clock. */
  const comparedAt = new Map<number, number>();
  const isCompared = (partition: number) =>
    performance.now() < (comparedAt.get(partition) ?? -Infinity) + COMPARED_FOR_MS;
  async function plan(
    request: PlanRequest,
    patienceMs: number,
    carried?: Carried,
  ): Promise<LogRange | null> {
    const context = Context.current();
    const range = await planBatch(
      deps.log,
      {
        heartbeat: () => {
          context.heartbeat(carried);
        },
        stop: AbortSignal.any([context.cancellationSignal, deps.stopping]),
        patienceMs,
        gatherMs: () => gatherTime(Date.now() - (plannedAt.get(request.partition) ?? 0)),
        sleep,
        now: Date.now,
      },
      request,
    );
    if (range === null) return null;
    plannedAt.set(request.partition, Date.now());
    sayWherePutBack(request, range);
    return { ...range, valuesMax: deps.valuesMax };
  }

  function sayWherePutBack({ partition, after }: PlanRequest, { log, from }: LogRange): void {
    if (log === after.log || streamOf(log) !== streamOf(after.log)) return;
    Context.current().log.error(
      'rollup log was put back to an older copy, what was written since and not loaded is lost',
      { partition, loadedUpTo: after.seq, writtenAnewFrom: from, log },
    );
  }

  /**
   * Holds what is planned against what ClickHouse has: workflow, ledger and log may have been put back to older copies
   * together, and it not; or the reverse.
   */
  async function planAndCompare(
    request: PlanRequest,
    patienceMs: number,
    carried?: Carried,
  ): Promise<LogRange | null> {
    const { partition, after } = request;
    const range = await plan(request, patienceMs, carried);
    if (range === null) return null;
    const loaded = await whileBeating(() => loadedBefore(range), carried).catch(
      (error: unknown) => {
        // Nothing is loaded until it answers.
        deps.watch.loadRepeated();
        throw error;
      },
    );
    comparedAt.set(partition, performance.now());
    if (loaded !== undefined && isLoadedBeyond(range, loaded)) {
      return plan({ partition, after: loaded }, patienceMs, carried);
    }
    if (isLessThanLoaded(range, after, loaded)) sayWhatIsLacking(range, loaded);
    return range;
  }

  function loadedBefore({ partition, log }: LogRange): Promise<LogPosition | undefined> {
    return deps.loaded.loadedTo(partition, streamOf(log));
  }

  function sayWhatIsLacking({ partition, from }: LogRange, loaded: LogPosition | undefined): void {
    Context.current().log.error(
      'clickhouse lacks what was loaded into it: it was put back to an older copy, or its tables were emptied',
      { partition, loadedUpTo: from - 1, tablesUpTo: loaded?.seq ?? 0 },
    );
  }

  /** Plans for a loader that may have lost its memory. */
  async function planOrResume(
    { partition, after }: PlanRequest,
    patienceMs: number,
    carried?: Carried,
  ): Promise<LogRange | null> {
    const kept = await deps.ledger.read(partition);
    const resumed = resume(after, kept, (await deps.log.end(partition)).log);
    if ('again' in resumed) return resumed.again;
    const goOn = isCompared(partition) ? plan : planAndCompare;
    return goOn({ partition, after: resumed.after }, patienceMs, carried);
  }

  /** @returns false where it had been loaded before */
  async function load(range: LogRange): Promise<boolean> {
    const kept = await deps.ledger.read(range.partition);
    const stream = async () => (await deps.log.end(range.partition)).log;
    if (await isOver(range, kept, stream)) return false;
    if (activityInfo().attempt > 1) deps.watch.loadRepeated();
    if (!isCompared(range.partition)) {
      const loaded = await loadedBefore(range);
      if (isLackingBefore(range, loaded)) sayWhatIsLacking(range, loaded);
    }
    const place = await deps.ledger.keep({ range, isLoaded: false }, kept?.place ?? 0);
    const beganAt = Date.now();
    const spans = deps.traces?.loading(deps.tables);
    const sums = await loadBatch(toLoad, spans?.tables ?? deps.tables, range);
    const { isCut, records } = sums;
    deps.watch.loaded(records, Date.now() - beganAt);
    spans?.loaded(range, sums, activityInfo().attempt);
    if (isCut === true) {
      const lost = 'rollup log was put back, records that were to be loaded are lost';
      Context.current().log.error(lost, { ...range, recordsLeft: records });
    }
    await deps.ledger.keep({ range, isLoaded: true }, place);
    return true;
  }

  /** @returns false where it had been loaded before */
  async function loadAndAnnounce(range: LogRange): Promise<boolean> {
    const isNew = await load(range);
    // Loaded long ago, by a loader that was reset: told then, and its records may be purged.
    if (isNew || activityInfo().attempt > 1) await announce(range);
    return isNew;
  }

  async function announce(range: LogRange): Promise<void> {
    const context = Context.current();
    const span = deps.traces?.announcing(range, deps.announcer);
    const announcer = span?.announcer ?? deps.announcer;
    await announcing.run(
      rangeToken(range),
      (isPatient) => announceBatch(toAnnounce, announcer, range, { now: Date.now(), isPatient }),
      (error) => {
        span?.end(error);
        const what = 'METRICS takes nothing: subscribers are not told of a range that is loaded';
        context.log.error(what, { ...range, err: error });
      },
    );
    span?.end();
  }

  return {
    writeDifference: (request: AnyRequest): Promise<WriteResult> => {
      const mark = deps.standstill.mark();
      return writeDifference(deps.visitors, deps.log, request, async (rollup) => {
        const { project, sessionId, by: chain } = rollup;
        const run = { workflowId: sessionWorkflowId(project, sessionId), runId: ownRun(), chain };
        const newer = await deps.resets.superseding(run, rollup);
        deps.standstill.assertNoneSince(mark);
        return newer && supersededBy(newer);
      });
    },

    recognizeVisitor: (visit: Visit): Promise<RecognizedUser> => deps.visitors.recognize(visit),

    /** @returns null where Temporal has lost that run: nobody knows more than the session that asks */
    loadSnapshot: async (request: SnapshotRequest): Promise<SessionSnapshot | null> => {
      const { project, sessionId, runId } = request;
      const workflowId = sessionWorkflowId(project, sessionId);
      const { history, isUnknownRun } = deps;
      const snapshot = await snapshotUnlessLost(
        () => history.snapshotOf(workflowId, runId),
        isUnknownRun,
        sleep,
      );
      if (snapshot === null) {
        Context.current().log.error(
          'a run of the session that has written is lost: what it alone was told is taken back',
          { project, sessionId, lostRunId: runId },
        );
        return null;
      }
      const { chain = ownRun() } = request;
      return deps.resets.withOwnEvents({ workflowId, runId: ownRun(), chain }, snapshot);
    },

    readEventRows: (request: EventRowsRequest): Promise<EventRowsPage | Refusal> =>
      whileBeating(() => eventRows.read(request, activityInfo().attempt)),

    countOldSessions: (plan: RestatePlan): Promise<OldSessions> => {
      if (plan.catalogue > CATALOGUE_VERSION) {
        throw ApplicationFailure.nonRetryable(newerThanKnown(plan.catalogue), 'SJ_USAGE');
      }
      return whileBeating(() => deps.restating.find.countOld(plan));
    },

    findOldSessions: ({ plan, after }: FindOldRequest): Promise<OldSession[]> =>
      whileBeating(() => deps.restating.find.findOld(plan, after, chunkMax(plan))),

    restateChunk: (request: RestateChunkRequest): Promise<RestatedChunk> => {
      const stop = AbortSignal.any([Context.current().cancellationSignal, deps.stopping]);
      const now = () => performance.now();
      return whileBeating(() =>
        restateChunk(deps.restating.restate, request, { now, sleep, stop }),
      );
    },

    planBatch: (request: PlanRequest): Promise<LogRange | null> =>
      planOrResume(request, PATIENCE_MS),

    carryBatch: async (range: LogRange): Promise<LogRange | null> => {
      const context = Context.current();
      const { partition } = range;
      // A worker that died while it only waited for the next range leaves nothing to repeat.
      const carried: Carried = { carried: rangeToken(range) };
      const before = context.info.heartbeatDetails as Carried | undefined;
      const isNew =
        before?.carried !== carried.carried && (await whileBeating(() => loadAndAnnounce(range)));
      context.heartbeat(carried);
      // What was loaded just now is the end of what is; otherwise more of it may be.
      const goOn = isNew && isCompared(partition) ? plan : planOrResume;
      return goOn({ partition, after: endOf(range) }, LINGER_MS, carried);
    },

    loadBatch: (range: LogRange): Promise<void> =>
      whileBeating(async () => {
        await load(range);
      }),

    announceBatch: (range: LogRange): Promise<void> => whileBeating(() => announce(range)),

    purgeLoaded: async (request: PurgeRequest): Promise<number> => {
      const stop = AbortSignal.any([Context.current().cancellationSignal, deps.stopping]);
      const kept = await whileBeating(() => purgeLoaded(deps.log, purging, request, stop));
      Context.current().log.info('rollup records purged', {
        ...request,
        kept,
        attempt: activityInfo().attempt,
      });
      return kept;
    },
  };
}

/** The run that an activity is done for. */
function ownRun(): string {
  return activityInfo().workflowExecution?.runId ?? '';
}

export type Activities = ReturnType<typeof createActivities>;
