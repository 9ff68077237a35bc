/** The workflows a worker runs. */
export { session } from './session.ts';
export { loader } from './loader.ts';
