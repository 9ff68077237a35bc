import { expect } from 'chai';
import { steadyNow } from '../../platform/steady-clock.ts';

describe('the clock that goes on evenly', () => {
  it('tells whole milliseconds, as sessions take them, and never fewer than before', () => {
    let before = steadyNow();
    for (let n = 0; n < 1_000; n += 1) {
      const now = steadyNow();
      expect(Number.isInteger(now)).to.equal(true);
      expect(now).to.be.at.least(before);
      before = now;
    }
    expect(Math.abs(before - Date.now())).to.be.below(60_000);
  });
});
