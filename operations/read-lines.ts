/**
 * Lines of NDJSON files as bytes, in batches: plain, gzip or Zstandard (told by the first bytes), never more
 * than a chunk and a line in memory. A line beyond the limit is skipped, counted and reported.
 */
import { createReadStream, statSync } from 'node:fs';
import { SojournError, toError } from '../shared/errors.ts';
import { decompress } from './decompress.ts';

export interface Line {
  /** Of its file, from 1. */
  readonly number: number;
  readonly bytes: number;
  /** Without the line feed; undefined where the line is longer than the limit. */
  readonly data: Uint8Array | undefined;
}

export interface Source {
  /** As it was given; `-` is standard input. */
  readonly name: string;
  /** Of the file as it is stored; undefined for a stream. */
  readonly size: number | undefined;
}

const CHUNK_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;
const CARRIAGE_RETURN = 0x0d;

/** Looks at a file before anything is read. @throws SojournError `SJ_NOT_FOUND` */
export function findSource(name: string): Source {
  if (name === '-') return { name, size: undefined };
  const stats = statSync(name, { throwIfNoEntry: false });
  if (stats === undefined) throw new SojournError('SJ_NOT_FOUND', `there is no file ${name}`);
  if (stats.isDirectory())
    throw new SojournError('SJ_NOT_FOUND', `${name} is a folder, not a file`);
  return { name, size: stats.isFile() ? stats.size : undefined };
}

export interface ReadOptions {
  readonly lineBytesMax: number;
  /** Called with the bytes read of the file as it is stored. */
  readonly onRead: (bytes: number) => void;
  /** Ends the reading with an error, also where it waits for standard input. */
  readonly signal: AbortSignal;
}

/**
 * All lines of a source that hold something.
 * @throws SojournError `SJ_NOT_FOUND` where it cannot be read
 */
export async function* readLines(
  { name }: Source,
  { lineBytesMax, onRead, signal }: ReadOptions,
): AsyncGenerator<Line[]> {
  const stored =
    name === '-' ? process.stdin : createReadStream(name, { highWaterMark: CHUNK_BYTES });
  const end = () => stored.destroy();
  signal.addEventListener('abort', end);
  try {
    yield* splitLines(decompress(counted(stored, onRead), name), lineBytesMax);
  } catch (error) {
    const why = toError(error).message;
    throw new SojournError('SJ_NOT_FOUND', `${name} cannot be read: ${why}`, { cause: error });
  } finally {
    signal.removeEventListener('abort', end);
    stored.destroy();
  }
}

async function* counted(
  chunks: AsyncIterable<unknown>,
  onRead: (bytes: number) => void,
): AsyncGenerator<Buffer> {
  for await (const chunk of chunks as AsyncIterable<Buffer>) {
    onRead(chunk.length);
    yield chunk;
  }
}

/** Cuts chunks into lines; a last line needs no line feed. */
export async function* splitLines(
  chunks: AsyncIterable<Uint8Array>,
  lineBytesMax: number,
): AsyncGenerator<Line[]> {
  let number = 0;
  /** The beginning of a line that goes on in the next chunk. */
  let parts: Uint8Array[] = [];
  let bytes = 0;
  const finish = (end: Uint8Array): Line | undefined => {
    number += 1;
    bytes += end.length;
    const data = bytes > lineBytesMax ? undefined : joined(parts, end);
    const line = { number, bytes, data };
    parts = [];
    bytes = 0;
    return data !== undefined && isEmpty(data) ? undefined : line;
  };

  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (
      let end = chunk.indexOf(LINE_FEED);
      end !== -1;
      start = end + 1, end = chunk.indexOf(LINE_FEED, start)
    ) {
      const line = finish(chunk.subarray(start, end));
      if (line !== undefined) lines.push(line);
    }
    const rest = chunk.subarray(start);
    bytes += rest.length;
    if (bytes > lineBytesMax) parts = [];
    else if (rest.length > 0) parts.push(rest);
    if (lines.length > 0) yield lines;
  }
  const last = bytes > 0 ? finish(new Uint8Array()) : undefined;
  if (last !== undefined) yield [last];
}

function joined(parts: readonly Uint8Array[], end: Uint8Array): Uint8Array {
  return parts.length === 0 ? end : Buffer.concat([...parts, end]);
}

/** An empty line of a file with Windows line ends holds a carriage return. */
function isEmpty(data: Uint8Array): boolean {
  return data.length === 0 || (data.length === 1 && data[0] === CARRIAGE_RETURN);
}
