import { expect } from 'chai';
import { createSteps, expectRightClock } from '../../operations/right-clock.ts';

const AT = Date.UTC(2026, 10, 29, 12);

describe('the clock that deletions go by', () => {
  const clickHouseAt = (at: number) =>
    ({
      query: () => Promise.resolve({ json: () => Promise.resolve([{ now: String(at) }]) }),
    }) as never;

  it('is right where ClickHouse’s says much the same', async () => {
    await expectRightClock(clickHouseAt(AT + 3_600_000), AT);
  });

  it('is refused where it is a day apart, ahead or behind', async () => {
    for (const apart of [86_400_000, -86_400_000]) {
      const failure = await expectRightClock(clickHouseAt(AT + apart), AT).catch(String);
      expect(failure).to.match(/SJ_CONFIG|nothing is deleted before they agree/);
    }
  });

  it('is known to have made a step, once', () => {
    let [wall, steady] = [AT, 100];
    const steps = createSteps(
      () => wall,
      () => steady,
    );
    wall += 600_000;
    steady += 600_000;
    expect(steps.hasStepped()).to.equal(false);
    wall -= 3 * 365 * 86_400_000;
    expect(steps.hasStepped()).to.equal(true);
    expect(steps.hasStepped()).to.equal(false);
  });
});
