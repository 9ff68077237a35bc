/**
 * How long a session rests after a delivery before it gets the next one. Temporal keeps what comes while a workflow task
 * runs, but no more than 2 MiB of it: then it fails the task and has it done anew, with all that has come, and a session
 * under constant fire gets neither forward nor into a new run.
 */
import type { Delivery } from './gather.ts';

/** What one session takes, by the size that ingest counts, which is twice that of plain text: a MiB a second. */
const BYTES_PER_MS = 2_048;
/** Less is no rest: a visitor's session never gets there. */
const REST_MS_MIN = 20;

/** @returns milliseconds; 0 for all but large deliveries */
export function restAfter({ sizes }: Pick<Delivery, 'sizes'>): number {
  let bytes = 0;
  for (const size of sizes) bytes += size;
  const ms = Math.ceil(bytes / BYTES_PER_MS);
  return ms < REST_MS_MIN ? 0 : ms;
}
