/**
 * What a file holds, told by its first bytes and not by its name: plain text, gzip or Zstandard. Chunks in, chunks out,
 * and never more than a few in memory.
 */
import { pipeline, Readable, type Transform } from 'node:stream';
import * as zlib from 'node:zlib';
import { Decompress } from 'fzstd';

const CHUNK_BYTES = 256 * 1024;

export type FileKind = 'plain' | 'gzip' | 'zstd' | 'parquet';
/** So many bytes tell the kind. */
export const KIND_BYTES = 4;

export function kindOfFile(head: Uint8Array): FileKind {
  const [a, b, c, d] = head;
  if (a === 0x1f && b === 0x8b) return 'gzip';
  // A file may begin with a frame that is to be skipped, as parallel compressors write it.
  const isFrame = a === 0x28 || (a !== undefined && a >= 0x50 && a <= 0x5f);
  if (
    isFrame &&
    ((b === 0xb5 && c === 0x2f && d === 0xfd) || (b === 0x2a && c === 0x4d && d === 0x18))
  )
    return 'zstd';
  return Buffer.from(head.subarray(0, 4)).toString('latin1') === 'PAR1' ? 'parquet' : 'plain';
}

const ENDINGS: readonly (readonly [string, FileKind])[] = [
  ['.gz', 'gzip'],
  ['.zst', 'zstd'],
  ['.parquet', 'parquet'],
];

/**
 * The bytes that a file stands for.
 * @throws Error for a broken file, one that is not what its name says, and for Parquet, which is no stream
 */
export async function* decompress(
  chunks: AsyncGenerator<Buffer>,
  name: string,
): AsyncGenerator<Uint8Array> {
  let head: Buffer = Buffer.alloc(0);
  while (head.length < KIND_BYTES) {
    const next = await chunks.next();
    if (next.done === true) break;
    head = Buffer.concat([head, next.value]);
  }
  async function* whole() {
    yield head;
    yield* chunks;
  }
  const kind = kindOfFile(head);
  const [, named] = ENDINGS.find(([ending]) => name.endsWith(ending)) ?? [];
  if (named !== undefined && named !== kind && head.length > 0) {
    throw new Error(`it is not in ${named === 'zstd' ? 'Zstandard' : named} format`);
  }
  switch (kind) {
    case 'plain':
      yield* whole();
      return;
    case 'parquet':
      throw new Error('it is Parquet, which is read from a file and by `import` only');
    case 'gzip':
      // A failure on either side ends the other, and reaches the reader.
      yield* pipeline(
        Readable.from(whole()),
        zlib.createGunzip({ chunkSize: CHUNK_BYTES }),
        () => undefined,
      );
      return;
    case 'zstd':
      if (OWN.createZstdDecompress === undefined) yield* unzstd(whole());
      else {
        const own = OWN.createZstdDecompress({ chunkSize: CHUNK_BYTES });
        yield* pipeline(Readable.from(whole()), own, () => undefined);
      }
  }
}

/** What Node has from 22.15 on; it looks at the checksums too. */
const OWN = zlib as { createZstdDecompress?: (options: object) => Transform };

/** Four bytes may stand for 128 KiB: more at once could fill the memory. */
const SLICE_BYTES = 4 * 1024;

/** Zstandard in JavaScript, a block at a time. */
async function* unzstd(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let blocks: Uint8Array[] = [];
  const frames = new Decompress((block) => {
    // The library goes on writing where it reads from.
    if (block.length > 0) blocks.push(Uint8Array.from(block));
  });
  const push = (slice: Uint8Array, isLast: boolean): Uint8Array[] => {
    blocks = [];
    frames.push(slice, isLast);
    return blocks;
  };
  for await (const chunk of chunks) {
    for (let start = 0; start < chunk.length; start += SLICE_BYTES) {
      yield* push(chunk.subarray(start, start + SLICE_BYTES), false);
    }
  }
  yield* push(new Uint8Array(), true);
}
