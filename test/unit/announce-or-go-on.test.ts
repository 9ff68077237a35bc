import { expect } from 'chai';
import { createAnnouncing } from '../../activities/announce-or-go-on.ts';

describe('an announcement', () => {
  const away = () => Promise.reject(new Error('METRICS is gone'));
  const well = () => Promise.resolve();

  function aLoader() {
    let now = 0;
    const left: string[] = [];
    const announcing = createAnnouncing(() => now);
    const run = (range: string, announce: (isPatient: boolean) => Promise<void> = away) =>
      announcing
        .run(range, announce, () => left.push(range))
        .then(
          () => 'goes on',
          () => 'again',
        );
    return { run, left, wait: (ms: number) => (now += ms) };
  }

  it('is tried again twice, then the numbers go on without', async () => {
    const { run, left } = aLoader();

    expect(await run('a')).to.equal('again');
    expect(await run('a')).to.equal('again');
    expect(await run('a')).to.equal('goes on');
    expect(left).to.deep.equal(['a']);
  });

  it('is tried once while others were left out a short time ago', async () => {
    const { run, left, wait } = aLoader();
    for (let n = 0; n < 3; n += 1) await run('a');

    const waits: boolean[] = [];
    const noting = (isPatient: boolean) => {
      waits.push(isPatient);
      return away();
    };
    expect(await run('b', noting)).to.equal('goes on');
    wait(11 * 60_000);
    expect(await run('c', noting)).to.equal('again');
    expect(left).to.deep.equal(['a', 'b']);
    expect(waits).to.deep.equal([false, true]);
  });

  it('is as patient as before once one was taken', async () => {
    const { run } = aLoader();
    for (let n = 0; n < 3; n += 1) await run('a');

    expect(await run('b', well)).to.equal('goes on');
    expect(await run('c')).to.equal('again');
  });

  it('counts the tries of each range by itself', async () => {
    const { run } = aLoader();

    for (const range of ['a', 'b', 'a', 'b']) expect(await run(range)).to.equal('again');
  });
});
