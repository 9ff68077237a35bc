import { expect } from 'chai';
import { createUntaken, KEPT_TASK_WAITS_MS, type Untaken } from '../../workers/host/untaken.ts';

/** In a worker that keeps the first runs of these. */
function keeping(...workflowIds: readonly string[]): Untaken {
  const untaken = createUntaken();
  for (const workflowId of workflowIds) untaken.kept(workflowId, 'run-1');
  return untaken;
}

/** A signal that Temporal takes at once. */
function signal(untaken: Untaken, workflowId: string, now = 0): void {
  untaken.sent(workflowId, untaken.takenBy(workflowId), now);
}

describe('signals that have yet to be taken up', () => {
  it('are those to workflows that are kept here', () => {
    const untaken = keeping('a');
    signal(untaken, 'a');
    signal(untaken, 'b');

    expect(untaken.count(0)).to.equal(1);
  });

  it('count once a session, however many they are', () => {
    const untaken = keeping('a');
    signal(untaken, 'a');
    signal(untaken, 'a');
    expect(untaken.count(0)).to.equal(1);

    untaken.taken('a');
    expect(untaken.count(0)).to.equal(0);
  });

  it('do not count where they came before Temporal had answered', () => {
    const untaken = keeping('a');
    const takenBefore = untaken.takenBy('a');
    untaken.taken('a');
    untaken.sent('a', takenBefore, 0);

    expect(untaken.count(0)).to.equal(0);
    signal(untaken, 'a');
    expect(untaken.count(0)).to.equal(1);
  });

  it('are not waited for where the workflow is kept no longer', () => {
    const untaken = keeping('a');
    signal(untaken, 'a');
    untaken.dropped('a', 'run-1');

    expect(untaken.count(0)).to.equal(0);
    expect(untaken.takenBy('a')).to.equal(undefined);
  });

  it('are still those of the next run where the one before it is dropped late', () => {
    const untaken = keeping('a');
    untaken.kept('a', 'run-2');
    signal(untaken, 'a');
    untaken.dropped('a', 'run-1');

    expect(untaken.count(0)).to.equal(1);
  });

  it('are somebody else’s when their time here is over', () => {
    const untaken = keeping('a', 'b');
    signal(untaken, 'a', 0);
    signal(untaken, 'b', 500);
    // Again: one task is for both, and is due since the first.
    signal(untaken, 'a', 1_000);

    expect(untaken.count(KEPT_TASK_WAITS_MS - 1)).to.equal(2);
    expect(untaken.count(KEPT_TASK_WAITS_MS)).to.equal(1);
    expect(untaken.count(KEPT_TASK_WAITS_MS + 500)).to.equal(0);
  });

  it('do not count for a session that another worker has, until it comes here again', () => {
    const untaken = keeping('a');
    signal(untaken, 'a', 0);
    untaken.count(KEPT_TASK_WAITS_MS);

    signal(untaken, 'a', KEPT_TASK_WAITS_MS);
    expect(untaken.count(KEPT_TASK_WAITS_MS)).to.equal(0);
    untaken.taken('a');
    signal(untaken, 'a', KEPT_TASK_WAITS_MS);
    expect(untaken.count(KEPT_TASK_WAITS_MS)).to.equal(1);
  });
});
