/** What we put into the embedded Temporal, by its own tests; where there is no Go, its vendor's program is used. */
import { execFileSync } from 'node:child_process';
import { expect } from 'chai';
import { testTemporalBuild } from '../../servers/recipes.ts';
import { temporaryFolder } from '../support/servers.ts';

/** Where nothing of it was compiled before. */
const COMPILES_MS = 10 * 60_000;

describe('the statements that the Temporal server keeps', () => {
  it('answer as those made anew each time', async function () {
    this.timeout(COMPILES_MS);
    if (!isThereGo()) this.skip();
    const output = await testTemporalBuild(temporaryFolder());
    expect(output.match(/^--- PASS/gm)).to.have.length(7);
  });
});

function isThereGo(): boolean {
  try {
    execFileSync('go', ['version']);
    return true;
  } catch {
    return false;
  }
}
