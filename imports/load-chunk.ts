/**
 * A chunk that is worked out, loaded: what was decided and what it adds is noted first, so that whoever repeats it, and
 * whoever takes it back without its file, finds it there. Then it goes the way of any range of the rollup log, under its
 * own token and behind its own place (decisions 013, 039). Each step may be repeated, and each is harmless where its process
 * stood still before it and the import was taken back meanwhile (decision 042).
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { BoundValues } from '../activities/bound-values.ts';
import type { TableWriter } from '../activities/load-batch.ts';
import { chunkRange } from '../bulk/ledger.ts';
import type { Contributions } from '../shared/contributions.ts';
import { deleteSessions } from './delete-sessions.ts';
import type { ImportLife } from '../shared/import-plan.ts';
import { insertFiled } from './insert-filed.ts';
import { loadName } from './import-tables.ts';
import type { PreparedChunk } from './prepare-chunk.ts';
import type { PublishOnce } from './publish-once.ts';
import { settleNotes } from './settle-notes.ts';

export interface LoadChunkDeps {
  /** As the writer: it inserts. */
  readonly tables: TableWriter;
  /** As somebody who may read. */
  readonly reader: ClickHouseClient;
  /** As the admin, who may delete what is replaced. */
  readonly admin: ClickHouseClient;
  readonly bound: BoundValues;
  readonly publishOnce: PublishOnce;
}

export interface LoadChunkOptions {
  readonly life: ImportLife;
  /** How many values of a dimension have rows of their own, a project and day. */
  readonly valuesMax: number;
}

const NOTHING: Contributions = new Map();

/** @throws as `settleNotes` does, and what servers throw; safe to repeat */
export async function loadPrepared(
  { tables, reader, admin, bound, publishOnce }: LoadChunkDeps,
  chunk: PreparedChunk,
  { life, valuesMax }: LoadChunkOptions,
): Promise<void> {
  const { number, sums, sessions, insteadOf, live } = chunk;
  const { project } = life;
  const load = loadName(life);
  const range = chunkRange(load, number);
  const filed = await bound({ ...range, valuesMax }, sums);
  // What was noted counts: others may have filled a dimension since.
  const rows = await settleNotes(
    { tables, reader },
    life,
    chunk,
    filed.metrics.get(project) ?? NOTHING,
  );
  if (insteadOf.length > 0) await deleteSessions(admin, project, insteadOf, range);
  await publishOnce(life, live, number);
  const settled = { ...filed, metrics: new Map([[project, rows]]) };
  await insertFiled(tables, load, number, settled, sessions);
}
