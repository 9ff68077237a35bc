import { expect } from 'chai';
import { within } from '../../platform/within.ts';

const after = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

describe('a time limit', () => {
  it('says whether it was kept', async () => {
    expect(await within(5_000, after(1))).to.equal(true);
    expect(await within(1, after(50))).to.equal(false);
  });

  it('passes a failure on', async () => {
    const failure = await within(5_000, Promise.reject(new Error('broken'))).catch(
      (error: unknown) => error,
    );

    expect(failure).to.have.property('message', 'broken');
  });

  it('is deaf to a failure that comes too late', async () => {
    const late = after(20).then(() => {
      throw new Error('broken');
    });

    expect(await within(1, late)).to.equal(false);
    await after(40);
  });
});
