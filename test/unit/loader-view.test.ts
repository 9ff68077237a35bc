import { expect } from 'chai';
import { describeLoader, describeRange, lagOf } from '../../shared/loader-view.ts';
import { advance, type LogRange, openLoader } from '../../shared/ranges.ts';

const NOON = Date.UTC(2026, 10, 29, 12);
const range: LogRange = { partition: 0, log: '1', from: 5, to: 9, at: `${NOON}000000` };

describe('the view of a loader', () => {
  it('says what it does, how far it is, and where errors are', () => {
    const state = openLoader(0);
    const view = { state, loading: range, ranges: 0, rangesMax: 500 };

    expect(describeLoader(view)).to.match(/^\*\*loading\*\* records 5 to 9 of partition 0/);
    expect(describeLoader(view)).to.contain('| Loaded up to | nothing yet |');
    expect(describeLoader(view)).to.contain('| In the log until loaded | not known |');

    advance(state, range);
    const waiting = describeLoader({ ...view, loading: null, ranges: 1, lagMs: 1_250 });
    expect(waiting).to.match(/^\*\*waiting\*\* for records/);
    expect(waiting).to.contain('| Loaded up to | record 9 |');
    expect(waiting).to.contain('| In the log until loaded | 1.25 s |');
    expect(waiting).to.contain('| Ranges of this run | 1 of 500');
    expect(waiting).to.contain('*Pending Activities*');
  });

  it('knows how long the newest record of a range had waited, where somebody noted when it came', () => {
    expect(lagOf(range, NOON + 1_250)).to.equal(1_250);
    expect(lagOf(range, NOON - 5)).to.equal(0);
    expect(lagOf({ partition: 0, log: '1', from: 5, to: 9 }, NOON)).to.equal(undefined);
    expect(describeRange(range)).to.equal('records 5 to 9 of partition 0');
  });
});
