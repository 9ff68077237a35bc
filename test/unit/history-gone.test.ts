/** A history that Temporal has deleted, in the words that it says so. */
import { WorkflowNotFoundError } from '@temporalio/client';
import { expect } from 'chai';
import { isHistoryGone } from '../../platform/temporal.ts';

/** As gRPC says it; the library takes what has these fields for an error of it. */
const answered = (code: number, details: string) =>
  Object.assign(new Error(`${code} ${details}`), { code, details, metadata: {} });

describe('a history that was asked for', () => {
  it('is gone where the server does not find it, and where the library says so', () => {
    const id = 'session/shop/s-1';
    const details = `workflow execution not found for workflow ID "${id}" and run ID "r"`;

    expect(isHistoryGone(answered(5, details))).to.equal(true);
    expect(isHistoryGone(new WorkflowNotFoundError('gone', id, 'r'))).to.equal(true);
  });

  it('is not gone where the server is away, or has lost the namespace', () => {
    expect(isHistoryGone(answered(14, 'connection refused'))).to.equal(false);
    expect(isHistoryGone(answered(5, 'Namespace sojourn is not found.'))).to.equal(false);
    expect(isHistoryGone(new Error('workflow execution not found'))).to.equal(false);
  });
});
