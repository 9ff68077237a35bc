import { expect } from 'chai';
import fc from 'fast-check';
import { addMoney, purseFromWire, purseToWire, type Purse } from '../../shared/purse.ts';

const EURO = 1_000_000_000n;

function filled(amounts: readonly (readonly [string, bigint])[]): Purse {
  const purse: Purse = new Map();
  for (const [currency, units] of amounts) addMoney(purse, currency, units);
  return purse;
}

describe('money by currency', () => {
  it('is summed for each, travels as text, and knows none for nothing', () => {
    const purse = filled([
      ['EUR', 2n * EURO],
      ['USD', EURO / 2n],
      ['EUR', -EURO],
      ['CHF', 0n],
    ]);

    expect(purseToWire(purse)).to.deep.equal({ EUR: '1', USD: '0.5' });
    expect(purseFromWire(purseToWire(purse))).to.deep.equal(purse);
  });

  it('is the same in any order, however many currencies there are, and loses nothing', () => {
    const currency = fc.oneof(
      fc.integer({ min: 0, max: 60 }).map((n) => `C${n}`),
      fc.constantFrom('', '(other)', 'a currency with a long name'),
    );
    const amounts = fc.array(fc.tuple(currency, fc.bigInt({ min: -5n, max: 5n })), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(amounts, fc.array(fc.nat(), { minLength: 200 }), (all, places) => {
        const shuffled = all
          .map((amount, n) => ({ amount, place: places[n] ?? 0 }))
          .sort((a, b) => a.place - b.place)
          .map(({ amount }) => amount);
        const purse = filled(all);
        const sum = (values: Iterable<bigint>) => [...values].reduce((a, b) => a + b, 0n);

        expect(filled(shuffled)).to.deep.equal(purse);
        expect(purse.size).to.be.at.most(33);
        expect(sum(purse.values())).to.equal(sum(all.map(([, units]) => units)));
      }),
    );
  });
});
