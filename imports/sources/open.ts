/**
 * Files, folders and standard input as batches of records: lines of text (plain, gzip, Zstandard) or rows of Parquet.
 * Never more in memory than a chunk and a line, or a row group.
 */
import { findSource, readLines } from '../../operations/read-lines.ts';
import { SojournError, toError } from '../../shared/errors.ts';
import type { Record_ } from '../formats/format.ts';
import { findFiles } from './find-files.ts';
import { isParquet, readParquet } from './parquet.ts';

export interface OpenOptions {
  /** Lines beyond it are left out and told by `onTooLong`. */
  readonly lineBytesMax: number;
  /** Of Parquet: the columns to read; all where it is left out. */
  readonly columns?: readonly string[] | undefined;
  /** Called with the bytes read of the file as it is stored. */
  readonly onRead: (bytes: number) => void;
  readonly onTooLong: (line: { file: string; line: number; bytes: number }) => void;
  readonly signal: AbortSignal;
}

export interface SourceBatch {
  /** As it was given, or found in a folder that was given. */
  readonly file: string;
  readonly records: readonly Record_[];
}

/**
 * Batches of all files, one after the other. Every file is looked at before the first is read.
 * @throws SojournError `SJ_NOT_FOUND` where one is missing or cannot be read
 */
export async function* openSources(
  paths: readonly string[],
  options: OpenOptions,
): AsyncGenerator<SourceBatch> {
  for (const file of findFiles(paths)) {
    const batches =
      file !== '-' && isParquet(file) ? rowsOf(file, options) : linesOf(file, options);
    for await (const records of batches) {
      if (records.length > 0) yield { file, records };
    }
  }
}

async function* linesOf(
  file: string,
  { lineBytesMax, onRead, onTooLong, signal }: OpenOptions,
): AsyncGenerator<readonly Record_[]> {
  for await (const lines of readLines(findSource(file), { lineBytesMax, onRead, signal })) {
    const records: Record_[] = [];
    for (const { number: line, bytes, data } of lines) {
      if (data === undefined) onTooLong({ file, line, bytes });
      else records.push({ line, data });
    }
    yield records;
  }
}

async function* rowsOf(
  file: string,
  { columns, onRead, signal }: OpenOptions,
): AsyncGenerator<readonly Record_[]> {
  let line = 0;
  try {
    for await (const rows of readParquet(file, { columns, onRead })) {
      signal.throwIfAborted();
      yield rows.map((data) => ({ line: (line += 1), data }));
    }
  } catch (error) {
    const why = toError(error).message;
    throw new SojournError('SJ_NOT_FOUND', `${file} cannot be read: ${why}`, { cause: error });
  }
}
