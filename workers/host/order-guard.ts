/**
 * Keeps a session from hearing of things in another order than a replay would tell it. Within a workflow task
 * the engine tells of signals first, then of timers. But when the session is asked something, the engine (SDK
 * 1.24) may tell of a timer before the workflow task it belongs to has begun, or part in two what a replay
 * takes for one task: then a signal that comes before the next task is told after the timer, and in a replay
 * before it. Such a task is given up instead: the engine tries it again, from the history (docs/decisions/019).
 */
import type proto from '@temporalio/proto';

type Activation = proto.coresdk.workflow_activation.IWorkflowActivation;
type Job = proto.coresdk.workflow_activation.IWorkflowActivationJob;
type Completion = proto.coresdk.workflow_completion.IWorkflowActivationCompletion;

export interface OrderGuard {
  /** @returns whether a replay would have told of this before things that have been told already */
  isTooLate(activation: Activation): boolean;
  /** What the workflow answered. */
  saw(completion: Completion): void;
}

/** For one run, from its first task in this process on. */
export function createOrderGuard(): OrderGuard {
  let task: string | undefined;
  /** Of the local activities, whose ends no event of the history tells before the task that follows. */
  let running = 0;
  /** Something other than a signal was told since the last task whose end a replay is sure to know. */
  let isTold = false;
  /** Something was told that belongs to the next task. */
  let isAhead = false;

  return {
    isTooLate(activation) {
      const jobs = activation.jobs ?? [];
      if (jobs.every(isQuery)) return false;
      const hasSignals = jobs.some(isSignal);
      const hasOthers = jobs.some(isOther);
      const began = startOf(activation);
      if (began !== task) {
        if (running === 0 && !isAhead) isTold = false;
        if (isTold && hasSignals && !activation.isReplaying) return true;
        isAhead = false;
      } else if (hasSignals || hasOthers) {
        isAhead = true;
      }
      task = began;
      // A replay that is over has told of everything in the order in which the next one will.
      isTold = !activation.isReplaying && (isTold || hasOthers);
      running -= jobs.filter(isLocalEnd).length;
      return false;
    },
    saw({ successful }) {
      const commands = successful?.commands ?? [];
      running += commands.filter(({ scheduleLocalActivity }) => scheduleLocalActivity).length;
    },
  };
}

/** When the workflow task began, which tells one from the next. */
function startOf({ timestamp }: Activation): string {
  return `${timestamp?.seconds?.toString() ?? ''}.${timestamp?.nanos?.toString() ?? ''}`;
}

function isQuery({ queryWorkflow }: Job): boolean {
  return Boolean(queryWorkflow);
}

function isSignal({ signalWorkflow, doUpdate }: Job): boolean {
  return Boolean(signalWorkflow ?? doUpdate);
}

function isLocalEnd({ resolveActivity }: Job): boolean {
  return resolveActivity?.isLocal === true;
}

/** An event of the history that is told after the signals of its task. */
function isOther(job: Job): boolean {
  const { fireTimer, resolveActivity, cancelWorkflow } = job;
  return Boolean(fireTimer ?? cancelWorkflow ?? (resolveActivity && !isLocalEnd(job)));
}
