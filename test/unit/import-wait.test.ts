/** A wait of an import says what it waits for, and ends. */
import { expect } from 'chai';
import { createWait } from '../../imports/wait.ts';

const MS = { say: 20, again: 30, end: 200 };

function waiting() {
  const said: unknown[] = [];
  const warn = (fields: { readonly waitsFor?: unknown }) => void said.push(fields.waitsFor);
  return { said, wait: createWait({ warn } as never, MS) };
}

describe('a wait of an import', () => {
  it('says nothing of what comes soon, and gives what comes', async () => {
    const { said, wait } = waiting();

    expect(await wait('a server', Promise.resolve('answer'))).to.equal('answer');
    await new Promise((resolve) => setTimeout(resolve, 2 * MS.say));

    expect(said).to.deep.equal([]);
  });

  it('says what it waits for, again and again, until it gives up with that', async () => {
    const { said, wait } = waiting();

    const error = await wait('a server', new Promise(() => undefined)).catch((e: unknown) => e);

    expect(String(error)).to.contain('for a server');
    expect(said.length).to.be.above(1);
    expect(new Set(said)).to.deep.equal(new Set(['a server']));
  });

  it('fails with what the work fails with', async () => {
    const { wait } = waiting();

    const error = await wait('a server', Promise.reject(new Error('away'))).catch(
      (e: unknown) => e,
    );

    expect(String(error)).to.contain('away');
  });
});
