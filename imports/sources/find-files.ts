/** The files that the arguments of a command stand for. */
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { SojournError } from '../../shared/errors.ts';

const DEPTH_MAX = 64;

/**
 * Files in the order of the arguments; a folder is walked by name, what begins with a point left out; `-` stays.
 * @throws SojournError `SJ_NOT_FOUND` for what is not there, and for a folder without a file
 */
export function findFiles(paths: readonly string[]): readonly string[] {
  return paths.flatMap((path) => {
    if (path === '-') return [path];
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats === undefined) throw new SojournError('SJ_NOT_FOUND', `there is no file ${path}`);
    if (!stats.isDirectory()) return [path];
    const files = [...walk(path, 0)];
    if (files.length === 0) throw new SojournError('SJ_NOT_FOUND', `there is no file in ${path}`);
    return files;
  });
}

function* walk(folder: string, depth: number): Generator<string> {
  // A link to a folder above would go on for ever.
  if (depth > DEPTH_MAX) throw new SojournError('SJ_NOT_FOUND', `${folder} is too deep`);
  const names = readdirSync(folder).filter((name) => !name.startsWith('.'));
  // Of code units and not of a language, so that every machine has the same order.
  for (const name of names.sort()) {
    const path = join(folder, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats?.isDirectory() === true) yield* walk(path, depth + 1);
    else if (stats?.isFile() === true) yield path;
  }
}
