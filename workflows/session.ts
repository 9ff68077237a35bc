/**
 * One visitor session: a durable actor. It folds what arrives, hands over differences, and ends on
 * `session_end`, after its idle timeout, or when an operator says so. What it decides is decided in
 * `shared/actor.ts`; here it gets a clock, timers, activities and an ear.
 */
import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  log,
  patched,
  proxyActivities,
  proxyLocalActivities,
  proxySinks,
  setDefaultQueryHandler,
  setHandler,
  sleep,
  TemporalFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  asBegun,
  type Actor,
  continuation,
  isChanged,
  noteAct,
  openActor,
  receive,
  type SessionInput,
  type SessionSnapshot,
  snapshotOf,
  takeQuestion,
} from '../shared/actor.ts';
import { isBatch } from '../shared/batch.ts';
import { eventRowsRequest, pageBytes, takePage, turn, want } from '../shared/exclusion.ts';
import { isRestateRequest, type RestateRequest, wantRestated } from '../shared/restating.ts';
import { mayTravel, nextStep, openWrite, type Step, writesFirst } from '../shared/next-step.ts';
import {
  confirmWrite,
  isOfOthers,
  rebase,
  resultBytes,
  takeOpening,
  takeRide,
  takeUser,
  unsureSnapshot,
  visitOf,
  writeRequest,
  type WriteRequest,
  type WriteResult,
} from '../shared/write.ts';
import {
  RUN_RESULT_BYTES_MAX,
  SIGNALS_PER_RUN_MAX,
  TASK_RESULT_BYTES_MAX,
} from '../shared/limits.ts';
import { type EndReason, entryOf } from '../shared/rollup.ts';
import { searchAttributesOf } from '../shared/search-attributes.ts';
import { figuresOf } from '../shared/session.ts';
import { describeInMarkdown, type SessionView, viewOf } from '../shared/session-view.ts';
import { createPendingTraces } from '../shared/traces.ts';
import { isTurning } from '../shared/turning.ts';
import { createAlarm } from './alarm.ts';
import { asksLog } from './asks-log.ts';
import { type Arrivals, createArrivals } from './arrivals.ts';
import {
  askLogSignal,
  endSignal,
  endUpdate,
  eventsSignal,
  excludeSignal,
  excludeUpdate,
  includeSignal,
  includeUpdate,
  restateSignal,
  restateUpdate,
  type SessionSinks,
  snapshotQuery,
  stateQuery,
} from './messages.ts';
import { searchAttributePairs } from './search-attribute-pairs.ts';
import { showDetails } from './show-details.ts';

// A write rides on the workflow task that caused it. Where that does not work within seconds, an
// ordinary activity takes over: visible in the UI, retried until it works, holding no task.
const quick = proxyLocalActivities<Pick<Activities, 'writeDifference'>>({
  startToCloseTimeout: '3s',
  scheduleToCloseTimeout: '5s',
  retry: { maximumAttempts: 2, initialInterval: '100ms' },
});
const patience = {
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '5s' },
} as const;
const patient = proxyActivities<Pick<Activities, 'writeDifference'>>({
  ...patience,
  summary: 'writes what was counted since the last write, tried until the log takes it',
});
const { loadSnapshot } = proxyActivities<Pick<Activities, 'loadSnapshot'>>({
  ...patience,
  summary: 'fetches what the latest run of this session knew',
});
// So many sessions may wait for the store that their tries are work of their own.
const { recognizeVisitor } = proxyActivities<Pick<Activities, 'recognizeVisitor'>>({
  ...patience,
  retry: { ...patience.retry, maximumInterval: '20s' },
  summary: 'a new user, or a returning one?',
});

// It reads all histories of the session. Rare, and as long as it takes.
const thorough = proxyActivities<Pick<Activities, 'readEventRows'>>({
  startToCloseTimeout: '30m',
  heartbeatTimeout: '20s',
  retry: patience.retry,
  summary: 'what its events have added, from its histories',
});

// The worker ends no workflow task before the log has taken what came this way (workers/host/session-host.ts).
const { rollupLog, sessionEnds } = proxySinks<SessionSinks>();

/** @returns what a later run needs to reopen the session */
export async function session(input: SessionInput): Promise<SessionSnapshot> {
  const { firstExecutionRunId, runId } = workflowInfo();
  // A run that goes on with a life goes on with its clock.
  const arrivals = createArrivals(input.batch.sentAt ?? Date.now());
  const actor = openActor(asBegun(input), firstExecutionRunId, arrivals.now);
  const traces = createPendingTraces();
  traces.take(input.batch.traces, Date.now());
  if (input.opening !== undefined && !asksLog(1)) {
    const opened = takeOpening(actor, input.opening, arrivals.now);
    rollupLog.append({ ...entryOf(opened), ...traces.give() });
  }
  let signals = 0;
  let ended: EndReason | undefined;

  setHandler(
    askLogSignal,
    (question: unknown) => {
      takeQuestion(actor, question);
    },
    INTERNAL,
  );
  setHandler(
    eventsSignal,
    (batch: unknown) => {
      // Anybody may signal a session by hand. What is no batch must not stand in its way for ever.
      if (!isBatch(batch)) {
        log.warn('a signal `events` that holds no events was ignored');
        return;
      }
      const cameAt = Date.now();
      arrivals.take(() => {
        signals += 1;
        receive(actor, batch, arrivals.now);
        if (batch.traces !== undefined) traces.take(batch.traces, cameAt);
      }, batch.sentAt ?? cameAt);
    },
    INTERNAL,
  );
  // Whatever came along with it: callers of before, and most people in the UI, say nothing.
  const requestEnd = (note?: unknown) => {
    const cameAt = Date.now();
    arrivals.take(() => {
      actor.endRequested = true;
      noteAct(actor, 'end', note, cameAt);
    });
  };
  setHandler(endSignal, requestEnd, { description: END });
  setHandler(
    endUpdate,
    async (note?: unknown) => {
      requestEnd(note);
      await condition(() => ended !== undefined);
      return viewOf(actor, Date.now(), ended);
    },
    { description: `${END} Answers with what the session came to.` },
  );
  setHandler(
    excludeSignal,
    (note?: unknown) => {
      requestTurn(true, note);
    },
    { description: EXCLUDE },
  );
  setHandler(
    includeSignal,
    (note?: unknown) => {
      requestTurn(false, note);
    },
    { description: INCLUDE },
  );
  setHandler(excludeUpdate, (note?: unknown) => turned(true, note), { description: EXCLUDE });
  setHandler(includeUpdate, (note?: unknown) => turned(false, note), { description: INCLUDE });
  setHandler(
    restateSignal,
    (request: unknown) => {
      if (isRestateRequest(request)) requestRestate(request);
      else log.warn('a signal `restate` that names no version was ignored');
    },
    { description: RESTATE },
  );
  setHandler(restateUpdate, restated, { description: RESTATE });
  showDetails(() => describeInMarkdown(viewOf(actor, Date.now(), ended)));
  setHandler(stateQuery, () => viewOf(actor, Date.now(), ended), {
    description: 'The session as people read it.',
  });
  // What has no handler of its own is not in the UI's list of queries: `state` is all that people need.
  setDefaultQueryHandler((name) => {
    if (name !== snapshotQuery.name) {
      throw new ReferenceError(`a session knows no query ${name}; ask for state`);
    }
    return unsureSnapshot(actor, workflowInfo().historyLength, ended ?? actor.reopenedAfter);
  });

  function requestTurn(isExcluded: boolean, note: unknown, onTaken?: () => void): void {
    const cameAt = Date.now();
    arrivals.take(() => {
      want(actor, isExcluded);
      noteAct(actor, isExcluded ? 'exclude' : 'include', note, cameAt);
      onTaken?.();
    });
  }

  function requestRestate(request: RestateRequest, onTaken?: () => void): void {
    arrivals.take(() => {
      wantRestated(actor, request);
      onTaken?.();
    });
  }

  async function turned(isExcluded: boolean, note: unknown): Promise<SessionView> {
    await untilTurned((onTaken) => {
      requestTurn(isExcluded, note, onTaken);
    });
    return viewUnless(actor.refused);
  }

  async function restated(request: unknown): Promise<SessionView> {
    if (!isRestateRequest(request)) {
      throw ApplicationFailure.nonRetryable('name a version: {"catalogue": 3}', 'SJ_USAGE');
    }
    await untilTurned((onTaken) => {
      requestRestate(request, onTaken);
    });
    return viewUnless(actor.restateRefused);
  }

  /** Where the session ends just then, its next run does it: who asked sees that it is not done. */
  async function untilTurned(ask: (onTaken: () => void) => void): Promise<void> {
    let isTaken = false;
    ask(() => {
      isTaken = true;
    });
    const isDone = () => isTaken && !isTurning(actor) && !actor.owesMore;
    await condition(() => ended !== undefined || isDone());
  }

  function viewUnless(refused: string | undefined): SessionView {
    if (refused !== undefined) throw ApplicationFailure.nonRetryable(refused, 'SJ_NOT_EXACT');
    return viewOf(actor, Date.now(), ended);
  }

  const alarm = createAlarm(arrivals.take);
  const shown = createSearchAttributeUpdater(actor);

  const results = { ofTask: 0, ofRun: 0 };

  /** Goes on in a new run, unless what has come meanwhile is more than an argument takes: that is written first. */
  async function continueUnlessFull(): Promise<void> {
    while (arrivals.next());
    if (!mayTravel(actor)) return;
    await continueAsNew<typeof session>(continuation(actor, arrivals.now));
  }

  async function writeNext(step: Omit<Extract<Step, { do: 'write' }>, 'do'>): Promise<void> {
    const ride = asksLog(actor.writeNo + 1)
      ? undefined
      : takeRide(actor, step, arrivals.now, workflowInfo().historyLength);
    if (ride === undefined) {
      const request = { ...writeRequest(actor, step, arrivals.now), ...traces.give() };
      const bytes = await write(actor, request, arrivals);
      if (!actor.isBounded) return;
      results.ofRun += bytes;
      results.ofTask += bytes;
    } else {
      const entry = entryOf(ride);
      rollupLog.append({ ...entry, mayDiffer: ride.writeNo, ...traces.give() });
      results.ofTask += entry.data.length;
    }
    if (results.ofTask < TASK_RESULT_BYTES_MAX) return;
    // Ends the workflow task: the server takes the results of a task all at once, and the log each record.
    results.ofTask = 0;
    await sleep(1);
  }

  async function live(): Promise<EndReason> {
    for (;;) {
      const step = nextStep(actor, arrivals.now);
      const isRunFull = results.ofRun >= RUN_RESULT_BYTES_MAX;
      if (step.do === 'write') {
        if (isRunFull && mayTravel(actor)) {
          await continueUnlessFull();
          continue;
        }
        await writeNext(step);
        if (step.status === 'open' || actor.settings.showsItsEnd) shown.update();
        continue;
      }
      if (step.do === 'turn') {
        turn(actor, runId);
        continue;
      }
      if (step.do === 'read') {
        const page = await thorough.readEventRows(eventRowsRequest(actor));
        takePage(actor, page);
        if ('rows' in page) results.ofRun += pageBytes(page);
        continue;
      }
      if (step.do === 'recognize') {
        takeUser(actor, await recognizeVisitor(visitOf(actor, arrivals.now)));
        continue;
      }
      if (step.do === 'end') {
        ended = step.reason;
        if (!allHandlersFinished()) await condition(allHandlersFinished);
        // What has come since is for a new run: a replay may hear sooner of the write before this, and
        // closes right here, so this run must close here too.
        while (arrivals.next());
        if (nextStep(actor, arrivals.now).do === 'end') return ended;
        await continueUnlessFull();
        ended = undefined;
        continue;
      }
      if (signals >= SIGNALS_PER_RUN_MAX || arrivals.isHistoryLong || isRunFull) {
        if (writesFirst(actor)) await writeNext(openWrite(actor));
        else await continueUnlessFull();
        continue;
      }
      if (!isChanged(actor)) traces.drop();
      alarm.set(step.until, arrivals.now);
      if (arrivals.next()) continue;
      await arrivals.wait();
      results.ofTask = 0;
      arrivals.next();
    }
  }

  try {
    ended = await live();
  } catch (error) {
    if (!isCancellation(error)) throw error;
    // A cancellation is an operator's wish to end the session, not to lose what it owes. A write that
    // it interrupted is in the log or not: the next one finds out.
    actor.endRequested = true;
    ended = await CancellationScope.nonCancellable(live);
  }
  sessionEnds.ended(ended);
  return snapshotOf(actor, ended);
}

const NOTE = 'Who asks, and why, may come along: {"by": "anna", "reason": "a test"}.';
const END = `Settles the session now: it writes what it owes, and ends. ${NOTE}`;
const EXCLUDE = `Takes the session out of the numbers: all that it has counted is taken back, and what comes later does not count. ${NOTE}`;
const INCLUDE = `Lets the session count again, with all that came meanwhile. ${NOTE}`;
const RESTATE =
  'Has the session go by the definitions of a version, {"catalogue": 3}: what it has counted is corrected to the last row.';
const INTERNAL = { description: 'Internal: sent by Sojourn itself, not by people.' };

/** One write. @returns how many bytes of it the history keeps, at the most */
async function write(actor: Actor, request: WriteRequest, arrivals: Arrivals): Promise<number> {
  let result: WriteResult;
  try {
    result = await quick.writeDifference(request);
  } catch (error) {
    if (!isLocalFailure(error)) throw error;
    result = await patient.writeDifference(request);
  }
  if (!confirmWrite(actor, result, arrivals.now)) await startAgain(actor, result);
  else if (isOfOthers(request, result) && patched('others-record')) actor.owesMore = true;
  return resultBytes(result);
}

/** Another chain wrote first: this run was reopened from a stale snapshot. */
async function startAgain(actor: Actor, foreign: WriteResult): Promise<void> {
  log.info('reopened from a stale snapshot, starting again from the latest', { by: foreign.by });
  const { project, sessionId, chain } = actor;
  const runId = foreign.from ?? foreign.by;
  rebase(actor, await loadSnapshot({ project, sessionId, runId, chain }), foreign);
}

/** A local activity's failure comes bare, not wrapped in an ActivityFailure. */
function isLocalFailure(error: unknown): boolean {
  return error instanceof TemporalFailure && !isCancellation(error);
}

/** Keeps the search attributes true; an upsert costs a visibility record, so only real changes. */
function createSearchAttributeUpdater(actor: Actor): { update(): void } {
  // Ingest starts a run with the attributes of its first batch, a continued run keeps them.
  const attributes = () => {
    const facts = figuresOf(actor.state);
    return facts === undefined ? undefined : searchAttributesOf(actor.project, facts);
  };
  let shown = JSON.stringify(attributes());
  return {
    update() {
      const now = attributes();
      if (now === undefined || JSON.stringify(now) === shown) return;
      shown = JSON.stringify(now);
      upsertSearchAttributes(searchAttributePairs(now));
    },
  };
}
