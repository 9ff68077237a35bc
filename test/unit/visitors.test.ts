import { expect } from 'chai';
import { createVisitors } from '../../activities/visitors.ts';

const VISIT = { project: 'shop', sessionId: 's', userId: 'u', at: 0 };

describe('a visitor store that is away', () => {
  it('is asked by nobody for some seconds, whoever found out', async () => {
    let now = 0;
    let asked = 0;
    let told = 0;
    let isAway = true;
    const claim = (_key: string, owner: string) => {
      asked += 1;
      return isAway ? Promise.reject(new Error('away')) : Promise.resolve(owner);
    };
    const visitors = createVisitors(
      { claim, ownerOf: () => Promise.resolve(undefined), replace: () => Promise.resolve(true) },
      { now: () => now, onAway: () => (told += 1) },
    );
    const failure = () => visitors.recognize(VISIT).catch((error: unknown) => error);

    expect(await failure()).to.be.instanceOf(Error);
    expect(await failure()).to.be.instanceOf(Error);
    expect(await visitors.recognizeNow(VISIT)).to.equal(undefined);
    expect([asked, told]).to.deep.equal([1, 1]);

    now = 5_000;
    expect(await visitors.recognizeNow(VISIT)).to.equal(undefined);
    expect(await failure()).to.be.instanceOf(Error);
    expect([asked, told]).to.deep.equal([2, 2]);

    isAway = false;
    now = 10_000;
    expect(await visitors.recognize(VISIT)).to.deep.equal({ userId: 'u', isNew: true });
  });
});
