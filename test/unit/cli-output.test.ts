import { expect } from 'chai';
import { failWhereNotAll } from '../../cli/many-sessions.ts';
import { formatMany } from '../../cli/output.ts';
import { statusOf } from '../../cli/show-sessions.ts';

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
