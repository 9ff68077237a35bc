import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'chai';
import { within } from '../../platform/within.ts';

describe('a time limit', () => {
  it('says whether it was kept', async () => {
    expect(await within(5_000, sleep(1))).to.equal(true);
    expect(await within(1, sleep(50))).to.equal(false);
  });

  it('passes a failure on', async () => {
    const failure = await within(5_000, Promise.reject(new Error('broken'))).catch(
      (error: unknown) => error,
    );

    expect(failure).to.have.property('message', 'broken');
  });

  it('is deaf to a failure that comes too late', async () => {
    const late = sleep(20).then(() => {
      throw new Error('broken');
    });

    expect(await within(1, late)).to.equal(false);
    await sleep(40);
  });
});
