import { expect } from 'chai';
import { nanosOf, timestampOf } from '../../platform/rollup-places.ts';

describe('a time of JetStream', () => {
  it('is read to the nanosecond, with as many digits as it was written with', () => {
    expect(nanosOf('2026-05-05T10:31:07.123456789Z')).to.equal('1777977067123456789');
    expect(nanosOf('2026-05-05T10:31:07.1Z')).to.equal('1777977067100000000');
    expect(nanosOf('2026-05-05T10:31:07Z')).to.equal('1777977067000000000');
  });

  it('is written with all nine', () => {
    expect(timestampOf(1_777_977_067_000_000_001n)).to.equal('2026-05-05T10:31:07.000000001Z');
    expect(nanosOf(timestampOf(1_777_977_067_123_456_789n))).to.equal('1777977067123456789');
  });
});
