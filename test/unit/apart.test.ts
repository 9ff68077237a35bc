import { expect } from 'chai';
import { createApart } from '../../workers/ingest/apart.ts';

describe('work apart', () => {
  it('has so many places and no more, in order, also after a failure', async () => {
    const begun: number[] = [];
    const ends: (() => void)[] = [];
    const apart = createApart<number>(2, (n) => {
      begun.push(n);
      return new Promise((resolve, reject) => {
        ends.push(
          n === 1
            ? () => {
                reject(new Error('broken'));
              }
            : resolve,
        );
      });
    });
    for (const n of [1, 2, 3, 4]) apart.add(n);
    expect([begun, apart.size]).to.deep.equal([[1, 2], 4]);

    ends[0]?.();
    await new Promise(setImmediate);
    expect([begun, apart.size]).to.deep.equal([[1, 2, 3], 3]);

    ends[1]?.();
    await new Promise(setImmediate);
    expect(begun).to.deep.equal([1, 2, 3, 4]);
  });
});
