import { expect } from 'chai';
import fc from 'fast-check';
import {
  formatDecimal,
  ONE,
  parseDecimal,
  parseJsonNumber,
  readUnits,
} from '../../shared/decimal.ts';

describe('a decimal', () => {
  const texts: readonly [text: string, units: bigint | undefined][] = [
    ['0', 0n],
    ['-0', 0n],
    ['12', 12n * ONE],
    ['+3.10', 3_100_000_000n],
    ['-0.5', -500_000_000n],
    ['007', 7n * ONE],
    ['0.000000001', 1n],
    ['-999999999999999999.999999999', -(10n ** 27n - 1n)],
    ['1000000000000000000', undefined],
    ['0.0000000001', undefined],
    ['', undefined],
    ['.5', undefined],
    ['5.', undefined],
    ['1e3', undefined],
    ['1,5', undefined],
    [' 1', undefined],
    ['1\n', undefined],
    ['--1', undefined],
    ['0x10', undefined],
    ['NaN', undefined],
    ['١', undefined],
  ];
  for (const [text, units] of texts) {
    const name = JSON.stringify(text);
    it(units === undefined ? `is not ${name}` : `reads ${name} exactly`, () => {
      expect(parseDecimal(text)).to.equal(units);
    });
  }

  const numbers: readonly [text: string, units: bigint | undefined][] = [
    ['19.99', 19_990_000_000n],
    ['-19.99', -19_990_000_000n],
    ['1.5e3', 1_500n * ONE],
    ['1.5E+3', 1_500n * ONE],
    ['15e-1', 1_500_000_000n],
    ['-2.5e-8', -25n],
    ['1e-9', 1n],
    ['1e-10', 0n],
    ['59.969999999999995', 59_970_000_000n],
    ['0.0000000005', 0n],
    ['0.0000000015', 2n],
    ['0.00000000050000000000000001', 1n],
    ['-0.0000000025', -2n],
    ['0e99999', 0n],
    ['1e000000000000000002', 100n * ONE],
    [`0.${'0'.repeat(100_000)}5e100001`, 5n * ONE],
    [`1e${'9'.repeat(100_000)}`, undefined],
    ['999999999999999999.9999999995', undefined],
    ['999999999999999999.9999999994', 10n ** 27n - 1n],
    ['10e-10', 1n],
    ['1e17', 10n ** 26n],
    ['1e18', undefined],
    ['0.000000000000000001e18', ONE],
    ['0e999', 0n],
    ['0.00e-5', 0n],
    ['0.0e999', 0n],
    ['0.000000000000000000012e20', 1_200_000_000n],
    ['10000000000e-19', 1n],
    ['1e64', undefined],
    ['1e999', undefined],
    ['1e-999', 0n],
    ['123456789012345678.123456789', 123456789012345678123456789n],
    ['+1', undefined],
    ['1e', undefined],
    ['Infinity', undefined],
  ];
  for (const [text, units] of numbers) {
    it(`${units === undefined ? 'refuses' : 'reads'} the JSON number ${text.slice(0, 40)}`, () => {
      expect(parseJsonNumber(text)).to.equal(units);
    });
  }

  it('is written as the shortest text', () => {
    expect(formatDecimal(0n)).to.equal('0');
    expect(formatDecimal(ONE)).to.equal('1');
    expect(formatDecimal(-1n)).to.equal('-0.000000001');
    expect(formatDecimal(19_990_000_000n)).to.equal('19.99');
    expect(formatDecimal(100n * ONE)).to.equal('100');
  });

  it('comes back as it was written, of any size', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(10n ** 40n), max: 10n ** 40n }), (units) => {
        expect(readUnits(formatDecimal(units))).to.equal(units);
      }),
    );
  });

  it('is read back by the parsers within their limits', () => {
    const most = 10n ** 27n - 1n;
    fc.assert(
      fc.property(fc.bigInt({ min: -most, max: most }), (units) => {
        expect(parseDecimal(formatDecimal(units))).to.equal(units);
        expect(parseJsonNumber(formatDecimal(units))).to.equal(units);
      }),
    );
  });

  it('says the same with an exponent as without', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: 10n ** 15n }),
        fc.integer({ min: -9, max: 2 }),
        (n, e) => {
          expect(parseJsonNumber(`${n}e${e}`)).to.equal(n * 10n ** BigInt(9 + e));
        },
      ),
    );
  });

  it('is a bug where our own messages hold anything else', () => {
    for (const text of ['', 'x', '1e3', '0.0000000001']) {
      expect(() => readUnits(text), text).to.throw(RangeError, `no decimal: ${text}`);
    }
  });
});
