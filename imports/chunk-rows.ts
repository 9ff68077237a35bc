/**
 * What is inserted of the sessions of a chunk, as bytes: their rows, and the notes of what was decided about them. Pure, and
 * made where sessions are folded.
 */
import { declaredOf } from '../activities/load-batch.ts';
import { RowBinaryWriter, RowBytes } from '../platform/row-bytes.ts';
import { readUnits } from '../shared/decimal.ts';
import type { Attribute } from '../shared/event.ts';
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
  /** JSON in UTF-8; empty unless it is loaded. */
  readonly events: Uint8Array;
}

const FENCE_COLUMNS = ['partition', 'log', 'range_from'];
const NOTE_COLUMNS = [
  ...FENCE_COLUMNS,
  ...['import', 'life', 'chunk', 'project', 'session_id', 'first_run_id', 'fate'],
  ...['instead_of', 'new_user', 'events'],
];

/** Of `sessions_inbox`, in the order in which {@link writeSession} writes them. */
const SESSION_COLUMNS = [
  ...FENCE_COLUMNS,
  ...['project', 'session_id', 'first_run_id', 'started_at', 'last_event_at', 'duration_seconds'],
  ...['page_views', 'events', 'conversions', 'engaged', 'bounced', 'converted', 'revenue'],
  ...['entry_path', 'exit_path', 'user_id', 'new_user'],
  ...['traffic_source', 'device_type', 'country', 'browser', 'os', 'visitor_id', 'channel'],
  ...[
    'medium',
    'campaign',
    'term',
    'content',
    'referrer_host',
    'language',
    'screen',
    'app_version',
  ],
  ...['bot', 'excluded', 'revenue_by_currency', 'dimensions', 'state', 'end_reason', 'catalogue'],
  ...['updated_at', 'version'],
];
const TEXT_ATTRIBUTES = [
  ...['trafficSource', 'deviceType', 'country', 'browser', 'os', 'visitorId', 'channel'],
  ...['medium', 'campaign', 'term', 'content', 'referrerHost', 'language', 'screen', 'appVersion'],
] as const satisfies readonly Attribute[];
const NOTHING: Readonly<Record<string, string>> = {};

/** Makes one row after the other; whoever has others' rows may add them. */
export interface Rows<Row> {
  add(row: Row): void;
  addAll(rows: RowBytes): void;
  /** All of them. Nothing may be added any more. */
  end(): RowBytes;
}

/**
 * Notes of a chunk, for `import_sessions_inbox`; the types are those of its columns.
 * @param bytes that they may take, where somebody knows
 */
export function noteRows(place: ChunkPlace, bytes?: number): Rows<SessionNote> {
  const { fence, import: id, life, chunk, project } = place;
  const head = new RowBinaryWriter();
  writeFence(head, fence);
  head.text(id);
  head.uint32(life);
  head.uint32(chunk);
  head.text(project);
  const common = head.end();
  return rowsOf(NOTE_COLUMNS, bytes, (out, { decision, identity, newUser = null, events }) => {
    out.append(common);
    out.text(decision.sessionId);
    out.text(identity);
    out.text(decision.fate);
    out.texts(decision.insteadOf);
    out.nullableBool(newUser);
    out.bytes(events);
  });
}

/**
 * Sessions of a chunk, for `sessions_inbox`: what `sessionTableRow` makes of each, in the types of its columns.
 * @param bytes see {@link noteRows}
 */
export function sessionRows(fence: Fence, bytes?: number): Rows<SessionRecord> {
  const head = new RowBinaryWriter();
  writeFence(head, fence);
  const common = head.end();
  return rowsOf(SESSION_COLUMNS, bytes, (out, record) => {
    out.append(common);
    writeSession(out, record);
  });
}

function writeFence(out: RowBinaryWriter, { partition, log, range_from }: Fence): void {
  out.uint32(partition);
  out.text(log);
  out.whole64(range_from);
}

function writeSession(
  out: RowBinaryWriter,
  { project, sessionId, identity, writeNo, session }: SessionRecord,
): void {
  const { attributes, revenueByCurrency } = session;
  out.text(project);
  out.text(sessionId);
  out.text(identity);
  out.whole64(session.firstEventAt);
  out.whole64(session.lastEventAt);
  out.whole64(session.durationMs);
  out.whole64(session.pageViews);
  out.whole64(session.events);
  out.whole64(session.conversions);
  out.bool(session.engaged);
  out.bool(session.bounced);
  out.bool(session.conversions > 0);
  out.int128(readUnits(session.revenue));
  out.text(session.entryPath ?? '');
  out.text(session.exitPath ?? '');
  out.text(attributes.userId ?? '');
  out.nullableBool(session.newUser ?? null);
  for (const name of TEXT_ATTRIBUTES) out.text(attributes[name] ?? '');
  out.bool(attributes.bot !== undefined);
  out.bool(session.excluded ?? false);
  out.map(Object.entries(revenueByCurrency ?? NOTHING), (amount) => {
    out.int128(readUnits(amount));
  });
  out.map(Object.entries(declaredOf(attributes)), (value) => {
    out.text(value);
  });
  out.text(session.status);
  out.text(session.endReason ?? '');
  out.byte(session.catalogue ?? 1);
  out.whole64(session.updatedAt);
  out.whole64(writeNo);
}

function rowsOf<Row>(
  columns: readonly string[],
  bytes: number | undefined,
  write: (out: RowBinaryWriter, row: Row) => void,
): Rows<Row> {
  const out = new RowBinaryWriter(bytes);
  const parts: Uint8Array<ArrayBuffer>[] = [];
  let length = 0;
  return {
    add(row) {
      write(out, row);
      length += 1;
    },
    addAll(rows) {
      parts.push(...rows.parts);
      length += rows.length;
    },
    end() {
      const own = out.end();
      return new RowBytes(columns, own.length > 0 ? [...parts, own] : parts, length);
    },
  };
}
