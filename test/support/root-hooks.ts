/**
 * Loaded by Mocha before any test file. What a test needs it asks for itself (`useServers()`), so
 * that a run of the unit tests starts nothing.
 */
import type { RootHookObject } from 'mocha';
import { endRun } from './at-end.ts';
import { listenForInterrupts } from './on-interrupt.ts';

const END_MS_MAX = 120_000;

listenForInterrupts();

// Nothing is left to wait for by now. An end of its own accord also closes every handle of the native
// libraries, and once, on a busy machine, did not come to the end of that.
process.once('beforeExit', () => process.exit());

/** A lane (scripts/test-lane.mjs) goes on to its next file instead, and ends the run itself. */
export const mochaHooks: RootHookObject = {
  async afterAll(this: Mocha.Context) {
    this.timeout(END_MS_MAX);
    await endRun();
  },
};
