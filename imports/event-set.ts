/**
 * What makes two imports the same one: the records of their files, whatever their order, whatever file each lies in and
 * however that is packed. The hashes of all records are added up, so that parts of a file can be read side by side.
 */
import { createHash } from 'node:crypto';

const WORDS = 8;

export interface EventSet {
  /** @param digest SHA-256 of a record */
  add(digest: Buffer): void;
  /** Adds what another set has. */
  addAll(sums: SetSums): void;
  readonly sums: SetSums;
}

/** Sums modulo 2^32 of the words of all hashes, and how many there are. */
export interface SetSums {
  readonly words: readonly number[];
  readonly count: number;
}

export function createEventSet(): EventSet {
  const words = new Uint32Array(WORDS);
  let count = 0;
  return {
    add(digest) {
      count += 1;
      for (let n = 0; n < WORDS; n += 1) words[n] = (words[n] ?? 0) + digest.readUInt32LE(n * 4);
    },
    addAll(sums) {
      count += sums.count;
      for (let n = 0; n < WORDS; n += 1) words[n] = (words[n] ?? 0) + (sums.words[n] ?? 0);
    },
    get sums() {
      return { words: Array.from(words), count };
    },
  };
}

/** Another reading of the same records is another import: raise it where one changes what events a record gives. */
const FORMAT_VERSION = 1;

/** The name of an import: 20 characters 0-9 and a-f. The same records in another project are another import. */
export function importIdOf(
  { project, format }: { readonly project: string; readonly format: string },
  sums: SetSums,
): string {
  return createHash('sha256')
    .update(JSON.stringify([FORMAT_VERSION, project, format, sums.count, ...sums.words]))
    .digest('hex')
    .slice(0, 20);
}
