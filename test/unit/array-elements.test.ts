import { expect } from 'chai';
import fc from 'fast-check';
import { elementSlices } from '../../workers/ingest/array-elements.ts';

const slices = (text: string) =>
  elementSlices(Buffer.from(text)).map((slice) => Buffer.from(slice).toString());

describe('the elements of an array', () => {
  it('are its bytes, whatever they hold', () => {
    expect(slices(' [ {"a":"],[\\"{"} ,[1,[2]],\t"\\\\", 1.50,\n{"é":"\\u00e9"}]\n')).to.deep.equal(
      ['{"a":"],[\\"{"}', '[1,[2]]', '"\\\\"', '1.50', '{"é":"\\u00e9"}'],
    );
    expect(slices('[]')).to.deep.equal([]);
    expect(slices('\ufeff[1]')).to.deep.equal(['1']);
  });

  it('are those that JSON.parse finds', () => {
    const spaces = fc.constantFrom(0, 1, '\t', '\n ');
    fc.assert(
      fc.property(fc.array(fc.jsonValue()), spaces, (value, space) => {
        const found = slices(JSON.stringify(value, null, space)).map(
          (s) => JSON.parse(s) as unknown,
        );
        expect(found).to.deep.equal(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
