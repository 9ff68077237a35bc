/**
 * Takes loaded records out of the rollup log, so that the server's index of subjects stays small.
 * A record stays while its session runs: as long as a workflow task may be repeated, so may the
 * write in it, and its number must still be taken. It stays as well where a run was terminated before it
 * could remember what it wrote.
 */
import type { LogPosition } from '../shared/ranges.ts';

export interface PurgeRequest {
  readonly partition: number;
  readonly log: string;
  /** Last stream sequence to purge. */
  readonly upTo: number;
}

/** A record's place and session, without its content. */
export interface RecordHead {
  readonly seq: number;
  /** Workflow id of the session that wrote it. */
  readonly workflowId: string;
}

/** What is needed of the rollup log. */
export interface PurgeableLog {
  end(partition: number): Promise<LogPosition>;
  heads(partition: number, upTo: number): AsyncIterable<RecordHead>;
  /** Removes every record before `seq`. */
  purgeBefore(seq: number): Promise<void>;
  remove(seq: number): Promise<void>;
}

/** What is needed of Temporal: workflow ids of sessions that run, or did not end by themselves. */
export type UnfinishedSessions = () => Promise<ReadonlySet<string>>;

/** @returns how many records were kept for running sessions */
export async function purgeLoaded(
  log: PurgeableLog,
  unfinishedSessions: UnfinishedSessions,
  { partition, log: life, upTo }: PurgeRequest,
): Promise<number> {
  if ((await log.end(partition)).log !== life) return 0;
  const running = await unfinishedSessions();
  if (running.size === 0) {
    await log.purgeBefore(upTo + 1);
    return 0;
  }
  const kept: number[] = [];
  const gone: number[] = [];
  for await (const { seq, workflowId } of log.heads(partition, upTo)) {
    (running.has(workflowId) ? kept : gone).push(seq);
  }
  const firstKept = kept[0] ?? upTo + 1;
  await log.purgeBefore(firstKept);
  for (const seq of gone.filter((s) => s > firstKept)) await log.remove(seq);
  return kept.length;
}
