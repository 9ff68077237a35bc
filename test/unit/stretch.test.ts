import { expect } from 'chai';
import { createStretch } from '../../workers/ingest/stretch.ts';

describe('the checkpoints of sessions', () => {
  it('are not stretched while everything due finds a place', () => {
    const stretch = createStretch(5_000);
    stretch.observe(false, 0);

    expect(stretch.checkpointMs(60_000)).to.equal(undefined);
  });

  it('are not stretched by a burst of half a second', () => {
    const stretch = createStretch(5_000);
    stretch.observe(true, 0);
    stretch.observe(false, 400);

    expect(stretch.checkpointMs(400)).to.equal(undefined);
  });

  it('are stretched the more, the longer places are short, up to a minute', () => {
    const stretch = createStretch(5_000);
    stretch.observe(true, 0);
    const after1s = stretch.checkpointMs(1_000);

    expect(after1s).to.be.within(5_001, 59_999);
    expect(stretch.checkpointMs(2_000)).to.be.above(after1s ?? 0);
    expect(stretch.checkpointMs(10_000)).to.equal(60_000);
  });

  it('are as the setting says once there is time again', () => {
    const stretch = createStretch(5_000);
    stretch.observe(true, 0);
    stretch.observe(false, 60_000);

    expect(stretch.checkpointMs(61_000)).to.be.above(5_000);
    expect(stretch.checkpointMs(70_000)).to.equal(undefined);
  });

  it('are left alone where there are none, or where they are as far apart as that already', () => {
    for (const setting of [null, 60_000, 3_600_000]) {
      const stretch = createStretch(setting);
      stretch.observe(true, 0);

      expect(stretch.checkpointMs(60_000)).to.equal(undefined);
    }
  });
});
