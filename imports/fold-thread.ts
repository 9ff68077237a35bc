/** A thread that folds chunks: one is begun and, once its users are known, ended; then the next one. */
import { parentPort, workerData } from 'node:worker_threads';
import { foldChunk, type Folding, type PackedSessions } from './fold-chunk.ts';
import type { WholeOptions } from './whole-rows.ts';

const options = workerData as WholeOptions;
let folding: Folding | undefined;

parentPort?.on('message', (message: PackedSessions | readonly boolean[]) => {
  if ('data' in message) {
    folding = foldChunk(message, options);
    parentPort?.postMessage(folding.visits);
    return;
  }
  const folded = folding?.settle(message);
  folding = undefined;
  const given = folded && [...folded.sessions.buffers, ...folded.notes.buffers];
  parentPort?.postMessage(folded, given);
});
