/** Which imports of a project have to wait for which. */
import { expect } from 'chai';
import {
  failWhereNotAlone,
  failWhereOthersLoad,
  type ImportOfProject,
  standOf,
} from '../../imports/one-at-a-time.ts';

const importOf = (id: string, state: ImportOfProject['state'], beganAt = 1): ImportOfProject => ({
  ...{ project: 'shop', id, state, beganAt },
});
const refusalOf = (
  check: typeof failWhereNotAlone,
  ...given: Parameters<typeof failWhereNotAlone>
): string => {
  try {
    check(...given);
    return '';
  } catch (error) {
    expect(error).to.include({ code: 'SJ_USAGE' });
    return String(error);
  }
};

describe('imports of one project', () => {
  const over = [importOf('x', 'done'), importOf('y', 'taken_back')];

  it('load where the others are over', () => {
    expect(refusalOf(failWhereNotAlone, over, { id: 'a' })).to.equal('');
    const own = importOf('a', 'loading');
    expect(refusalOf(failWhereNotAlone, [...over, own], own)).to.equal('');
  });

  it('do not begin while another one is not finished', () => {
    const other = importOf('other', 'loading', 9);

    const refused = refusalOf(failWhereNotAlone, [...over, other], { id: 'a' });

    expect(refused).to.contain('import other of project shop').and.contain('undo other');
  });

  it('of two that began at once load the earlier one, then by id, and never both or none', () => {
    for (const [a, b] of [
      [importOf('a', 'loading', 2), importOf('b', 'loading', 1)],
      [importOf('b', 'loading', 1), importOf('a', 'loading', 1)],
    ] as const) {
      const first = a.beganAt === b.beganAt ? b : [a, b].find(({ beganAt }) => beganAt === 1);
      const refused = [a, b].filter((own) => refusalOf(failWhereNotAlone, [a, b], own) !== '');
      expect(refused).to.deep.equal([a, b].filter((own) => own !== first));
    }
  });

  it('stand where they did until one of the others begins, ends or is taken back', () => {
    const own = { id: 'a', life: 2 };
    const all = [
      { id: 'a', life: 1, state: 'taken_back' as const },
      { id: 'b', life: 1, state: 'done' as const },
    ];
    const before = standOf(all);

    expect(standOf([{ ...own, state: 'loading' as const }, ...all].reverse(), own)).to.equal(
      before,
    );
    for (const changed of [
      [...all, { id: 'c', life: 1, state: 'done' as const }],
      [all[0] ?? expect.fail(), { id: 'b', life: 1, state: 'taken_back' as const }],
    ]) {
      expect(standOf(changed, own)).to.not.equal(before);
    }
  });

  it('do not load while one is being taken back, their own earlier life neither', () => {
    const going = importOf('going', 'taking_back');

    for (const own of [{ id: 'a' }, importOf('a', 'loading', 0), { id: 'going' }]) {
      expect(refusalOf(failWhereNotAlone, [going], own)).to.contain('undo going');
    }
  });

  it('are not taken back while another one loads, unless that has begun already or they came first', () => {
    const other = importOf('other', 'loading', 5);
    const check = (own: ImportOfProject) => refusalOf(failWhereOthersLoad, [other, own], own);

    expect(check(importOf('a', 'done')))
      .to.contain('import other')
      .and.contain('then this');
    expect(check(importOf('a', 'loading', 6))).to.contain('import other');
    expect(check(importOf('a', 'loading', 4))).to.equal('');
    expect(check(importOf('a', 'taking_back'))).to.equal('');
    expect(refusalOf(failWhereOthersLoad, over, importOf('a', 'done'))).to.equal('');
  });
});
