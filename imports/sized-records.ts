/** Records of a file that each begin with their size (u32, itself counted), a block of the file at a time in memory. */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';

const BLOCK_BYTES = 1024 * 1024;

export function* readSized(file: string, blockBytes = BLOCK_BYTES): Generator<Buffer> {
  const descriptor = openSync(file, 'r');
  let block: Buffer = Buffer.alloc(0);
  let place = 0;
  /** Moves on to a block that begins at the place. @returns whether it holds as much */
  const load = (wanted: number): boolean => {
    // A new one each time: records that were handed out lie in the old one.
    const next = Buffer.allocUnsafe(Math.max(blockBytes, wanted));
    let filled = block.copy(next, 0, place);
    for (let read = 1; read > 0 && filled < wanted; filled += read) {
      read = readSync(descriptor, next, filled, next.length - filled, null);
    }
    block = next.subarray(0, filled);
    place = 0;
    return filled >= wanted;
  };
  try {
    for (;;) {
      if (block.length - place < 4 && !load(4)) return;
      const size = block.readUInt32LE(place);
      if (block.length - place < size && !load(size)) {
        throw new RangeError(`${file} ends in the middle of a record`);
      }
      yield block.subarray(place, place + size);
      place += size;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Writes all of a buffer. */
export function writeAll(descriptor: number, data: Uint8Array): void {
  for (let at = 0; at < data.length;) at += writeSync(descriptor, data, at);
}
