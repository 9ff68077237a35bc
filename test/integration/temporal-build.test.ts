/** What we put into the embedded Temporal, by its own tests; where there is no Go, its vendor's program is used. */
import { expect } from 'chai';
import { testTemporalBuild } from '../../servers/recipes.ts';
import { runs } from '../../servers/run-command.ts';
import { temporaryFolder } from '../support/servers.ts';

/** Where nothing of it was compiled before. */
const COMPILES_MS = 10 * 60_000;

describe('the statements that the Temporal server keeps', () => {
  it('answer as those made anew each time', async function () {
    this.timeout(COMPILES_MS);
    if ((await runs('go', ['version'])) === undefined) this.skip();
    const output = await testTemporalBuild(temporaryFolder());
    expect(output.match(/^--- PASS/gm)).to.have.length(7);
  });
});
