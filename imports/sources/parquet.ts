/** Rows of Parquet files, a row group at a time: of big files only one group, and of it the columns that are asked for. */
import { openSync, closeSync, readSync, statSync } from 'node:fs';
import {
  asyncBufferFromFile,
  type FileMetaData,
  parquetMetadataAsync,
  parquetReadObjects,
  parquetSchema,
} from 'hyparquet';
import { compressors } from 'hyparquet-compressors';
import { KIND_BYTES, kindOfFile } from '../../operations/decompress.ts';

/** Uncompressed, and as objects some times of it. */
const GROUP_BYTES_MAX = 256 * 1024 * 1024;

export type ParquetRow = Readonly<Record<string, unknown>>;

/** Whether a file begins as Parquet does; no name is asked. */
export function isParquet(path: string): boolean {
  if (!statSync(path).isFile()) return false;
  const file = openSync(path, 'r');
  try {
    const head = Buffer.alloc(KIND_BYTES);
    return readSync(file, head, 0, KIND_BYTES, 0) === KIND_BYTES && kindOfFile(head) === 'parquet';
  } finally {
    closeSync(file);
  }
}

export interface ParquetOptions {
  /** Names of the first level; all where it is left out. Those that the file does not have are no fault. */
  readonly columns?: readonly string[] | undefined;
  /** Called after each group with the bytes of the file that it took. */
  readonly onRead: (bytes: number) => void;
}

/**
 * Whole numbers of 64 bits are bigints, times are dates, lists arrays, structs objects; what is declared as JSON stays
 * a text.
 * @throws Error for what is no Parquet or has groups of more than 256 MiB in these columns
 */
export async function* readParquet(
  path: string,
  { columns, onRead }: ParquetOptions,
): AsyncGenerator<readonly ParquetRow[]> {
  const file = await asyncBufferFromFile(path);
  const metadata = await parquetMetadataAsync(file);
  const has = new Set(parquetSchema(metadata).children.map(({ element }) => element.name));
  const wanted = columns?.filter((name) => has.has(name));
  if (wanted?.length === 0)
    throw new Error(`it has none of the columns ${columns?.join(', ') ?? ''}`);
  let rowStart = 0;
  for (const group of metadata.row_groups) {
    const { unpacked, stored } = sizeOf(group, wanted);
    if (unpacked > GROUP_BYTES_MAX) {
      throw new Error(
        `a row group has ${Math.ceil(unpacked / 1024 / 1024)} MiB, and at most 256 are read: write it with smaller groups`,
      );
    }
    const rowEnd = rowStart + Number(group.num_rows);
    yield (await parquetReadObjects({
      file,
      metadata,
      compressors,
      rowStart,
      rowEnd,
      ...(wanted !== undefined && { columns: wanted }),
      parsers: { jsonFromBytes: textOfBytes },
    })) as readonly ParquetRow[];
    onRead(stored);
    rowStart = rowEnd;
  }
}

function sizeOf(
  group: FileMetaData['row_groups'][number],
  wanted: readonly string[] | undefined,
): { unpacked: number; stored: number } {
  let [unpacked, stored] = [0, 0];
  for (const { meta_data: column } of group.columns) {
    if (column === undefined) continue;
    stored += Number(column.total_compressed_size);
    const [name = ''] = column.path_in_schema;
    if (wanted?.includes(name) !== false) unpacked += Number(column.total_uncompressed_size);
  }
  return { unpacked, stored };
}

const UTF8 = new TextDecoder();

/** A value may be no JSON at all, and would take its whole group with it. */
function textOfBytes(bytes: Uint8Array | undefined): string | undefined {
  return bytes && UTF8.decode(bytes);
}
