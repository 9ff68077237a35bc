import { expect } from 'chai';
import { createStretch, type Stretch } from '../../workers/ingest/stretch.ts';

const IDLE = { isBusy: false, isShort: false };
const BUSY = { isBusy: true, isShort: false };
const SHORT = { isBusy: true, isShort: true };

/** Pulses of half a second, each of which takes a part of its time. @returns when they are over */
function pulse(stretch: Stretch, from: number, count: number, partBusy: number): number {
  for (let n = 0; n < count; n += 1) {
    stretch.observe(BUSY, from + n * 500);
    stretch.observe(IDLE, from + (n + partBusy) * 500);
  }
  return from + count * 500;
}

describe('the checkpoints of sessions', () => {
  it('are not stretched while everything due finds a place', () => {
    const stretch = createStretch(5_000);
    stretch.observe(IDLE, 0);

    expect(stretch.checkpointMs(60_000)).to.equal(undefined);
  });

  it('are not stretched by a burst of half a second', () => {
    const stretch = createStretch(5_000);
    stretch.observe(SHORT, 0);
    stretch.observe(IDLE, 400);

    expect(stretch.checkpointMs(400)).to.equal(undefined);
  });

  it('are stretched the more, the longer places are short, up to a minute', () => {
    const stretch = createStretch(5_000);
    stretch.observe(SHORT, 0);
    const after1s = stretch.checkpointMs(1_000);

    expect(after1s).to.be.within(5_001, 59_999);
    expect(stretch.checkpointMs(2_000)).to.be.above(after1s ?? 0);
    expect(stretch.checkpointMs(10_000)).to.equal(60_000);
  });

  it('are not stretched where half of the time is left', () => {
    const stretch = createStretch(5_000);
    const end = pulse(stretch, 0, 200, 0.5);

    expect(stretch.checkpointMs(end)).to.equal(undefined);
  });

  it('are stretched the more, the less time is left', () => {
    const stretch = createStretch(5_000);
    const end = pulse(stretch, 0, 200, 0.7);
    const some = stretch.checkpointMs(end);
    const later = pulse(stretch, end, 200, 0.8);

    expect(some).to.be.within(15_000, 40_000);
    expect(stretch.checkpointMs(later)).to.be.above((some ?? 0) + 5_000);
    expect(stretch.checkpointMs(pulse(stretch, later, 200, 0.98))).to.equal(60_000);
  });

  it('are as the setting says once there is time again', () => {
    const stretch = createStretch(5_000);
    stretch.observe(SHORT, 0);
    stretch.observe(IDLE, 60_000);

    expect(stretch.checkpointMs(61_000)).to.be.above(5_000);
    expect(stretch.checkpointMs(70_000)).to.equal(undefined);
  });

  it('are left alone where there are none, or where they are as far apart as that already', () => {
    for (const setting of [null, 60_000, 3_600_000]) {
      const stretch = createStretch(setting);
      stretch.observe(SHORT, 0);

      expect(stretch.checkpointMs(60_000)).to.equal(undefined);
    }
  });
});
