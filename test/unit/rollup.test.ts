import { expect } from 'chai';
import type { Contributions, WideRow } from '../../shared/contributions.ts';
import { SojournError, toError } from '../../shared/errors.ts';
import { decodeRollup, encodeRollup, sumRollups } from '../../shared/rollup.ts';
import { aRollup, inWords } from '../support/builders.ts';

const row = (value: string, count: number): WideRow => [
  'revenue',
  'hour',
  3_600,
  '',
  '',
  value,
  count,
];

describe('a record of the rollup log', () => {
  it('comes back as it was written', () => {
    const rollup = aRollup({ rows: [row('19.99', 1)] });

    expect(decodeRollup(encodeRollup(rollup))).to.deep.equal(rollup);
  });

  it('may be one of the first version', () => {
    const rollup = aRollup({ version: 1 });

    expect(decodeRollup(encodeRollup(rollup))).to.deep.equal(rollup);
  });

  it('is an error where anything else stands', () => {
    const others = ['', '{', 'null', '1', '[]', '{}'];
    const fields = Object.keys(aRollup());
    const changed = [{ version: 3 }, { writeNo: '1' }, { rows: null }, ...fields.map(without)].map(
      (change) => JSON.stringify({ ...aRollup(), ...change }),
    );
    for (const text of [...others, ...changed]) {
      expect(() => decodeRollup(text), text)
        .to.throw(SojournError)
        .with.property('code', 'SJ_ROLLUP_INVALID');
    }
  });

  it('says whether it is no JSON, and why, or of another shape', () => {
    const broken = catchFrom(() => decodeRollup('{'));
    expect(broken.message).to.equal('a rollup record is no JSON');
    expect(broken.cause).to.be.instanceOf(SyntaxError);

    expect(catchFrom(() => decodeRollup('{}')).message).to.contain('another shape than version 1');
  });
});

function catchFrom(run: () => unknown): Error {
  try {
    run();
  } catch (error) {
    return toError(error);
  }
  throw new Error('nothing was thrown');
}

/** JSON leaves a field out that is undefined. */
function without(field: string): object {
  return { [field]: undefined };
}

describe('the sum of records', () => {
  it('adds rows by project and key, and drops what comes to nothing', () => {
    const { metrics } = sumRollups([
      aRollup({ rows: [row('5', 1)] }),
      aRollup({ rows: [row('0.5', 1)], identity: 'run-2' }),
      aRollup({ rows: [row('7', 1)], project: 'blog', identity: 'run-3' }),
      aRollup({ rows: [row('-7', -1)], project: 'blog', identity: 'run-3', writeNo: 2 }),
    ]);

    expect(inWords(metrics.get('shop') ?? (new Map() as Contributions))).to.deep.equal([
      row('5.5', 2),
    ]);
    expect(metrics.get('blog')?.size).to.equal(0);
  });

  it('keeps the newest record of each session, in whatever order they stand', () => {
    const records = [2, 3, 1].map((writeNo) => aRollup({ writeNo }));
    const other = aRollup({ identity: 'run-2', rows: [row('5', 1)] });
    const { project, sessionId, session } = other;

    expect(sumRollups([...records, other]).sessions).to.have.deep.members([
      { project, sessionId, session, identity: 'run-1', writeNo: 3 },
      { project, sessionId, session, identity: 'run-2', writeNo: 1 },
    ]);
  });
});
