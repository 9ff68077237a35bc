import { expect } from 'chai';
import type proto from '@temporalio/proto';
import { createOrderGuard } from '../../workers/host/order-guard.ts';

type Job = proto.coresdk.workflow_activation.IWorkflowActivationJob;

const SIGNAL: Job = { signalWorkflow: { signalName: 'events' } };
const UPDATE: Job = { doUpdate: { name: 'end' } };
const TIMER: Job = { fireTimer: { seq: 1 } };
const CANCEL: Job = { cancelWorkflow: {} };
const QUERY: Job = { queryWorkflow: { queryId: 'q' } };
const LOCAL_END: Job = { resolveActivity: { seq: 1, isLocal: true } };
const ACTIVITY_END: Job = { resolveActivity: { seq: 2, isLocal: false } };
const STARTS_LOCAL = { successful: { commands: [{ scheduleLocalActivity: { seq: 1 } }] } };

/** What is told in a task that began at `nanos`. */
function told(nanos: number, ...jobs: Job[]) {
  return { timestamp: { nanos }, jobs, isReplaying: false };
}

function replayed(nanos: number, ...jobs: Job[]) {
  return { ...told(nanos, ...jobs), isReplaying: true };
}

describe('the order of what a session is told', () => {
  it('lets tasks pass that are told as the history has them', () => {
    const guard = createOrderGuard();
    expect(guard.isTooLate(told(1, SIGNAL))).to.equal(false);
    expect(guard.isTooLate(told(2, SIGNAL, TIMER))).to.equal(false);
    expect(guard.isTooLate(told(3, SIGNAL))).to.equal(false);
  });

  for (const [name, job] of Object.entries({ TIMER, CANCEL, ACTIVITY_END })) {
    it(`gives up a task whose signal came after its ${name}, told before the task began`, () => {
      const guard = createOrderGuard();
      guard.isTooLate(told(1, SIGNAL));
      expect(guard.isTooLate(told(1, job))).to.equal(false);
      expect(guard.isTooLate(told(2, SIGNAL))).to.equal(true);
    });
  }

  it('takes an update for a signal', () => {
    const guard = createOrderGuard();
    guard.isTooLate(told(1, SIGNAL));
    guard.isTooLate(told(1, TIMER));
    expect(guard.isTooLate(told(2, UPDATE))).to.equal(true);
  });

  it('lets a signal pass that was told early, or comes one task later', () => {
    const early = createOrderGuard();
    early.isTooLate(told(1, SIGNAL));
    early.isTooLate(told(1, SIGNAL));
    expect(early.isTooLate(told(2, SIGNAL, TIMER))).to.equal(false);

    const later = createOrderGuard();
    later.isTooLate(told(1, SIGNAL));
    later.isTooLate(told(1, TIMER));
    expect(later.isTooLate(told(2, TIMER))).to.equal(false);
    expect(later.isTooLate(told(3, SIGNAL))).to.equal(false);
  });

  it('gives up a signal of a task that a replay would take for one with the task before', () => {
    const guard = createOrderGuard();
    guard.isTooLate(told(1, SIGNAL));
    guard.isTooLate(told(2, TIMER));
    guard.saw(STARTS_LOCAL);
    guard.isTooLate({ ...told(2, QUERY), isReplaying: true });
    expect(guard.isTooLate(told(3, SIGNAL))).to.equal(true);
  });

  it('lets it pass where the local activity has ended in its own task', () => {
    const guard = createOrderGuard();
    guard.isTooLate(told(2, TIMER));
    guard.saw(STARTS_LOCAL);
    guard.isTooLate(told(2, LOCAL_END));
    expect(guard.isTooLate(told(3, SIGNAL))).to.equal(false);
  });

  it('never gives up what a replay has told, nor what follows it: it would be told so again', () => {
    const guard = createOrderGuard();
    guard.isTooLate(replayed(1, SIGNAL));
    guard.isTooLate(replayed(2, TIMER));
    guard.saw(STARTS_LOCAL);
    expect(guard.isTooLate(replayed(3, SIGNAL))).to.equal(false);
    expect(guard.isTooLate(told(4, SIGNAL))).to.equal(false);
  });
});
