/**
 * What is inserted of the sessions of a chunk, as text: their rows, and the notes of what was decided about them. Pure, and
 * made where sessions are folded.
 */
import { sessionTableRow } from '../activities/load-batch.ts';
import { RowText } from '../platform/row-text.ts';
import type { SessionRecord } from '../shared/rollup.ts';
import type { Decision } from './decide.ts';

/** What an insert of a chunk goes by (027-import-fences). */
export interface Fence {
  readonly partition: number;
  readonly log: string;
  readonly range_from: number;
}

/** Where the rows of a chunk belong. */
export interface ChunkPlace {
  readonly fence: Fence;
  readonly import: string;
  readonly life: number;
  readonly chunk: number;
  readonly project: string;
}

/** What was decided about a session, and what of it is kept. */
export interface SessionNote {
  readonly decision: Decision;
  /** Empty unless it is loaded. */
  readonly identity: string;
  readonly newUser?: boolean;
  /** JSON; empty unless it is loaded. */
  readonly events: string;
}

const FENCE_COLUMNS = ['partition', 'log', 'range_from'];
const NOTE_COLUMNS = [
  ...FENCE_COLUMNS,
  ...['import', 'life', 'chunk', 'project', 'session_id', 'first_run_id', 'fate'],
  ...['instead_of', 'new_user', 'events'],
];

/** Makes one line after the other; whoever has others' lines may add them. */
export interface Lines<Row> {
  add(row: Row): void;
  addAll(rows: RowText): void;
  text(): RowText;
}

/** Notes of a chunk, for `import_sessions_inbox`. */
export function noteLines({ fence, ...chunk }: ChunkPlace): Lines<SessionNote> {
  const { import: id, life, chunk: number, project } = chunk;
  return linesOf(
    [...valuesOf(fence), id, life, number, project],
    ({ decision: { sessionId, fate, insteadOf }, identity, newUser = null, events }) => [
      ...[sessionId, identity, fate, insteadOf, newUser, events],
    ],
    () => NOTE_COLUMNS,
  );
}

/** Sessions of a chunk, for `sessions_inbox`. */
export function sessionLines(fence: Fence): Lines<SessionRecord> {
  let columns: readonly string[] | undefined;
  return linesOf(
    valuesOf(fence),
    (record) => {
      const row = sessionTableRow(record);
      columns ??= [...FENCE_COLUMNS, ...Object.keys(row)];
      return Object.values(row) as readonly unknown[];
    },
    () => columns ?? FENCE_COLUMNS,
  );
}

function valuesOf({ partition, log, range_from }: Fence): readonly unknown[] {
  return [partition, log, range_from];
}

/** @param common what each row begins with */
function linesOf<Row>(
  common: readonly unknown[],
  valuesOfRow: (row: Row) => readonly unknown[],
  columns: () => readonly string[],
): Lines<Row> {
  const head = `${JSON.stringify(common).slice(0, -1)},`;
  const lines: string[] = [];
  let length = 0;
  return {
    add(row) {
      lines.push(`${head}${JSON.stringify(valuesOfRow(row)).slice(1)}`);
      length += 1;
    },
    addAll(rows) {
      if (rows.length > 0) lines.push(rows.text);
      length += rows.length;
    },
    text: () => new RowText(columns(), lines.join('\n'), length),
  };
}
