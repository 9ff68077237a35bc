import { expect } from 'chai';
import { createStandstill, STOOD_STILL_MS, SUSPECT_MS } from '../../platform/standstill.ts';

describe('a process that may have stood still', () => {
  function aProcess() {
    const clock = { wall: 1_000_000, steady: 5 };
    const told: number[] = [];
    const standstill = createStandstill(
      { wall: () => clock.wall, steady: () => clock.steady },
      (ms) => told.push(ms),
    );
    /** Alive: it looks every second. */
    const work = (ms: number) => {
      for (let passed = 0; passed < ms; passed += 1_000) {
        clock.wall += 1_000;
        clock.steady += 1_000;
        standstill.look();
      }
    };
    const isFine = (mark: number) => {
      try {
        standstill.assertNoneSince(mark);
        return true;
      } catch {
        return false;
      }
    };
    return { clock, told, standstill, work, isFine };
  }

  it('writes what it has begun, however long it is at it', () => {
    const { standstill, work, isFine, told } = aProcess();
    const mark = standstill.mark();

    work(10 * STOOD_STILL_MS);

    expect(isFine(mark)).to.equal(true);
    expect(told).to.deep.equal([]);
  });

  it('writes nothing that it had begun before, also where it looks only then', () => {
    const { standstill, work, isFine, clock, told } = aProcess();
    const mark = standstill.mark();
    clock.wall += STOOD_STILL_MS + 1;
    clock.steady += STOOD_STILL_MS + 1;

    expect(isFine(mark)).to.equal(false);
    work(SUSPECT_MS);
    expect(isFine(mark)).to.equal(false);
    expect(told).to.deep.equal([STOOD_STILL_MS + 1]);
  });

  it('takes what comes right after for older than it looks, and later all', () => {
    const { standstill, work, isFine, clock } = aProcess();
    // The machine slept: its steady clock did as well.
    clock.wall += 8 * 3_600_000;

    expect(isFine(standstill.mark())).to.equal(false);
    work(SUSPECT_MS - 1_000);
    expect(isFine(standstill.mark())).to.equal(false);
    work(2_000);
    expect(isFine(standstill.mark())).to.equal(true);
  });

  it('does not mind a busy moment, nor a clock that is set back', () => {
    const { standstill, isFine, clock, told } = aProcess();
    const mark = standstill.mark();
    clock.wall += 20_000;
    clock.steady += 20_000;
    standstill.look();
    clock.wall -= 3_600_000;

    expect(isFine(mark)).to.equal(true);
    expect(told).to.deep.equal([]);
  });
});
