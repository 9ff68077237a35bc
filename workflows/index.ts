/** The workflows a worker runs. */
export { session } from './session.ts';
export { loader } from './loader.ts';
export { importHistory as import } from './import.ts';
export { restateSessions as restate } from './restate.ts';
