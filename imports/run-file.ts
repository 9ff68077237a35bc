/**
 * A run: sessions in the order in which they are loaded, as bytes. Many runs are merged into one such order. A session's
 * events are one JSON array, which is read when the session is folded and not before.
 *
 * ```text
 * u32 bytes in all | f64 first time | f64 last time | u32 events | u16 id bytes | u32 array bytes | u8 has raw
 *   | id | array | flags, a byte an event | where there is raw: u32 bytes and the bytes, an event
 * ```
 */
import { closeSync, openSync } from 'node:fs';
import type { VisitorEvent } from '../shared/event.ts';
import { FLAG } from './frame.ts';
import { byTime, type GroupedSession } from './group-sessions.ts';
import { readSized, writeAll } from './sized-records.ts';

const HEAD_BYTES = 31;

/** A session of a run. */
export interface SessionBytes {
  readonly sessionId: string;
  /** Epoch milliseconds. */
  readonly firstAt: number;
  readonly lastAt: number;
  readonly eventCount: number;
  readonly bytes: Buffer;
}

/** @param buffer what the frames of the session lie in */
export function encodeSession(buffer: Buffer, session: GroupedSession): Buffer {
  const sizes = sizesOf(session);
  const out = Buffer.allocUnsafe(sizes.size);
  writeSession(out, buffer, session, sizes);
  return out;
}

/** Bytes that parts of a session take. */
interface Sizes {
  readonly size: number;
  readonly idBytes: number;
  readonly arrayBytes: number;
  readonly hasRaw: boolean;
}

function sizesOf({ sessionId, frames }: GroupedSession): Sizes {
  const hasRaw = frames.some(({ jsonTo, rawTo }) => rawTo > jsonTo);
  const idBytes = Buffer.byteLength(sessionId);
  let arrayBytes = 1 + frames.length;
  let rawBytes = 0;
  for (const { jsonFrom, jsonTo, rawTo } of frames) {
    arrayBytes += jsonTo - jsonFrom;
    rawBytes += 4 + rawTo - jsonTo;
  }
  const size = HEAD_BYTES + idBytes + arrayBytes + frames.length + (hasRaw ? rawBytes : 0);
  return { size, idBytes, arrayBytes, hasRaw };
}

/** @param out has room for it from its beginning */
function writeSession(
  out: Buffer,
  buffer: Buffer,
  { sessionId, firstAt, lastAt, frames }: GroupedSession,
  { size, idBytes, arrayBytes, hasRaw }: Sizes,
): void {
  out.writeUInt32LE(size, 0);
  out.writeDoubleLE(firstAt, 4);
  out.writeDoubleLE(lastAt, 12);
  out.writeUInt32LE(frames.length, 20);
  out.writeUInt16LE(idBytes, 24);
  out.writeUInt32LE(arrayBytes, 26);
  out[30] = hasRaw ? 1 : 0;
  let at = HEAD_BYTES + out.write(sessionId, HEAD_BYTES, 'utf8');
  frames.forEach(({ jsonFrom, jsonTo }, n) => {
    out[at] = n === 0 ? OPEN : COMMA;
    at += 1 + buffer.copy(out, at + 1, jsonFrom, jsonTo);
  });
  out[at] = CLOSE;
  at += 1;
  for (const { flags } of frames) {
    out[at] = flags;
    at += 1;
  }
  if (!hasRaw) return;
  for (const { jsonTo, rawTo } of frames) {
    at = out.writeUInt32LE(rawTo - jsonTo, at);
    at += buffer.copy(out, at, jsonTo, rawTo);
  }
}

const OPEN = '['.charCodeAt(0);
const COMMA = ','.charCodeAt(0);
const CLOSE = ']'.charCodeAt(0);

/** What {@link encodeSession} made, but for its events. */
export function decodeHead(bytes: Buffer): SessionBytes {
  return {
    firstAt: bytes.readDoubleLE(4),
    lastAt: bytes.readDoubleLE(12),
    eventCount: bytes.readUInt32LE(20),
    sessionId: bytes.toString('utf8', HEAD_BYTES, HEAD_BYTES + bytes.readUInt16LE(24)),
    bytes,
  };
}

/** The events of a session as they were taken. */
export function decodeEvents(session: Pick<SessionBytes, 'bytes' | 'eventCount'>): VisitorEvent[] {
  const { arrayFrom, flagsFrom } = placesOf(session.bytes);
  const text = session.bytes.toString('utf8', arrayFrom, flagsFrom);
  return numbered(session, JSON.parse(text) as VisitorEvent[]);
}

/** The same, and as JSON in UTF-8: where nothing was changed the very bytes. */
export function decodeWithJson(session: Pick<SessionBytes, 'bytes' | 'eventCount'>): {
  readonly events: readonly VisitorEvent[];
  readonly json: Uint8Array;
} {
  const { bytes, eventCount } = session;
  const { arrayFrom, flagsFrom } = placesOf(bytes);
  const events = decodeEvents(session);
  for (let n = 0; n < eventCount; n += 1) {
    if (((bytes[flagsFrom + n] ?? 0) & FLAG.madeId) !== 0)
      return { events, json: Buffer.from(JSON.stringify(events)) };
  }
  return { events, json: bytes.subarray(arrayFrom, flagsFrom) };
}

function placesOf(bytes: Buffer): { readonly arrayFrom: number; readonly flagsFrom: number } {
  const arrayFrom = HEAD_BYTES + bytes.readUInt16LE(24);
  return { arrayFrom, flagsFrom: arrayFrom + bytes.readUInt32LE(26) };
}

/** Equal records without ids of their own are told apart by their number. */
function numbered(
  { bytes, eventCount }: Pick<SessionBytes, 'bytes' | 'eventCount'>,
  events: VisitorEvent[],
): VisitorEvent[] {
  const { flagsFrom } = placesOf(bytes);
  let made: Map<string, number> | undefined;
  for (let n = 0; n < eventCount; n += 1) {
    const event = events[n];
    if (event === undefined || ((bytes[flagsFrom + n] ?? 0) & FLAG.madeId) === 0) continue;
    made ??= new Map();
    const before = made.get(event.id) ?? 0;
    made.set(event.id, before + 1);
    if (before > 0) events[n] = { ...event, id: `${event.id}~${before}` };
  }
  return events;
}

/** The events as they would be published, in the order of {@link decodeEvents}; undefined where one was not kept. */
export function decodeRaw({
  bytes,
  eventCount,
}: SessionBytes): readonly (Uint8Array | undefined)[] {
  const { flagsFrom } = placesOf(bytes);
  const raw: (Uint8Array | undefined)[] = [];
  let at = flagsFrom + eventCount;
  for (let n = 0; n < eventCount; n += 1) {
    if (bytes[30] === 0) {
      raw.push(undefined);
      continue;
    }
    const size = bytes.readUInt32LE(at);
    raw.push(size === 0 ? undefined : bytes.subarray(at + 4, at + 4 + size));
    at += 4 + size;
  }
  return raw;
}

const WRITE_BYTES = 1024 * 1024;

/**
 * Writes a run.
 * @param file is made anew, for its owner only
 * @param buffer what the frames of the sessions lie in
 */
export function writeRun(file: string, buffer: Buffer, sessions: Iterable<GroupedSession>): void {
  const descriptor = openSync(file, 'w', 0o600);
  try {
    // One for all of them: what each had of its own would be given back late, or never.
    const out = Buffer.allocUnsafeSlow(WRITE_BYTES);
    let filled = 0;
    const flush = () => {
      if (filled > 0) writeAll(descriptor, out.subarray(0, filled));
      filled = 0;
    };
    for (const session of sessions) {
      const sizes = sizesOf(session);
      if (filled + sizes.size > out.length) flush();
      if (sizes.size > out.length) {
        writeAll(descriptor, encodeSession(buffer, session));
        continue;
      }
      writeSession(out.subarray(filled, filled + sizes.size), buffer, session, sizes);
      filled += sizes.size;
    }
    flush();
  } finally {
    closeSync(descriptor);
  }
}

/** All blocks of a merge together: many runs have small ones. */
const MERGE_BYTES = 64 * 1024 * 1024;
const BLOCK_BYTES = { least: 32 * 1024, most: 1024 * 1024 } as const;

/** Sessions of all runs in one order ({@link byTime}). No session is in two of them. */
export function* mergeRuns(files: readonly string[]): Generator<SessionBytes> {
  const share = Math.floor(MERGE_BYTES / Math.max(1, files.length));
  const blockBytes = Math.min(BLOCK_BYTES.most, Math.max(BLOCK_BYTES.least, share));
  const heap: { session: SessionBytes; readonly rest: Generator<Buffer> }[] = [];
  try {
    for (const file of files) {
      const rest = readSized(file, blockBytes);
      const first = rest.next();
      if (first.done !== true) heap.push({ session: decodeHead(first.value), rest });
    }
    for (let at = heap.length >> 1; at >= 0; at -= 1) sink(heap, at);
    for (let [least] = heap; least !== undefined; [least] = heap) {
      yield least.session;
      const next = least.rest.next();
      if (next.done === true) {
        const last = heap.pop();
        if (last !== undefined && heap.length > 0 && last !== least) heap[0] = last;
      } else {
        least.session = decodeHead(next.value);
      }
      sink(heap, 0);
    }
  } finally {
    // Where somebody has enough of it, files are open.
    for (const { rest } of heap) rest.return(undefined);
  }
}

function sink(heap: { session: SessionBytes }[], from: number): void {
  for (let at = from; ;) {
    let least = at;
    for (const child of [2 * at + 1, 2 * at + 2]) {
      const other = heap[child];
      const own = heap[least];
      if (other !== undefined && own !== undefined && byTime(other.session, own.session) < 0) {
        least = child;
      }
    }
    const [a, b] = [heap[at], heap[least]];
    if (least === at || a === undefined || b === undefined) return;
    heap[at] = b;
    heap[least] = a;
    at = least;
  }
}
