import { expect } from 'chai';
import fc from 'fast-check';
import { GRANULARITIES } from '../../shared/buckets.ts';
import {
  addAll,
  addAmount,
  type Contributions,
  createRowSums,
  difference,
  fromWire,
  parseRowKey,
  rowKeyText,
  subtractAll,
  toWire,
} from '../../shared/contributions.ts';
import { inWords, throughJson } from '../support/builders.ts';

const oddText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom('', '|', 'a|b|', '\t', '\n', '\u0000', '__proto__', '😀', '\ud800', "'; DROP"),
);
const rowKey = fc.record({
  metric: fc.constantFrom('page_views', 'revenue'),
  granularity: fc.constantFrom(...GRANULARITIES),
  bucket: fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1_000),
  dimension: fc.constantFrom('', 'path'),
  dimensionValue: oddText,
});
const anAmount = fc.oneof(
  fc.bigInt({ min: -5n, max: 10n ** 30n }),
  fc.integer({ min: -100_000, max: 100_000 }).map((n) => BigInt(n) * 10n ** 9n),
);
const rows: fc.Arbitrary<Contributions> = fc
  .array(fc.tuple(rowKey, anAmount, fc.integer({ min: -3, max: 3 })))
  .map((entries) => {
    const made: Contributions = new Map();
    for (const [key, value, count] of entries) addAmount(made, rowKeyText(key), { value, count });
    return made;
  });

describe('metric rows', () => {
  it('keep their key, whatever a dimension value holds', () => {
    fc.assert(
      fc.property(rowKey, (key) => {
        expect(parseRowKey(rowKeyText(key))).to.deep.equal(key);
      }),
    );
  });

  it('travel without a change', () => {
    fc.assert(
      fc.property(rows, (some) => {
        expect(fromWire(throughJson(toWire(some)))).to.deep.equal(some);
      }),
    );
  });

  it('travel as key, decimal text and count', () => {
    const key = {
      metric: 'revenue',
      granularity: 'hour',
      bucket: 7_200_000,
      dimension: 'currency',
      dimensionValue: 'EUR',
    } as const;
    const some: Contributions = new Map([[rowKeyText(key), { value: -1_500_000_000n, count: 2 }]]);

    expect(toWire(some)).to.deep.equal([['revenue|hour|7200000|currency|EUR', '-1.5', 2]]);
  });

  it('are read with their key in five parts too, as they were written first', () => {
    fc.assert(
      fc.property(rows, (some) => {
        expect(fromWire(throughJson(inWords(some)))).to.deep.equal(some);
      }),
    );
  });

  it('are summed where a message names one twice', () => {
    const wide = ['page_views', 'hour', 3_600, 'path', '/', '1', 1] as const;
    const keyed = ['page_views|hour|3600000|path|/', '1', 1] as const;

    expect(toWire(fromWire([keyed, wide]))).to.deep.equal([
      ['page_views|hour|3600000|path|/', '2', 2],
    ]);
  });

  it('add up to the same where there are many of them', () => {
    fc.assert(
      fc.property(fc.array(rows), (parts) => {
        const many = createRowSums();
        const one: Contributions = new Map();
        for (const part of parts) {
          many.add(toWire(part));
          addAll(one, part);
        }

        expect(many.sums()).to.deep.equal(one);
      }),
    );
  });

  it('add up exactly beyond what a double holds', () => {
    const many = createRowSums();
    const key = 'revenue|hour|0||';
    many.add([
      [key, '9007199254740993', 1],
      [key, '2', 1],
      [key, '0.1', 1],
    ]);

    expect(toWire(many.sums())).to.deep.equal([[key, '9007199254740995.1', 3]]);
  });

  it('disappear only when both value and count are nothing', () => {
    const some: Contributions = new Map();

    addAmount(some, 'a', { value: 5n, count: 1 });
    addAmount(some, 'a', { value: -5n, count: 1 });
    expect(some.get('a')).to.deep.equal({ value: 0n, count: 2 });
    addAmount(some, 'a', { value: 0n, count: -2 });
    expect(some.size).to.equal(0);
    addAmount(some, 'b', { value: 0n, count: 0 });
    expect(some.size).to.equal(0);
  });

  it('give with their difference what they should be', () => {
    fc.assert(
      fc.property(rows, rows, (now, written) => {
        const before = new Map(now);
        const owed = difference(now, written);
        expect(now).to.deep.equal(before);

        const sum: Contributions = new Map(written);
        addAll(sum, owed);
        expect(sum).to.deep.equal(now);
        subtractAll(sum, now);
        expect(sum.size).to.equal(0);
      }),
    );
  });
});
