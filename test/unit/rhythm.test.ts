import { expect } from 'chai';
import { rhythmOf } from '../../workers/ingest/rhythm.ts';
import { SETTINGS } from '../support/builders.ts';

const MINUTE = 60_000;
const unstretched = { checkpointMs: () => undefined };

function timesOf(settings: Partial<typeof SETTINGS>, stretch = unstretched) {
  const { promptMs, middleMs, pauseMs } = rhythmOf({ ...SETTINGS, ...settings }, stretch);
  return [promptMs, middleMs, pauseMs(0)];
}

describe('the rhythm of deliveries', () => {
  it('leaves a session alone for a checkpoint', () => {
    const times = { idleTimeoutMs: 30 * MINUTE, lateGraceMs: 10_000 };
    expect(timesOf({ ...times, checkpointMs: 5_000 })).to.deep.equal([500, 1_000, 5_000]);
    expect(timesOf({ ...times, checkpointMs: 1_000 })).to.deep.equal([500, 1_000, 1_000]);
  });

  it('leaves one alone for five seconds that writes at its end only', () => {
    expect(timesOf({ checkpointMs: null, lateGraceMs: MINUTE })).to.deep.equal([500, 1_000, 5_000]);
  });

  it('delivers well before a session would end or settle', () => {
    expect(timesOf({ checkpointMs: 5_000, lateGraceMs: 1_000 })).to.deep.equal([125, 250, 500]);
    expect(timesOf({ checkpointMs: 5_000, idleTimeoutMs: 800 })).to.deep.equal([100, 200, 400]);
  });

  it('leaves sessions alone for as long as checkpoints are stretched, at most for half of the idle timeout', () => {
    const stretch = (ms: number) => rhythmOf(SETTINGS, { checkpointMs: () => ms }).pauseMs(0);
    expect(stretch(42_000)).to.equal(42_000);
    const idle = rhythmOf({ ...SETTINGS, idleTimeoutMs: MINUTE }, { checkpointMs: () => MINUTE });
    expect(idle.pauseMs(0)).to.equal(30_000);
  });
});
