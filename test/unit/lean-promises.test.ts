import { execFileSync } from 'node:child_process';
import { expect } from 'chai';

/** What an expression gives where promises are lean; in a process of its own, for it changes `Error`. */
function inLeanProcess(expression: string): unknown {
  const module = new URL('../../workflows/lean-promises.ts', import.meta.url).href;
  const code = `await import(${JSON.stringify(module)}); process.stdout.write(JSON.stringify(${expression}));`;
  const args = ['--import', 'tsx/esm', '--input-type=module', '-e', code];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

describe('errors beside lean promises', () => {
  it('are what they were, but for the one without any argument', () => {
    const found = inLeanProcess(`(() => {
      class Special extends Error { name = 'Special'; }
      const special = new Special('what');
      let thrown; try { null.x } catch (error) { thrown = error; }
      return {
        stack: new Error('why', { cause: 1 }).stack.split('\\n').length > 1,
        cause: new Error('why', { cause: 1 }).cause,
        called: Error('why').message,
        special: [special instanceof Special, special instanceof Error, special.message, typeof special.stack],
        empty: new Special() instanceof Error,
        thrown: [thrown instanceof Error, thrown.constructor === TypeError],
        constructed: new Error('why').constructor === Object.getPrototypeOf(TypeError.prototype).constructor,
        quiet: typeof new Error().stack,
      };
    })()`);

    expect(found).to.deep.equal({
      stack: true,
      cause: 1,
      called: 'why',
      special: [true, true, 'what', 'string'],
      empty: true,
      thrown: [true, true],
      constructed: true,
      quiet: 'undefined',
    });
  });
});
