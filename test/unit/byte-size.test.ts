import { expect } from 'chai';
import fc from 'fast-check';
import { byteSizeText, parseByteSize } from '../../shared/byte-size.ts';

describe('sizes in bytes', () => {
  it('are read as people write them', () => {
    expect(parseByteSize('1048576')).to.equal(1_048_576);
    expect(parseByteSize('30GB')).to.equal(30e9);
    expect(parseByteSize('1.5 GiB')).to.equal(1.5 * 1024 ** 3);
    expect(parseByteSize('64KiB')).to.equal(65_536);
    expect(parseByteSize('500 kB')).to.equal(500_000);
    expect(parseByteSize('0')).to.equal(0);
  });

  it('are nothing else, no part of a byte, and none that a number cannot tell', () => {
    for (const wrong of ['', 'GB', '-1', '1e9', '10 gb', '10G', '1.5', '0.0001kB', '9999999TB']) {
      expect(parseByteSize(wrong), wrong).to.equal(undefined);
    }
  });

  it('are written so that they are read as the same', () => {
    expect(byteSizeText(30e9)).to.equal('30GB');
    expect(byteSizeText(16 * 1024 * 1024)).to.equal('16MiB');
    expect(byteSizeText(1)).to.equal('1');
    expect(byteSizeText(0)).to.equal('0');
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.integer({ min: 0, max: 3 }), (n, power) => {
        const bytes = Math.floor(n / 1_000 ** power);
        expect(parseByteSize(byteSizeText(bytes))).to.equal(bytes);
      }),
    );
  });
});
