/** An import goes by the list of the forgotten that there is when it begins to load, not when it begins to read. */
import { expect } from 'chai';
import { failWhereForgottenSince, markOf, readByLatest } from '../../imports/forgotten-now.ts';
import { SojournError } from '../../shared/errors.ts';
import type { ForgottenList, ForgottenPerson } from '../../shared/forgotten.ts';

const person = (hash: string, until = 1_000): ForgottenPerson => ({
  ...{ project: 'shop', kind: 'user', hash, until },
});
const listOf = (...people: readonly ForgottenPerson[]): ForgottenList => ({
  key: 'secret',
  people,
});
const [NOBODY, ULLA, BOTH] = [
  listOf(),
  listOf(person('ulla')),
  listOf(person('ulla'), person('otto')),
];

/** A reading by lists that follow on each other; what it reads has these ids, the last one from then on. */
function reading(lists: readonly ForgottenList[], ids: readonly string[] = ['an-import']) {
  const readBy: ForgottenList[] = [];
  let asked = 0;
  const done = readByLatest(
    () => {
      const list = lists[asked] ?? lists.at(-1) ?? NOBODY;
      asked += 1;
      return Promise.resolve(list);
    },
    (forgotten) => {
      readBy.push(forgotten);
      return Promise.resolve({ files: { id: ids[readBy.length - 1] ?? ids.at(-1) ?? '' } });
    },
  );
  return { readBy, done };
}

const failureOf = (run: () => unknown): unknown => {
  try {
    return run();
  } catch (error) {
    return error;
  }
};

describe('the list of the forgotten, for an import', () => {
  it('is the same in any order, and another one with a person or a time more', () => {
    expect(markOf(listOf(person('otto'), person('ulla')))).to.equal(markOf(BOTH));
    const others = [NOBODY, ULLA, BOTH, listOf(person('ulla', 1_001)), { ...ULLA, key: 'another' }];
    expect(new Set(others.map(markOf)).size).to.equal(others.length);
  });

  it('that stays the same while the files are read is read by once', async () => {
    const { readBy, done } = reading([ULLA]);

    expect(await done).to.deep.equal({ read: { files: { id: 'an-import' } }, forgotten: ULLA });
    expect(readBy).to.deep.equal([ULLA]);
  });

  it('that has grown meanwhile is what the files are read by again', async () => {
    const { readBy, done } = reading([NOBODY, ULLA, BOTH, BOTH]);

    expect((await done).forgotten).to.equal(BOTH);
    expect(readBy).to.deep.equal([NOBODY, ULLA, BOTH]);
  });

  it('that grows each time ends the import, which says to run it again', async () => {
    const { done } = reading([NOBODY, ULLA, BOTH, listOf(person('ulla', 2_000))]);

    const error = await done.catch((failure: unknown) => failure);

    expect(error).to.be.instanceOf(SojournError).and.include({ code: 'SJ_TIMEOUT' });
    expect(String(error)).to.include('run the same command again');
  });

  it('that has grown ends an import of what cannot be read again', async () => {
    const { done } = reading([NOBODY, ULLA], ['an-import', 'nothing']);

    const error = await done.catch((failure: unknown) => failure);

    expect(error).to.be.instanceOf(SojournError).and.include({ code: 'SJ_USAGE' });
    expect(String(error)).to.include('standard input');
  });

  it('is the plan’s for as long as the import loads', () => {
    const plan = { id: 'an-import', forgotten: markOf(ULLA) };

    expect(() => {
      failWhereForgottenSince(plan, ULLA, ULLA);
      failWhereForgottenSince({ id: 'of-before' }, ULLA, ULLA);
    }).not.to.throw();
    for (const error of [
      failureOf(() => {
        failWhereForgottenSince(plan, ULLA, BOTH);
      }),
      failureOf(() => {
        failWhereForgottenSince(plan, BOTH, BOTH);
      }),
      failureOf(() => {
        failWhereForgottenSince({ id: 'an-import' }, ULLA, BOTH);
      }),
    ]) {
      expect(error).to.be.instanceOf(SojournError).and.include({ code: 'SJ_USAGE' });
      expect(String(error)).to.include('sojourn import undo an-import');
    }
  });
});
