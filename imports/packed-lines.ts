/** Lines on their way to another thread: their bytes once, and where each of them ends. */
import type { Record_ } from './formats/format.ts';

export interface PackedLines {
  readonly file: string;
  readonly data: Uint8Array<ArrayBuffer>;
  /** Numbers within the file. */
  readonly lines: Uint32Array<ArrayBuffer>;
  /** Where in the data each ends. */
  readonly ends: Uint32Array<ArrayBuffer>;
}

/** A line as its bytes. */
export type LineRecord = Record_ & { readonly data: Uint8Array };

export function packLines(file: string, records: readonly LineRecord[]): PackedLines {
  let bytes = 0;
  for (const { data } of records) bytes += data.length;
  const packed = new Uint8Array(bytes);
  const lines = new Uint32Array(records.length);
  const ends = new Uint32Array(records.length);
  let end = 0;
  records.forEach(({ line, data }, n) => {
    packed.set(data, end);
    end += data.length;
    lines[n] = line;
    ends[n] = end;
  });
  return { file, data: packed, lines, ends };
}

export function unpackLines({ data, lines, ends }: PackedLines): LineRecord[] {
  let from = 0;
  return Array.from(lines, (line, n) => {
    const to = ends[n] ?? from;
    const record = { line, data: data.subarray(from, to) };
    from = to;
    return record;
  });
}
