/**
 * Loaded by Mocha before any test file. What a test needs it asks for itself (`useServers()`), so
 * that a run of the unit tests starts nothing.
 */
import type { RootHookObject } from 'mocha';
import { listenForInterrupts } from './on-interrupt.ts';

listenForInterrupts();

// Nothing is left to wait for by now. An end of its own accord also closes every handle of the native
// libraries, and once, on a busy machine, did not come to the end of that.
process.once('beforeExit', () => process.exit());

export const mochaHooks: RootHookObject = {};
