/**
 * One visitor session: a durable actor. It folds what arrives, hands over differences, and ends on
 * `session_end`, after its idle timeout, or when an operator says so. What it decides is decided in
 * `shared/actor.ts`; here it gets a clock, timers, activities and an ear.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  log,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  TemporalFailure,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import {
  type Actor,
  confirmWrite,
  continuation,
  isChanged,
  nextStep,
  openActor,
  openWrite,
  rebase,
  receive,
  type SessionInput,
  type SessionSnapshot,
  snapshotOf,
  type Step,
  type WriteRequest,
  writeRequest,
  type WriteResult,
} from '../shared/actor.ts';
import { CARRIED_ROWS_MAX, SIGNALS_PER_RUN_MAX } from '../shared/limits.ts';
import type { EndReason } from '../shared/rollup.ts';
import { searchAttributesOf } from '../shared/search-attributes.ts';
import { factsOf } from '../shared/session.ts';
import { describeInMarkdown, viewOf } from '../shared/session-view.ts';
import { createAlarm } from './alarm.ts';
import { endSignal, endUpdate, eventsSignal, snapshotQuery, stateQuery } from './messages.ts';
import { searchAttributePairs } from './search-attribute-pairs.ts';

// A write rides on the workflow task that caused it. Where that does not work within seconds, an
// ordinary activity takes over: visible in the UI, retried until it works, holding no task.
const quick = proxyLocalActivities<Pick<Activities, 'writeDifference' | 'loadSnapshot'>>({
  startToCloseTimeout: '3s',
  scheduleToCloseTimeout: '5s',
  retry: { maximumAttempts: 2, initialInterval: '100ms' },
});
const patient = proxyActivities<Pick<Activities, 'writeDifference' | 'loadSnapshot'>>({
  startToCloseTimeout: '30s',
  retry: { initialInterval: '500ms', backoffCoefficient: 2, maximumInterval: '15s' },
});

/** @returns what a later run needs to reopen the session */
export async function session(input: SessionInput): Promise<SessionSnapshot> {
  const { firstExecutionRunId } = workflowInfo();
  const actor = openActor(input, firstExecutionRunId, Date.now());
  let signals = 0;
  let stirred = false;
  let ended: EndReason | undefined;

  setHandler(eventsSignal, (batch) => {
    signals += 1;
    receive(actor, batch, Date.now());
    stirred = true;
  });
  const requestEnd = () => {
    actor.endRequested = true;
    stirred = true;
  };
  setHandler(endSignal, requestEnd);
  setHandler(endUpdate, async () => {
    requestEnd();
    await condition(() => ended !== undefined);
    return viewOf(actor, Date.now(), ended);
  });
  setHandler(stateQuery, () => viewOf(actor, Date.now(), ended));
  setHandler(snapshotQuery, () => snapshotOf(actor, ended ?? actor.reopenedAfter));

  // A cancellation is an operator's wish to end the session, not to lose what it owes.
  CancellationScope.current().cancelRequested.catch(requestEnd);
  const alarm = createAlarm(() => {
    stirred = true;
  });
  const shown = createSearchAttributeUpdater(actor);

  await CancellationScope.nonCancellable(async () => {
    for (;;) {
      stirred = false;
      const step = nextStep(actor, Date.now());
      if (step.do === 'write') {
        await write(actor, step);
        if (step.status === 'open') shown.update();
        continue;
      }
      setCurrentDetails(describeInMarkdown(viewOf(actor, Date.now(), ended)));
      if (step.do === 'end') {
        ended = step.reason;
        await condition(allHandlersFinished);
        if (!isDone(actor)) {
          ended = undefined;
          continue;
        }
        return;
      }
      if (signals >= SIGNALS_PER_RUN_MAX || workflowInfo().continueAsNewSuggested) {
        // What is written need not travel, and what a reopened run has not proven must not.
        if (
          actor.unproven !== undefined ||
          (actor.balance.size > CARRIED_ROWS_MAX && isChanged(actor))
        ) {
          await write(actor, openWrite(actor));
          continue;
        }
        await continueAsNew<typeof session>(continuation(actor));
      }
      alarm.set(step.until);
      await condition(() => stirred);
    }
  });
  setCurrentDetails(describeInMarkdown(viewOf(actor, Date.now(), ended)));
  return snapshotOf(actor, ended);
}

/** Nothing arrived while handlers finished. */
function isDone(actor: Actor): boolean {
  return nextStep(actor, Date.now()).do === 'end';
}

async function write(
  actor: Actor,
  step: Omit<Extract<Step, { do: 'write' }>, 'do'>,
): Promise<void> {
  const result = await writeOnce(writeRequest(actor, step, Date.now()));
  if (confirmWrite(actor, result, Date.now())) return;

  log.info('reopened from a stale snapshot, starting again from the latest', { by: result.by });
  const request = { project: actor.project, sessionId: actor.sessionId, runId: result.by };
  rebase(actor, await orPatiently((a) => a.loadSnapshot(request)), result);
}

function writeOnce(request: WriteRequest): Promise<WriteResult> {
  return orPatiently((activities) => activities.writeDifference(request));
}

async function orPatiently<T>(call: (activities: typeof quick) => Promise<T>): Promise<T> {
  try {
    return await call(quick);
  } catch (error) {
    // A local activity's failure comes bare, not wrapped in an ActivityFailure.
    if (!(error instanceof TemporalFailure)) throw error;
    return await call(patient);
  }
}

/** Keeps the search attributes true; an upsert costs a visibility record, so only real changes. */
function createSearchAttributeUpdater(actor: Actor): { update(): void } {
  // Ingest starts a run with the attributes of its first batch, a continued run keeps them.
  const attributes = () => {
    const facts = factsOf(actor.state);
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
