/**
 * Events on disk until all of a session are there: each goes to one of many files by a hash of its session, and a file at
 * a time is small enough to be put together in memory. One that is not is divided once more.
 */
import { closeSync, mkdirSync, openSync, readSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fnv1a } from '../shared/fnv.ts';
import { FRAME_HEAD_BYTES, frameBytesMax, type TakenEvent, writeFrame } from './frame.ts';
import { groupSessions } from './group-sessions.ts';
import { writeRun } from './run-file.ts';
import { readSized, writeAll } from './sized-records.ts';

export interface SpillOptions {
  /** Files side by side. */
  readonly files?: number;
  /** What is put together in memory at once, bytes. */
  readonly groupBytesMax?: number;
}

const FILES = 128;
const BUFFER_BYTES = 64 * 1024;
/** With what is known of each event beside, some three times as much is in memory. */
export const GROUP_BYTES_MAX = 64 * 1024 * 1024;
/** A file that is divided this often and is still large is one session. */
const DEPTH_MAX = 6;

export interface Spill {
  add(taken: TakenEvent): void;
  /** Closes the files. @returns those that hold something */
  end(): readonly SpillFile[];
}

export interface SpillFile {
  readonly path: string;
  readonly bytes: number;
  /** Which of the files: a session is in those of one number. */
  readonly number: number;
}

/** @param folder is made, for its owner only */
export function createSpill(folder: string, files = FILES): Spill {
  const parts = openParts(folder, files);
  return {
    add(taken) {
      parts[hashOf(taken.key, 0) % files]?.add(taken);
    },
    end: () => parts.flatMap((part) => part.end()),
  };
}

function openParts(folder: string, files: number) {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  return Array.from({ length: files }, (_, number) =>
    openPart(join(folder, `part-${number}`), number),
  );
}

function openPart(path: string, number: number) {
  let buffer = Buffer.allocUnsafe(0);
  let filled = 0;
  let written = 0;
  let descriptor: number | undefined;
  const flush = () => {
    if (filled === 0) return;
    descriptor ??= openSync(path, 'w', 0o600);
    writeAll(descriptor, buffer.subarray(0, filled));
    written += filled;
    filled = 0;
  };
  const room = (bytes: number) => {
    if (buffer.length - filled >= bytes) return;
    flush();
    if (buffer.length < bytes) buffer = Buffer.allocUnsafe(Math.max(BUFFER_BYTES, bytes));
  };
  return {
    add(taken: TakenEvent) {
      const json = JSON.stringify(taken.event);
      room(frameBytesMax(taken, json, taken.raw));
      filled = writeFrame(buffer, filled, taken, json);
    },
    copy(frame: Buffer) {
      room(frame.length);
      filled += frame.copy(buffer, filled);
    },
    end(): SpillFile[] {
      flush();
      if (descriptor === undefined) return [];
      closeSync(descriptor);
      return [{ path, bytes: written, number }];
    },
  };
}

/** @param seed another one, another division */
function hashOf(text: string, seed: number): number {
  let hash = fnv1a(text, seed);
  // The low bits of FNV are poor: what decides is mixed once more.
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return (hash ^ (hash >>> 13)) >>> 0;
}

export interface SortOptions extends SpillOptions {
  /** See `groupSessions`. */
  readonly idleMs: number;
  /** Told of bytes as they are sorted, and of the sessions in them and their events. */
  readonly onSorted?: (bytes: number, sessions: number, events: number) => void;
}

/**
 * Turns spill files into runs, and deletes them. Other work of the process has a turn between two runs.
 * @returns the runs, for `mergeRuns`
 */
export async function sortSpill(
  folder: string,
  spilled: readonly SpillFile[],
  options: SortOptions,
  depth = 0,
  room: Room = { buffer: Buffer.alloc(0) },
): Promise<string[]> {
  const { groupBytesMax = GROUP_BYTES_MAX } = options;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const runs: string[] = [];
  for (const together of packed(byNumber(spilled), groupBytesMax)) {
    await new Promise((resolve) => setImmediate(resolve));
    const name = String(runs.length);
    if (together.bytes <= groupBytesMax || depth === DEPTH_MAX) {
      runs.push(sortTogether(join(folder, `run-${name}`), together, options, room));
      continue;
    }
    const divided = divide(join(folder, `divided-${name}`), together, options, depth + 1);
    const isOneSession = divided.length === 1;
    const next = isOneSession ? DEPTH_MAX : depth + 1;
    runs.push(...(await sortSpill(join(folder, `runs-${name}`), divided, options, next, room)));
  }
  return runs;
}

interface Together {
  readonly paths: readonly string[];
  readonly bytes: number;
}

/** Files that hold the same sessions. */
function byNumber(spilled: readonly SpillFile[]): Together[] {
  const numbers = new Map<number, { paths: string[]; bytes: number }>();
  for (const { number, path, bytes } of spilled) {
    const known = numbers.get(number) ?? { paths: [], bytes: 0 };
    known.paths.push(path);
    known.bytes += bytes;
    numbers.set(number, known);
  }
  return [...numbers.values()];
}

/** As many at once as there is room for: few large runs are merged sooner than many small ones. */
function packed(groups: readonly Together[], bytesMax: number): Together[] {
  const packs: { paths: string[]; bytes: number }[] = [];
  for (const { paths, bytes } of groups) {
    const last = packs.at(-1);
    if (last === undefined || last.bytes + bytes > bytesMax)
      packs.push({ paths: [...paths], bytes });
    else {
      last.paths.push(...paths);
      last.bytes += bytes;
    }
  }
  return packs;
}

/** Room for the files of a run, for one run after the other. */
interface Room {
  buffer: Buffer;
}

function sortTogether(
  run: string,
  { paths, bytes }: Together,
  options: SortOptions,
  room: Room,
): string {
  if (room.buffer.length < bytes) room.buffer = Buffer.allocUnsafeSlow(bytes);
  const buffer = room.buffer.subarray(0, bytes);
  let filled = 0;
  for (const path of paths) {
    filled += readInto(buffer.subarray(filled), path);
    rmSync(path);
  }
  if (filled !== bytes) throw new Error(`${filled} bytes of ${bytes} are in the files to sort`);
  const sessions = groupSessions(buffer, options.idleMs);
  writeRun(run, buffer, sessions);
  const events = sessions.reduce((count, { frames }) => count + frames.length, 0);
  options.onSorted?.(bytes, sessions.length, events);
  return run;
}

/** @returns how many bytes the file has, all of which there is room for */
function readInto(buffer: Buffer, path: string): number {
  const descriptor = openSync(path, 'r');
  try {
    let filled = 0;
    for (;;) {
      const read = readSync(descriptor, buffer, filled, buffer.length - filled, null);
      if (read === 0) return filled;
      filled += read;
    }
  } finally {
    closeSync(descriptor);
  }
}

/** Files as one, by another hash. @returns where they are one session, the same bytes in one file */
function divide(
  folder: string,
  { paths }: Together,
  { files = FILES }: SortOptions,
  seed: number,
): readonly SpillFile[] {
  const parts = openParts(folder, files);
  for (const path of paths) {
    for (const frame of readSized(path)) {
      const keyTo = FRAME_HEAD_BYTES + frame.readUInt16LE(5);
      const key = frame.toString('utf8', FRAME_HEAD_BYTES, keyTo);
      parts[hashOf(key, seed) % files]?.copy(frame);
    }
    rmSync(path);
  }
  return parts.flatMap((part) => part.end());
}
