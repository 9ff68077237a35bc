import { expect } from 'chai';
import { fnv1a } from '../../shared/fnv.ts';

describe('the hash of a text', () => {
  it('is what its authors publish', () => {
    expect([fnv1a(''), fnv1a('a'), fnv1a('foobar')]).to.deep.equal([
      0x811c9dc5, 0xe40c292c, 0xbf9cf968,
    ]);
  });
});
