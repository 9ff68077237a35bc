/** A thread that takes lines of our own events: some at a time, and the whole of it at the end. */
import { parentPort, workerData } from 'node:worker_threads';
import { type PackedLines, unpackLines } from './packed-lines.ts';
import { createTakePart, type TakePartOptions } from './take-part.ts';

const part = createTakePart(workerData as TakePartOptions);

parentPort?.on('message', (message: PackedLines | 'end') => {
  if (message === 'end') parentPort?.postMessage(part.end());
  else parentPort?.postMessage(part.take(message.file, unpackLines(message)));
});
