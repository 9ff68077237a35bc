import { expect } from 'chai';
import { attributeIndexes, templateKey } from '../../servers/temporal-template.ts';

describe('the template of a Temporal database', () => {
  const made = {
    program: 'temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)',
    namespace: 'default',
    searchAttributes: { A: 'KEYWORD', B: 'BOOL' },
  };

  it('keeps the indexes of the columns that the search attributes are in', () => {
    const columns = { Keyword10: 'A', Bool02: 'B', Datetime03: 'C', Int01: 'D', Double02: 'E' };

    expect(attributeIndexes(columns)).to.deep.equal([
      'by_keyword_10',
      'by_bool_02',
      'by_datetime_03',
      'by_int_01',
      'by_double_02',
    ]);
  });

  it('looks for no index of texts and lists, which are searched otherwise', () => {
    expect(attributeIndexes({ Text01: 'A', KeywordList01: 'B' })).to.deep.equal([]);
  });

  it('serves the same program, namespace and search attributes, in whatever order', () => {
    const key = templateKey(made);

    expect(key).to.match(/^[0-9a-f]{16}$/);
    expect(
      templateKey({
        ...made,
        program: `${made.program}\n`,
        searchAttributes: { B: 'BOOL', A: 'KEYWORD' },
      }),
    ).to.equal(key);
  });

  it('is another one for another program, namespace or search attribute', () => {
    const keys = [
      templateKey(made),
      templateKey({ ...made, program: made.program.replace('1.29.1', '1.30.0') }),
      templateKey({ ...made, namespace: 'sojourn' }),
      templateKey({ ...made, searchAttributes: { A: 'KEYWORD' } }),
      templateKey({ ...made, searchAttributes: { A: 'KEYWORD', B: 'KEYWORD' } }),
    ];

    expect(new Set(keys).size).to.equal(keys.length);
  });
});
