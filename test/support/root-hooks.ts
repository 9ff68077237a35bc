/**
 * Loaded by Mocha before any test file. What a test needs it asks for itself (`useServers()`), so
 * that a run of the unit tests starts nothing.
 */
import type { RootHookObject } from 'mocha';
import { listenForInterrupts } from './on-interrupt.ts';

listenForInterrupts();

export const mochaHooks: RootHookObject = {};
