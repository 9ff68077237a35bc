import { expect } from 'chai';
import { describeOutcome } from '../../cli/import-view.ts';
import { failWhereNotAll } from '../../cli/many-sessions.ts';
import { formatMany } from '../../cli/output.ts';
import { statusOf } from '../../cli/show-sessions.ts';
import type { ImportOutcome } from '../../imports/run-import.ts';

const OUTCOME: ImportOutcome = {
  ...{ id: 'i1', project: 'shop', state: 'done', records: 3, badRecords: 0 },
  ...{ events: 3, sessions: 1, loaded: 1, replaced: 0, left: 0, live: 0 },
};

describe('what commands say', () => {
  it('is in the singular of one', () => {
    expect([0, 1, 1_234].map((count) => formatMany(count, 'session'))).to.deep.equal([
      '0 sessions',
      '1 session',
      '1,234 sessions',
    ]);
    expect([1, 2].map((count) => formatMany(count, 'was', 'were'))).to.deep.equal([
      '1 was',
      '2 were',
    ]);
  });

  it('calls an import that was taken back so in words, not as the JSON does', () => {
    const outcome = { ...OUTCOME, state: 'taken_back' } as const;

    expect(describeOutcome(outcome, 1_000).split('\n')[0]).to.equal('import i1: taken back');
  });

  it('names the one session that could not be done, and the first of several', () => {
    const result = (count: number, left = 0) => ({
      ...{ matched: 3, outcomes: {}, left },
      failed: Array.from({ length: count }, (_, n) => ({
        ...{ project: 'shop', id: `s${n}`, error: 'no' },
      })),
    });

    expect(() => {
      failWhereNotAll('ended', result(1));
    }).to.throw('1 session could not be ended: s0: no');
    expect(() => {
      failWhereNotAll('ended', result(2));
    }).to.throw('2 sessions could not be ended, the first of them s0: no');
    expect(() => {
      failWhereNotAll('ended', result(0, 1));
    }).to.throw('stopped with 1 session left');
  });

  it('calls a session open only where a visit may go on', () => {
    expect(statusOf({ status: 'open', settling: false })).to.equal('open');
    expect(statusOf({ status: 'ended', endReason: 'idle', settling: false })).to.equal(
      'ended (idle)',
    );
    expect(statusOf({ status: 'open', settling: true })).to.match(/^settling \(it had ended/);
  });
});
