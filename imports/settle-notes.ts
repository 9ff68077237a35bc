/**
 * What a chunk was decided to be and to add, noted before anything of it is loaded, and read again: what is noted counts, by
 * whomever. Nobody goes on without: a process that stood still while its import was taken back finds its notes let go here.
 */
import type { ClickHouseClient } from '@clickhouse/client';
import type { TableWriter } from '../activities/load-batch.ts';
import type { Contributions } from '../shared/contributions.ts';
import { SojournError } from '../shared/errors.ts';
import type { ImportLife } from '../shared/import-plan.ts';
import type { Decision } from './decide.ts';
import { decidedOf, noteRows, noteSessions, rowsOf } from './import-tables.ts';
import type { PreparedChunk } from './prepare-chunk.ts';

export interface NotesDeps {
  readonly tables: TableWriter;
  readonly reader: ClickHouseClient;
}

/** Another process has noted the chunk since it was worked out here, and decided otherwise: it is to be worked out anew. */
export class NotedOtherwiseError extends Error {
  override readonly name = 'NotedOtherwiseError';
}

type NotedChunk = Pick<PreparedChunk, 'number' | 'noted' | 'notes' | 'unnotedAt'>;

/** ClickHouse remembers 10,000 tokens: nobody makes so many in this time. */
const UNNOTED_MS = 30_000;
const NO_DECISIONS: ReadonlyMap<string, Decision> = new Map();
const NO_ROWS: Contributions = new Map();

/**
 * Safe to repeat.
 * @param rows what the chunk adds, where nobody has noted it
 * @returns the rows that are noted
 * @throws SojournError `SJ_USAGE` where the import was taken back; {@link NotedOtherwiseError}; what ClickHouse throws
 */
export async function settleNotes(
  { tables, reader }: NotesDeps,
  life: ImportLife,
  { number, noted, notes, unnotedAt }: NotedChunk,
  rows: Contributions,
): Promise<Contributions> {
  const decided = () => decidedOf(reader, life, number);
  // Whoever notes it meanwhile does so under the same tokens: what comes of it is read again below.
  // By the clock of the wall: the other one stands still while a machine sleeps. One that was put back says nothing.
  const age = Date.now() - (unnotedAt ?? -Infinity);
  const isUnnoted = age >= 0 && age < UNNOTED_MS;
  let there = isUnnoted ? NO_DECISIONS : await decided();
  if (there.size === 0 && noted.length > 0) {
    await noteSessions(tables, life, number, notes);
    there = await decided();
    if (there.size === 0) throw takenBackMeanwhile(life);
  }
  failWhereNotedOtherwise(life, noted, there);
  const before = isUnnoted ? NO_ROWS : await rowsOf(reader, life, number);
  if (before.size > 0 || rows.size === 0) return before;
  await noteRows(tables, life, number, rows);
  // Another process may have been first, with values of dimensions filed in another way.
  const after = await rowsOf(reader, life, number);
  if (after.size === 0) throw takenBackMeanwhile(life);
  return after;
}

/** What a process is told that goes on with an import which somebody has taken back. */
export function takenBackMeanwhile({ id }: Pick<ImportLife, 'id'>): SojournError {
  return new SojournError('SJ_USAGE', `import ${id} was taken back while it went on`);
}

function failWhereNotedOtherwise(
  life: ImportLife,
  noted: PreparedChunk['noted'],
  there: ReadonlyMap<string, Decision>,
): void {
  const isSame = (decision: Decision) => {
    const { fate, insteadOf } = there.get(decision.sessionId) ?? {};
    return fate === decision.fate && insteadOf?.join() === decision.insteadOf.join();
  };
  if (noted.every(isSame)) return;
  throw new NotedOtherwiseError(`a chunk of import ${life.id} was noted by another process`);
}
