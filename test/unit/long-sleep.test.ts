import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { deadlineAfter, longSleep } from '../../platform/long-sleep.ts';

const DAY_MS = 86_400_000;

describe('a wait of any length', () => {
  it('is over when its time is', async () => {
    const began = performance.now();

    await longSleep(30);

    expect(performance.now() - began).to.be.at.least(29);
    await longSleep(0);
  });

  for (const days of [25, 30, 60, 400]) {
    it(`of ${days} days is not over at once`, async () => {
      const stop = new AbortController();
      let isOver = false;
      const waiting = longSleep(days * DAY_MS, { signal: stop.signal }).then(
        () => (isOver = true),
        (error: unknown) => error,
      );
      const deadline = deadlineAfter(days * DAY_MS);

      await sleep(50);

      expect(isOver).to.equal(false);
      expect(deadline.aborted).to.equal(false);
      stop.abort();
      expect(await waiting).to.have.property('name', 'AbortError');
    });
  }

  it('ends what has a deadline', async () => {
    const deadline = deadlineAfter(10);

    await new Promise((resolve) => {
      deadline.addEventListener('abort', resolve);
    });

    expect(deadline.reason).to.have.property('name', 'TimeoutError');
  });
});
