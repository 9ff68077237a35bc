/**
 * Hands a difference over to the rollup log. Its subject is its identity: the log refuses a second
 * message on it, however long after the first, and then tells what the first one said.
 */
import { decodeRollup, entryOf, type Rollup } from '../shared/rollup.ts';
import type { TakenTraces } from '../shared/traces.ts';

/** What is needed of the rollup log. */
export interface RollupLog {
  /**
   * @param workflowId the session that writes it, for the purge
   * @param traces of the events in it
   * @returns false where the subject already has a message
   */
  append(subject: string, data: string, workflowId: string, traces?: TakenTraces): Promise<boolean>;
  /** The message on a subject; undefined where there is none. */
  read(subject: string): Promise<string | undefined>;
}

/**
 * @returns the record that stands in the log under this identity: this one, or an earlier attempt's
 * @throws whatever the log throws; safe to repeat
 */
export async function recordRollup(
  log: RollupLog,
  rollup: Rollup,
  traces?: TakenTraces,
): Promise<Rollup> {
  const { subject, data, workflowId } = entryOf(rollup);
  if (await log.append(subject, data, workflowId, traces)) return rollup;
  const earlier = await log.read(subject);
  // Purged between the two calls: only what no running session can repeat is purged.
  if (earlier === undefined) throw new Error(`${subject} was refused, but nothing stands there`);
  return decodeRollup(earlier);
}
